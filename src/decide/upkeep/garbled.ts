import type { Observation } from '../../model/observation.ts';
import { clusterOf } from '../judge.ts';
import type { Upkeep } from '../upkeep.ts';

/**
 * Keys that nobody can read, of those that an election goes by. A leader writes what it knows over them; while nobody leads, nobody
 * could be elected for want of them: what stood there before is put back, by whoever comes first. What a Patroni of another version
 * may have written is left to it.
 */
export function garbled(seen: Observation): Upkeep {
  const cluster = clusterOf(seen);
  if (cluster === null || cluster.leader !== null) return { actions: [] };
  if (!cluster.members.every(({ other }) => other.matriarch === 1)) return { actions: [] };
  return {
    actions: cluster.garbage.flatMap(({ key, before }) =>
      before === undefined ? [] : [{ kind: 'restoreKey', key, ...before } as const],
    ),
  };
}
