import type { Verdict } from '../verdict/verdict.ts';

/** Everything that one call of `lab run` showed. */
export interface Campaign {
  readonly startedWall: string;
  readonly agentCommand: string;
  readonly ttlS: number;
  readonly cores: number;
  /** Other labs that ran at the same time: figures are of little worth then. */
  readonly otherLabs: number;
  readonly verdicts: readonly Verdict[];
}

export const failedOf = ({ verdicts }: Campaign): readonly Verdict[] => verdicts.filter(({ passed }) => !passed);

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
