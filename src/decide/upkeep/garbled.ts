import type { Observation } from '../../model/observation.ts';
import { clusterOf } from '../judge.ts';
import type { Upkeep } from '../upkeep.ts';

/** Keys that nobody can read: what stood there before counts, and is put back by whoever comes first. */
export function garbled(seen: Observation): Upkeep {
  return {
    actions: (clusterOf(seen)?.garbage ?? []).flatMap(({ key, before }) =>
      before === undefined ? [] : [{ kind: 'restoreKey', key, ...before } as const],
    ),
  };
}
