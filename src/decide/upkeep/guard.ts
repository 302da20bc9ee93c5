import type { Observation } from '../../model/observation.ts';
import { iAmLeader, mayAcceptWrites } from '../judge.ts';
import { leaseLeftMs } from '../timing.ts';
import type { Upkeep } from '../upkeep.ts';

/**
 * A guard that is armed over a server that cannot write would only get in the way; it checks for itself before it yields.
 * While the cluster is paused a primary outlives its lease, as people who are at work on etcd expect.
 */
export function guard(seen: Observation): Upkeep {
  const armed = seen.guard.kind === 'present' && seen.guard.armedMs !== null;
  if (armed && seen.jobs.kind === 'idle' && seen.settings.cluster.pause && mayAcceptWrites(seen.postgres))
    return { actions: [{ kind: 'disarmGuard', paused: true }] };
  if (!armed || seen.jobs.kind === 'busy' || mayAcceptWrites(seen.postgres)) return { actions: [] };
  // PostgreSQL was stopped for a deadline that has passed since. The sentinel knows nothing but that deadline: it would
  // kill the standby that is started next, again and again, until etcd answers. A renewal arms the guard anew.
  if (seen.held !== null && (iAmLeader(seen) || leaseLeftMs(seen) > 0)) return { actions: [] };
  return { actions: [{ kind: 'disarmGuard' }] };
}
