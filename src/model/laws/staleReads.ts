import type { History, Read, SharedMs, Write } from '../history.ts';

/** What reads of one key were behind; reads of all keys at once tell nothing. */
export interface Staleness {
  /** Answered, of a key whose writer is in the history. */
  readonly reads: number;
  /** By how much the stalest was behind: since when what it did not show had been acknowledged. Null: none was behind. */
  readonly stalestMs: number | null;
  readonly stalest: Read | null;
  /** Reads of a client that showed less than one of its own before: another standby answered, or the end of a timeline was lost. */
  readonly backwards: number;
}

/**
 * A read is behind by the age of the first acknowledged value of its key that it does not show, as of when it was sent. Standbys replicate
 * asynchronously, so that this is no broken law; how far they were behind is to be seen.
 */
export function stalenessOf(history: History): Staleness {
  const acknowledged = new Map<string, { readonly value: number; readonly atMs: SharedMs }[]>();
  for (const seen of history) if (isAcknowledged(seen)) addTo(acknowledged, seen);
  for (const values of acknowledged.values()) values.sort((a, b) => a.value - b.value);
  const reads = history
    .filter((seen): seen is Read => seen.kind === 'read' && seen.outcome === 'answered' && acknowledged.has(seen.key))
    .toSorted((a, b) => a.sentMs - b.sentMs);
  let stalest: Read | null = null;
  let stalestMs: number | null = null;
  let backwards = 0;
  const shown = new Map<string, number>();
  for (const read of reads) {
    const missed = firstAfter(acknowledged.get(read.key) ?? [], read.value ?? Number.NEGATIVE_INFINITY);
    const behindMs = missed === undefined ? 0 : read.sentMs - missed.atMs;
    if (behindMs > (stalestMs ?? 0)) [stalest, stalestMs] = [read, behindMs];
    const before = shown.get(read.client);
    const value = read.value ?? Number.NEGATIVE_INFINITY;
    if (before !== undefined && value < before) backwards += 1;
    shown.set(read.client, value);
  }
  return { reads: reads.length, stalestMs, stalest, backwards };
}

const isAcknowledged = (seen: History[number]): seen is Write =>
  seen.kind === 'write' && seen.outcome === 'acknowledged' && seen.endedMs !== null;

function addTo(
  keys: Map<string, { readonly value: number; readonly atMs: SharedMs }[]>,
  { key, value, endedMs }: Write,
): void {
  const one = { value, atMs: endedMs ?? 0 };
  const known = keys.get(key);
  if (known === undefined) keys.set(key, [one]);
  else known.push(one);
}

/** The least value beyond that one; values ascend. */
function firstAfter<T extends { readonly value: number }>(values: readonly T[], value: number): T | undefined {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle]?.value ?? Number.POSITIVE_INFINITY) > value) high = middle;
    else low = middle + 1;
  }
  return values[low];
}
