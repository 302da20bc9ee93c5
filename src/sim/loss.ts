import type { History, Write } from '../model/history.ts';

/** The bytes that one append of the writers adds to the log, and its commit record. */
const appendBytes = 168;

export interface LossLimit {
  readonly maximumLagBytes: number;
  /** How far behind /status may be when a primary ends: it is written each loop, and not at all while etcd is away. */
  readonly statusAgeMs: number;
  readonly everyMs: number;
}

/** Of one reign; `firstMs`: when the first of what is lost was acknowledged. */
export interface ExcessiveLoss {
  readonly node: string;
  readonly firstMs: number;
  readonly text: string;
}

/**
 * Law 2 in asynchronous mode, by count: of one reign no more may be lost than a standby may lag and still be promoted,
 * and what was written after the last status. A count, since a reign that pauses stretches over time.
 */
export function excessiveLosses(history: History, limit: LossLimit): readonly ExcessiveLoss[] {
  const held = new Set(
    history.flatMap((seen) => (seen.kind === 'holding' ? seen.values.map((value) => `${seen.key} ${value}`) : [])),
  );
  const judged = new Set(history.flatMap((seen) => (seen.kind === 'holding' ? [seen.key] : [])));
  const lost = new Map<string, { readonly node: string; readonly firstMs: number; count: number }>();
  for (const seen of history)
    if (isAcknowledged(seen) && judged.has(seen.key) && !held.has(`${seen.key} ${seen.value}`)) {
      const reign = `${seen.node} on timeline ${seen.timeline}`;
      const known = lost.get(reign) ?? { node: seen.node ?? '', firstMs: seen.serverMs ?? seen.sentMs, count: 0 };
      lost.set(reign, { ...known, count: known.count + 1 });
    }
  const most = Math.ceil(limit.maximumLagBytes / appendBytes + limit.statusAgeMs / limit.everyMs);
  return [...lost]
    .filter(([, { count }]) => count > most)
    .map(([reign, { node, firstMs, count }]) => ({
      node,
      firstMs,
      text: `${count} acknowledged writes of ${reign} are lost, more than ${most}`,
    }));
}

const isAcknowledged = (seen: History[number]): seen is Write =>
  seen.kind === 'write' && seen.outcome === 'acknowledged';
