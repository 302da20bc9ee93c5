import type { History, Holding, Write } from '../history.ts';
import type { Violation } from '../laws.ts';

/**
 * What may be missing of acknowledged writes. none: nothing (synchronous). tail: the last acknowledged writes of a reign,
 * not older than `ms` at its end: what asynchronous standbys had not received when the primary died.
 */
export type LossBound = { readonly kind: 'none' } | { readonly kind: 'tail'; readonly ms: number };

export interface AppendCounts {
  readonly acknowledged: number;
  readonly failed: number;
  /** Outcome not known to the client, of which `unknownPresent` are there in the end. */
  readonly unknown: number;
  readonly unknownPresent: number;
  /** Acknowledged and gone, whether the bound allows it or not. */
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
}

/** Law 2, for every key of which the history has what the surviving primary holds. */
export function judgeAppends(history: History, bound: LossBound): readonly Violation[] {
  return [...judgeSystems(history), ...appendsByKey(history).flatMap((appends) => judgeKey(appends, bound))];
}

export function countAppends(history: History): AppendCounts {
  const keys = appendsByKey(history);
  const final = finalWrites(history);
  return {
    acknowledged: final.filter((write) => write.outcome === 'acknowledged').length,
    failed: final.filter((write) => write.outcome === 'failed').length,
    unknown: final.filter(mayBeThere).length,
    unknownPresent: keys.flatMap(({ holding, writes }) => {
      const held = new Set(holding.values);
      return [...writes.values()].filter((write) => mayBeThere(write) && held.has(write.value));
    }).length,
    lost: keys.flatMap(lostOf).length,
    doubled: keys.flatMap(doubledOf).length,
    reordered: keys.flatMap(reorderedOf).length,
  };
}

const mayBeThere = (write: Write): boolean => write.outcome === 'unknown' || write.outcome === 'attempted';

interface Appends {
  readonly holding: Holding;
  readonly writes: ReadonlyMap<number, Write>;
}

function judgeKey(appends: Appends, bound: LossBound): readonly Violation[] {
  const tails = tailsOf(appends);
  return [
    ...lostOf(appends).flatMap((write): readonly Violation[] => {
      const why = whyNotAllowed(write, tails.get(reignOf(write)), bound);
      return why === null ? [] : [{ law: 2, kind: 'lost', write, why }];
    }),
    ...doubledOf(appends),
    ...reorderedOf(appends),
    ...inventedOf(appends),
  ];
}

const lostOf = ({ holding, writes }: Appends): readonly Write[] => {
  const held = new Set(holding.values);
  return [...writes.values()].filter((write) => write.outcome === 'acknowledged' && !held.has(write.value));
};

/** Where the acknowledged writes of a reign ended, and how far of them survived. */
interface Tail {
  readonly endMs: number;
  readonly lastSurvivor: number;
}

const reignOf = (write: Write): string => `${write.node} ${write.timeline}`;

function tailsOf({ holding, writes }: Appends): ReadonlyMap<string, Tail> {
  const held = new Set(holding.values);
  const tails = new Map<string, Tail>();
  for (const write of writes.values()) {
    if (write.outcome !== 'acknowledged') continue;
    const before = tails.get(reignOf(write)) ?? { endMs: 0, lastSurvivor: Number.NEGATIVE_INFINITY };
    tails.set(reignOf(write), {
      endMs: Math.max(before.endMs, write.endedMs ?? write.sentMs),
      lastSurvivor: held.has(write.value) ? Math.max(before.lastSurvivor, write.value) : before.lastSurvivor,
    });
  }
  return tails;
}

/** Null: the bound allows this loss. */
function whyNotAllowed(lost: Write, tail: Tail | undefined, bound: LossBound): string | null {
  if (bound.kind === 'none' || tail === undefined) return 'no acknowledged write may be lost';
  // A standby has a beginning of the primary's log, never a log with a hole.
  if (tail.lastSurvivor > lost.value) return `a hole: value ${tail.lastSurvivor}, later in the same reign, is there`;
  const beforeEndMs = tail.endMs - (lost.endedMs ?? lost.sentMs);
  return beforeEndMs > bound.ms ? `${beforeEndMs} ms before the end of its reign, more than ${bound.ms}` : null;
}

function doubledOf({ holding }: Appends): readonly Extract<Violation, { kind: 'doubled' }>[] {
  const times = new Map<number, number>();
  for (const value of holding.values) times.set(value, (times.get(value) ?? 0) + 1);
  return [...times]
    .filter(([, count]) => count > 1)
    .map(([value, count]) => ({ law: 2, kind: 'doubled', key: holding.key, value, times: count }));
}

/** Only real time orders: a write of unknown outcome may take effect after later ones, an acknowledged one may not. */
function reorderedOf({ holding, writes }: Appends): readonly Extract<Violation, { kind: 'reordered' }>[] {
  let latestSent: Write | null = null;
  const wrong: Extract<Violation, { kind: 'reordered' }>[] = [];
  const met = new Set<number>();
  for (const value of holding.values) {
    const write = writes.get(value);
    if (write === undefined || met.has(value)) continue; // invented, doubled: named elsewhere
    met.add(value);
    // `value` decides where the clock is too coarse to: one client sends them one after another.
    const inverted =
      latestSent !== null && latestSent.value > value && latestSent.sentMs >= (write.endedMs ?? write.sentMs);
    if (latestSent !== null && inverted && write.outcome === 'acknowledged')
      wrong.push({ law: 2, kind: 'reordered', write, after: latestSent });
    if (latestSent === null || write.sentMs >= latestSent.sentMs) latestSent = write;
  }
  return wrong;
}

const inventedOf = ({ holding, writes }: Appends): readonly Violation[] =>
  holding.values.flatMap((value): readonly Violation[] => {
    const write = writes.get(value);
    if (write !== undefined && write.outcome !== 'failed') return [];
    const why = write === undefined ? 'nobody wrote it' : `the client was told that it failed: ${write.error}`;
    return [{ law: 2, kind: 'invented', key: holding.key, value, why }];
  });

/** Two database systems in one history: somebody made a new cluster of the old name. */
function judgeSystems(history: History): readonly Violation[] {
  const systemIds = new Set(
    history.flatMap((seen) => (seen.kind === 'write' && seen.systemId !== null ? [seen.systemId] : [])),
  );
  return systemIds.size > 1 ? [{ law: 2, kind: 'otherSystem', systemIds: [...systemIds] }] : [];
}

function appendsByKey(history: History): readonly Appends[] {
  const writes = finalWrites(history);
  return history
    .filter((seen): seen is Holding => seen.kind === 'holding')
    .map((holding) => ({
      holding,
      writes: new Map(writes.filter((write) => write.key === holding.key).map((write) => [write.value, write])),
    }));
}

/** The last word on each write: its outcome where there is one, else the attempt. */
function finalWrites(history: History): readonly Write[] {
  const writes = new Map<string, Write>();
  for (const seen of history) {
    if (seen.kind !== 'write') continue;
    const name = `${seen.value} ${seen.key}`;
    if (seen.outcome !== 'attempted' || !writes.has(name)) writes.set(name, seen);
  }
  return [...writes.values()];
}
