import type { Verdict } from '../verdict/verdict.ts';

/** Everything that one call of `lab run` showed. */
export interface Campaign {
  readonly startedWall: string;
  readonly agentCommand: string;
  readonly ttlS: number;
  readonly cores: number;
  /** Other labs that ran at the same time: figures are of little worth then. */
  readonly otherLabs: number;
  /** How many runs were asked for: fewer are judged of one that was ended before its time. */
  readonly runsWanted: number;
  /** By what it was ended before its time, a signal say; null: it was not. */
  readonly endedBy: string | null;
  readonly verdicts: readonly Verdict[];
}

export const failedOf = ({ verdicts }: Campaign): readonly Verdict[] => verdicts.filter(({ passed }) => !passed);

/** A campaign that shows less than was asked for must not pass for a whole one; null: it was not ended before its time. */
export function endedEarly({ verdicts, runsWanted, endedBy }: Campaign): string | null {
  if (endedBy === null) return null;
  const why = /^SIG[A-Z]+$/.test(endedBy) ? `by ${endedBy}` : `because ${endedBy}`;
  return `${verdicts.length} of ${runsWanted} runs were judged: ended ${why}`;
}

/** All runs of a scenario, in the order of the first of each. */
export function byScenario(verdicts: readonly Verdict[]): readonly (readonly [first: Verdict, ...rest: Verdict[]])[] {
  const groups = new Map<string, [Verdict, ...Verdict[]]>();
  for (const verdict of verdicts) {
    const group = groups.get(verdict.scenario);
    if (group === undefined) groups.set(verdict.scenario, [verdict]);
    else group.push(verdict);
  }
  return [...groups.values()];
}

/** What went wrong in a run, a sentence each. */
export const complaintsOf = ({ broken, laws, expectations }: Verdict): readonly string[] => [
  ...(broken === null ? [] : [`broken off: ${broken}`]),
  ...laws.map(({ law, text }) => `law ${law}: ${text}`),
  ...expectations.filter(({ held }) => !held).map(({ text, measured }) => `expected ${text}: ${measured}`),
];
