import { quantile } from '../bench/statistics.ts';
import type { ClientPath } from '../clients.ts';
import type { Verdict } from '../verdict/verdict.ts';
import { ms } from '../verdict/words.ts';

/** Cells of tables, short enough for all of them to stand side by side in 120 columns. */

/** Of one run as exact as it was measured; of several the median and the worst, in the unit of that: `0.41–2.74 s`. */
export function spread(values: readonly (number | null)[]): string {
  const sorted = measured(values);
  const worst = sorted.at(-1);
  if (worst === undefined) return '-';
  return values.length === 1 ? ms(worst) : inOneUnit([quantile(sorted, 0.5), worst]);
}

export function median(values: readonly (number | null)[]): number | null {
  const sorted = measured(values);
  return sorted.length === 0 ? null : quantile(sorted, 0.5);
}

const measured = (values: readonly (number | null)[]): readonly number[] =>
  values.filter((value) => value !== null).toSorted((a, b) => a - b);

function inOneUnit([middle, worst]: readonly [number, number]): string {
  if (Math.round(worst) < 1_000) return `${Math.round(middle)}–${Math.round(worst)} ms`;
  const digits = worst < 9_995 ? 2 : worst < 99_950 ? 1 : 0; // as it is rounded, three of them
  return `${(middle / 1_000).toFixed(digits)}–${(worst / 1_000).toFixed(digits)} s`;
}

export const sum = (group: readonly Verdict[], of: (one: Verdict) => number): number =>
  group.reduce((total, one) => total + of(one), 0);

/** How often the clients of some paths met an error, connections that failed included. */
export const errorsBy = (group: readonly Verdict[], paths: readonly ClientPath[]): number =>
  sum(group, ({ errors }) =>
    paths.flatMap((path) => Object.values(errors[path])).reduce((total, times) => total + times, 0),
  );

/** Laws, not cases of one: which value was lost stands below. */
export const lawsBroken = (group: readonly Verdict[]): number =>
  new Set(group.flatMap(({ laws }) => laws.map(({ law }) => law))).size;

export const splitBrainMs = (group: readonly Verdict[]): number => Math.max(...group.map((one) => one.splitBrainMs));

export function twoPrimaries(group: readonly Verdict[]): string {
  const longestMs = splitBrainMs(group);
  return longestMs === 0 ? 'never' : ms(longestMs);
}

export function readsText({ reads, stalestMs, backwards }: Verdict['reads']): string {
  const behind = stalestMs === null ? 'none was behind' : `at most ${ms(stalestMs)} behind what had been acknowledged`;
  const back = backwards === 0 ? '' : `, ${backwards} of them showed less than the one before`;
  return `${reads} reads: ${behind}${back}`;
}
