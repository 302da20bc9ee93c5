import type { AppendCounts } from '../../model/laws/appends.ts';
import { type Staleness, stalenessOf } from '../../model/laws/staleReads.ts';
import { tellViolation } from '../../model/laws/tell.ts';
import { countAppends, judge, judgedLaws, type Violation } from '../../model/laws.ts';
import { durationMs, type Scenario } from '../../model/scenario.ts';
import type { ClientPath } from '../clients.ts';
import type { Evidence, StepDone } from '../scenario/evidence.ts';
import { type Expectation, judgeExpectations } from './expectations.ts';
import { type Gap, gapsOf } from './gaps.ts';
import { type Phase, phasesOf, struckMs } from './phases.ts';

/** What one run of a scenario showed: plain values, drawn as a table, a page, JUnit or JSON. */
export interface Verdict {
  readonly scenario: string;
  readonly title: string;
  readonly description: string;
  /** Why it is known to fail. */
  readonly red: string | null;
  readonly run: number;
  readonly passed: boolean;
  /** Why it could not be played to its end. */
  readonly broken: string | null;
  readonly expectations: readonly Expectation[];
  /** By number; what was not watched, as in a run that was broken off, is not judged. */
  readonly judged: readonly number[];
  /** Broken ones. */
  readonly laws: readonly BrokenLaw[];
  /** Since the first fault or act. */
  readonly phases: readonly Phase[];
  readonly gaps: Readonly<Record<ClientPath, Gap>>;
  readonly errors: Evidence['errors'];
  readonly writes: AppendCounts;
  /** How far reads of standbys and old primaries were behind what had been acknowledged. */
  readonly reads: Omit<Staleness, 'stalest'>;
  /** How long two nodes acknowledged writes at the same time, by their own clocks; 0: never. */
  readonly splitBrainMs: number;
  readonly streamingAgainMs: number | null;
  readonly primaryBefore: string;
  readonly primaryAfter: string | null;
  readonly memoryMb: number | null;
  readonly steps: readonly StepDone[];
  readonly tookMs: number;
}

export interface BrokenLaw {
  readonly law: number;
  readonly kind: Violation['kind'];
  readonly text: string;
}

export function verdictOf(scenario: Scenario, evidence: Evidence, run: number): Verdict {
  const { ttlMs } = evidence;
  // Scenarios share a lab: who led in the time before, and how, is judged with what was played then.
  const history = evidence.history.filter((seen) => seen.kind !== 'right' || seen.untilMs >= evidence.fromMs);
  const { lostWrites } = scenario.expect;
  const loss =
    lostWrites === null ? ({ kind: 'none' } as const) : ({ kind: 'tail', ms: durationMs(lostWrites, ttlMs) } as const);
  // That rights overlap says only how late our ears are.
  const broken = judge(history, { fenceMs: 0, loss }).filter(({ kind }) => kind !== 'rightsOverlap');
  const gaps = gapsOf(evidence, struckMs(evidence));
  const expectations = judgeExpectations(scenario, evidence, gaps);
  return {
    scenario: scenario.name,
    title: scenario.title,
    description: scenario.description,
    red: scenario.red,
    run,
    passed: evidence.broken === null && broken.length === 0 && expectations.every(({ held }) => held),
    broken: evidence.broken,
    expectations,
    judged: judgedLaws(history),
    laws: broken.map((one) => ({ law: one.law, kind: one.kind, text: tellLaw(one, evidence.fromMs) })),
    phases: phasesOf(evidence, gaps),
    gaps,
    errors: evidence.errors,
    writes: countAppends(history.filter((seen) => seen.kind !== 'write' || !seen.client.startsWith('monitor/'))),
    reads: readsOf(evidence),
    splitBrainMs: Math.max(0, ...broken.map((one) => (one.kind === 'splitBrain' ? Math.max(one.overlapMs, 1) : 0))),
    streamingAgainMs: evidence.streamingAgainMs,
    primaryBefore: evidence.primaryBefore,
    primaryAfter: evidence.primaryAfter,
    memoryMb: evidence.memoryMb,
    steps: evidence.steps,
    tookMs: evidence.untilMs - evidence.fromMs,
  };
}

function readsOf({ history }: Evidence): Verdict['reads'] {
  const { stalest: _, ...counted } = stalenessOf(history);
  return counted;
}

/** Instants in the sentence are ms since 1970: people want them since the beginning. */
function tellLaw(violation: Violation, fromMs: number): string {
  const { text } = tellViolation(violation);
  return text.replace(
    /\b(1\d{9}\.\d{3}) s\b/g,
    (_whole, seconds: string) => `${(Number(seconds) - fromMs / 1_000).toFixed(3)} s`,
  );
}
