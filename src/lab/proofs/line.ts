import { complaintsOf } from '../report/campaign.ts';
import type { Verdict } from '../verdict/verdict.ts';
import { ms } from '../verdict/words.ts';

/** What one run showed, as a line of the track record. */
export interface ProofLine {
  readonly scenario: string;
  readonly ttlS: number;
  /** How often something was broken in it. */
  readonly faults: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly doubled: number;
  readonly unknown: number;
  /** Without an acknowledged write, of the client that knows all hosts; null: it never was served. */
  readonly longestGapMs: number | null;
  /** After the last step, until all members streamed; null: not within the limit. */
  readonly streamingMs: number | null;
  readonly twoPrimariesMs: number;
  /** What did not hold, a sentence each. */
  readonly broken: readonly string[];
}

export function proofLineOf(verdict: Verdict, ttlS: number): ProofLine {
  const { scenario, steps, writes, gaps, streamingAgainMs, splitBrainMs } = verdict;
  const { gapMs } = gaps['direct write'];
  return {
    scenario,
    ttlS,
    faults: steps.filter(({ nature }) => nature === 'fault').length,
    acknowledged: writes.acknowledged,
    lost: writes.lost,
    doubled: writes.doubled,
    unknown: writes.unknown,
    longestGapMs: gapMs === null ? null : Math.round(gapMs),
    streamingMs: streamingAgainMs,
    twoPrimariesMs: Math.round(splitBrainMs),
    broken: complaintsOf(verdict),
  };
}

export function proofText({ scenario, lost, longestGapMs, streamingMs, broken }: ProofLine): string {
  const figures = [
    `${lost} lost`,
    `longest write gap ${longestGapMs === null ? 'without end' : ms(longestGapMs)}`,
    streamingMs === null ? 'not all stream' : `all stream after ${ms(streamingMs)}`,
  ];
  return [`${scenario}: ${broken.length === 0 ? 'passed' : 'FAILED'}, ${figures.join(', ')}`, ...broken].join('\n  ');
}
