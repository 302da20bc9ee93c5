import type { BrokenAssumption } from '../model/laws/lapses.ts';
import type { Violation } from '../model/laws.ts';
import { dataDirAt } from './postgres/dataDir.ts';
import { truncate } from './postgres/wal.ts';
import { places } from './settings.ts';
import type { SimulatedCluster } from './words.ts';

/**
 * A disk that said that it had something, and has not: the server ends, and what is left is whole, and of an earlier moment, as after a
 * snapshot was put back. All durability rests on that this does not happen: what comes of it is told apart.
 */

const struck = new WeakMap<SimulatedCluster, { readonly node: string; readonly atMs: number }[]>();

/** Takes so many of the latest records, but none before the last checkpoint. Gives how many went; the server is killed only if any does. */
export function rollBackDisk(cluster: SimulatedCluster, node: string, records: number): number {
  const { machine } = cluster.node(node);
  const dir = dataDirAt(machine, places.dataDir);
  const [control, wal] = [dir.control(), dir.wal()];
  if (control === null || wal === null || wal.timeline !== control.timeline || control.state !== 'in production')
    return 0;
  const last = wal.records.findLastIndex(({ start }) => start <= control.checkpoint);
  const kept = wal.records[Math.max(last, wal.records.length - 1 - records)];
  if (last < 0 || kept === undefined || kept.end >= wal.end) return 0;
  const lost = wal.records.filter(({ start }) => start >= kept.end).length;
  // With all its backends: one that outlives its postmaster for a moment would write on where the disk ends now.
  const backends = [...(cluster.server(node)?.children ?? [])];
  if (machine.powered()) cluster.postgres(node).kill();
  for (const backend of backends) backend.signal('KILL');
  truncate(wal, kept.end);
  cluster.tell(node, `its disk is rolled back by ${lost} records`);
  struck.set(cluster, [...(struck.get(cluster) ?? []), { node, atMs: cluster.engine.now() }]);
  return lost;
}

/** What came of it, which is what law 2 is about. */
export function rolledBackIn(cluster: SimulatedCluster, excused: readonly Violation[]): readonly BrokenAssumption[] {
  return (struck.get(cluster) ?? []).map(({ node, atMs }) => {
    const window = { fromMs: atMs, untilMs: cluster.engine.now() };
    return { node, how: 'rolledBack', ...window, window, writes: 0, twoPrimariesMs: 0, excused };
  });
}

export const wasRolledBack = (cluster: SimulatedCluster): boolean => struck.has(cluster);
