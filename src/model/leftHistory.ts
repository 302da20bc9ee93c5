import type { Cluster } from './cluster.ts';
import type { Lsn, Timeline } from './units.ts';

/**
 * Whether a position is no longer on the way that the cluster went: it lies behind the place where the cluster left that
 * timeline, or on one that it never was on. `at`: the last that it shares with the cluster; null: not known. Null: it is on the
 * way, or nothing says otherwise.
 */
export function leftHistory(
  { clusterTimeline, history }: Pick<Cluster, 'clusterTimeline' | 'history'>,
  timeline: Timeline,
  lsn: Lsn,
): { readonly at: Lsn | null } | null {
  const lines = history?.lines ?? [];
  if (clusterTimeline === null || timeline >= clusterTimeline || lines.length === 0) return null;
  const at = lines.find((line) => line.timeline === timeline)?.end ?? null;
  return at !== null && lsn <= at ? null : { at };
}
