import type { History, Write } from '../history.ts';
import type { Reign, Violation } from '../laws.ts';

/**
 * Law 1, from what clients hold in their hands. A reign lasts from the server clock inside its first acknowledged
 * statement to that inside its last one. Two nodes acknowledged in overlapping time exactly when their reigns overlap.
 *
 * Why by timeline: n1, n2, n1 is lawful when each took over from the other, and then n1 is on a new timeline. An old
 * primary that goes on beside the new one stays on its own, and its reign reaches into the other's.
 */
export function judgeReigns(history: History): readonly Violation[] {
  const reigns = reignsOf(history);
  return pairs(reigns).flatMap(([a, b]): readonly Violation[] => {
    if (a.node === b.node) return [];
    const overlapMs = Math.min(a.lastMs, b.lastMs) - Math.max(a.firstMs, b.firstMs);
    return overlapMs > 0 || touches(a, b, overlapMs)
      ? [{ law: 1, kind: 'splitBrain', reigns: [a, b], overlapMs: Math.max(overlapMs, 0) }]
      : [];
  });
}

/** A reign of one write lasts no time: inside another reign it is an overlap all the same. */
const touches = (a: Reign, b: Reign, overlapMs: number): boolean =>
  overlapMs === 0 && (strictlyWithin(a, b) || strictlyWithin(b, a));

const strictlyWithin = (inner: Reign, outer: Reign): boolean =>
  inner.firstMs > outer.firstMs && inner.lastMs < outer.lastMs;

/** In the order in which they began. */
export function reignsOf(history: History): readonly Reign[] {
  const reigns = new Map<string, Reign>();
  for (const seen of history) {
    if (seen.kind !== 'write' || seen.outcome !== 'acknowledged') continue;
    if (seen.node === null || seen.serverMs === null) continue;
    const name = `${seen.node} ${seen.timeline}`;
    reigns.set(name, extended(reigns.get(name), seen, seen.node, seen.serverMs));
  }
  return [...reigns.values()].sort((a, b) => a.firstMs - b.firstMs);
}

function extended(reign: Reign | undefined, write: Write, node: string, serverMs: number): Reign {
  const heardMs = write.endedMs ?? serverMs;
  if (reign === undefined)
    return { node, timeline: write.timeline, writes: 1, firstMs: serverMs, lastMs: serverMs, lastHeardMs: heardMs };
  return {
    ...reign,
    writes: reign.writes + 1,
    firstMs: Math.min(reign.firstMs, serverMs),
    lastMs: Math.max(reign.lastMs, serverMs),
    lastHeardMs: Math.max(reign.lastHeardMs, heardMs),
  };
}

export const pairs = <T>(all: readonly T[]): readonly (readonly [T, T])[] =>
  all.flatMap((a, i) => all.slice(i + 1).map((b): readonly [T, T] => [a, b]));
