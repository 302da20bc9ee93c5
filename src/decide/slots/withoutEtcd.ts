import type { Observation } from '../../model/observation.ts';
import { promiseInForce } from '../failsafe.ts';

/**
 * The world as a primary without etcd tells it in failsafe mode: it leads still, and its slots stand where it says. Null: nobody
 * has this node's promise, or it is not known as the leader.
 */
export function asPromised(seen: Observation): Observation | null {
  const promised = promiseInForce(seen);
  const known = seen.dcs.kind === 'unreachable' ? seen.dcs.lastSeen : null;
  if (promised === null || known?.status == null || known.leader?.name !== promised.to) return null;
  const status = { ...known.status, slots: promised.slots };
  return {
    ...seen,
    dcs: { kind: 'reachable', sinceMs: seen.nowMs, readMs: seen.nowMs, vacancy: null, cluster: { ...known, status } },
  };
}
