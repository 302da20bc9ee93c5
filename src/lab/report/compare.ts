import { ms } from '../verdict/words.ts';
import { byScenario, type Campaign, endedEarly } from './campaign.ts';
import { layOut } from './layOut.ts';
import { errorsBy, lawsBroken, median, splitBrainMs, sum } from './words.ts';

/** All runs of a scenario in one campaign. Times are the longest without an answer, of several runs the median; null: never served. */
interface Figures {
  readonly runs: number;
  readonly passed: number;
  readonly writeGapMs: number | null;
  readonly proxiedWriteGapMs: number | null;
  readonly streamingAgainMs: number | null;
  readonly lost: number;
  readonly doubled: number;
  readonly unknown: number;
  readonly errors: number;
  readonly proxiedErrors: number;
  /** The longest time that two nodes acknowledged writes at once; 0: never. */
  readonly splitBrainMs: number;
  readonly lawsBroken: number;
}

/** Null: that campaign has not run it. */
interface Compared {
  readonly scenario: string;
  readonly now: Figures | null;
  readonly before: Figures | null;
}

/** Two campaigns side by side, scenario by scenario: another agent, another version, another day. */
export interface Comparison {
  readonly now: string;
  readonly before: string;
  /** Those of this campaign first, then those that only the other has run. */
  readonly scenarios: readonly Compared[];
}

export function comparisonOf(now: Campaign, before: Campaign): Comparison {
  const [ours, theirs] = [figuresOf(now), figuresOf(before)];
  const names = new Set([...ours.keys(), ...theirs.keys()]);
  return {
    now: about(now),
    before: about(before),
    scenarios: [...names].map((scenario) => ({
      scenario,
      now: ours.get(scenario) ?? null,
      before: theirs.get(scenario) ?? null,
    })),
  };
}

const figuresOf = ({ verdicts }: Campaign): ReadonlyMap<string, Figures> =>
  new Map(
    byScenario(verdicts).map((group): [string, Figures] => [
      group[0].scenario,
      {
        runs: group.length,
        passed: group.filter(({ passed }) => passed).length,
        writeGapMs: median(group.map(({ gaps }) => gaps['direct write'].gapMs)),
        proxiedWriteGapMs: median(group.map(({ gaps }) => gaps['proxied write'].gapMs)),
        streamingAgainMs: median(group.map(({ streamingAgainMs }) => streamingAgainMs)),
        lost: sum(group, ({ writes }) => writes.lost),
        doubled: sum(group, ({ writes }) => writes.doubled),
        unknown: sum(group, ({ writes }) => writes.unknown),
        errors: errorsBy(group, ['direct write', 'direct read']),
        proxiedErrors: errorsBy(group, ['proxied write', 'proxied read']),
        splitBrainMs: splitBrainMs(group),
        lawsBroken: lawsBroken(group),
      },
    ]),
  );

type Cell = (figures: Figures) => string;

const time = (value: number | null): string => (value === null ? '-' : ms(value));
const gaps: Readonly<Record<string, Cell>> = {
  passed: ({ passed, runs }) => `${passed} of ${runs}`,
  write: ({ writeGapMs }) => time(writeGapMs),
  'by HAProxy': ({ proxiedWriteGapMs }) => time(proxiedWriteGapMs),
  streaming: ({ streamingAgainMs }) => time(streamingAgainMs),
};
const fates: Readonly<Record<string, Cell>> = {
  lost: ({ lost }) => String(lost),
  doubled: ({ doubled }) => String(doubled),
  unknown: ({ unknown }) => String(unknown),
  errors: ({ errors }) => String(errors),
  'by HAProxy': ({ proxiedErrors }) => String(proxiedErrors),
  'two primaries': (figures) => (figures.splitBrainMs === 0 ? 'never' : ms(figures.splitBrainMs)),
  'laws broken': (figures) => String(figures.lawsBroken),
};

/** The comparison for a terminal; a side that has not run a scenario has a dash there. */
export function compare(now: Campaign, before: Campaign): string {
  const { scenarios, ...titles } = comparisonOf(now, before);
  const side = (figures: Figures | null, of: Cell): string => (figures === null ? '-' : of(figures));
  const table = (columns: Readonly<Record<string, Cell>>): readonly string[] =>
    layOut(
      ['scenario', ...Object.keys(columns)],
      scenarios.map((one) => [
        one.scenario,
        ...Object.values(columns).map((of) => `${side(one.now, of)} / ${side(one.before, of)}`),
      ]),
    );
  return [
    `${titles.now} / ${titles.before}`,
    '',
    'Longest time without an answer, after the first fault or act; of several runs the median',
    ...table(gaps),
    '',
    'What became of the writes, and which errors the clients met, over all runs',
    ...table(fates),
    '',
  ].join('\n');
}

function about(campaign: Campaign): string {
  const { agentCommand, ttlS, startedWall } = campaign;
  const early = endedEarly(campaign);
  return `${agentCommand}, ttl ${ttlS} s, ${startedWall.slice(0, 16).replace('T', ' ')}${early === null ? '' : ` (${early})`}`;
}
