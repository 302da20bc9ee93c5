import type { Job } from '../../model/job.ts';
import type { Observation } from '../../model/observation.ts';
import { clusterOf, guardArmed, iAmLeader, mayAcceptWrites, me } from '../judge.ts';
import { leaseLeftMs, leaseNeededToPromoteMs } from '../timing.ts';
import type { Upkeep } from '../upkeep.ts';

/** Jobs beside which a primary goes on as it is. */
const harmless: readonly Job['kind'][] = ['checkpoint', 'checkDivergence', 'follow'];

/**
 * A guard that is armed over a server that cannot write would only get in the way; it checks for itself before it yields.
 * While the cluster is paused a primary outlives its lease, as people who are at work on etcd expect.
 */
export function guard(seen: Observation): Upkeep {
  const { jobs } = seen;
  const { pause } = seen.settings.cluster;
  const calm = jobs.kind === 'idle' || harmless.includes(jobs.job.kind);
  // The dead-man switch is there also where the guardian is switched off by name.
  const switchOn = seen.guard.kind === 'off' && seen.held !== null;
  const armed = seen.guard.kind === 'present' && seen.guard.armedMs !== null;
  const told = tellUnfenced(seen);
  if (told.actions.length > 0) return told;
  if ((armed || switchOn) && calm && pause && mayAcceptWrites(seen.postgres))
    return { actions: clusterOf(seen)?.unfenced === me(seen) ? [{ kind: 'disarmGuard', paused: true }] : [] };
  if (!(armed || switchOn) || jobs.kind === 'busy' || mayAcceptWrites(seen.postgres)) return { actions: [] };
  // Dead-man switch and sentinel know nothing but the deadline: once it has passed they would kill the standby that serves reads,
  // or is started next, again and again, until etcd answers. A renewal, or promises, arm the guard anew.
  const useMs = seen.held === null ? 0 : useOfLeaseMs(seen);
  if (useMs > 0) return { actions: [], wakeInMs: useMs };
  if (seen.postgres.kind === 'running' && seen.postgres.role === 'standby' && seen.postgres.toldToPromote === true)
    return { actions: [] };
  return { actions: [{ kind: 'disarmGuard' }] };
}

/** For how long its lease can make a primary of what runs here, or is down. Without etcd to renew it, until a promotion needs all that is left. */
function useOfLeaseMs(seen: Observation): number {
  if (seen.dcs.kind === 'reachable') return iAmLeader(seen) || leaseLeftMs(seen) > 0 ? Number.POSITIVE_INFINITY : 0;
  return leaseLeftMs(seen) - leaseNeededToPromoteMs(seen.settings.cluster);
}

/**
 * Without a guard the end of its lease says nothing of a primary: that is told before it is disarmed, and taken back when
 * it is armed again. Until then nobody takes over from an agent that gives no answer, be it frozen, ended or cut off.
 */
function tellUnfenced(seen: Observation): Upkeep {
  const cluster = clusterOf(seen);
  if (cluster === null || seen.held === null || !iAmLeader(seen)) return { actions: [] };
  const { term } = seen.held;
  if (seen.settings.cluster.pause) {
    const needed = mayAcceptWrites(seen.postgres) && cluster.unfenced !== me(seen);
    return { actions: needed ? [{ kind: 'writeUnfenced', name: me(seen), term }] : [] };
  }
  const over = cluster.unfenced !== null && guardArmed(seen);
  return { actions: over ? [{ kind: 'writeUnfenced', name: null, term }] : [] };
}
