import type { History, SharedMs, Write } from '../../model/history.ts';

export interface Spread {
  readonly median: number;
  readonly worst: number;
  readonly count: number;
}

export type Better = 'less' | 'more';

/** Null: nothing was measured. */
export function spreadOf(values: readonly number[], better: Better): Spread | null {
  const sorted = values.toSorted((a, b) => a - b);
  const worst = better === 'less' ? sorted.at(-1) : sorted[0];
  return worst === undefined ? null : { median: quantile(sorted, 0.5), worst, count: sorted.length };
}

/** Of ascending numbers, between two neighbours where it falls between them; 0 of none. */
export function quantile(sorted: readonly number[], part: number): number {
  const at = (sorted.length - 1) * part;
  const below = sorted[Math.floor(at)] ?? 0;
  const above = sorted[Math.ceil(at)] ?? below;
  return below + (above - below) * (at - Math.floor(at));
}

/** When the writes of a key were acknowledged, as its client saw it, ascending. */
export function acknowledgements(history: History, key: string): readonly SharedMs[] {
  return history
    .filter((seen): seen is Write => seen.kind === 'write' && seen.outcome === 'acknowledged' && seen.key === key)
    .flatMap(({ endedMs }) => (endedMs === null ? [] : [endedMs]))
    .toSorted((a, b) => a - b);
}

/**
 * The longest time without an acknowledgement that ended after `fromMs`; the one under way at `untilMs` counts too.
 * Null: nothing was acknowledged at all.
 */
export function longestGapMs(acknowledgedMs: readonly SharedMs[], fromMs: SharedMs, untilMs: SharedMs): number | null {
  if (acknowledgedMs.length === 0) return null;
  const marks = [...acknowledgedMs.filter((ms) => ms < untilMs), untilMs];
  return Math.max(0, ...marks.map((ms, at) => (ms > fromMs ? ms - (marks[at - 1] ?? ms) : 0)));
}
