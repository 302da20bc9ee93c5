import type { Fact } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import { clusterOf, clusterTimeline, guardUsable, leaderOf, me, memberOf, runningPrimary } from '../judge.ts';
import type { Rule } from '../rule.ts';

/** Is it this node that is registered under my name? A clone of a machine has its name, and another address. */
function registeredHere(seen: Observation): boolean {
  const member = memberOf(clusterOf(seen), me(seen));
  const { host, port } = seen.settings.local.postgres.connectAddress;
  return member !== null && member.host === host && member.port === port;
}

/** Another is there under my name: nothing is touched. */
export const nameInUse: Rule = {
  name: 'name.inUse',
  reason: 'another agent answers under the name of this one; nothing is touched',
  judge(seen) {
    if (seen.name.kind !== 'inUse') return undefined;
    return {
      actions: [{ kind: 'exit', code: 1, message: seen.name.why }],
      because: [['name', me(seen)]],
      hold: true,
    };
  },
};

/**
 * As after a power cut shorter than the ttl. That the lease is of an earlier life of this very agent, whose server is surely gone, cannot
 * be proven by anything that is on this machine: a copy of it, on which another boot began as well, would find the same on its disk,
 * and end the lease of a primary that writes. So it is left to run out, which costs the rest of one ttl, and the true reason is told.
 */
export const formerLife: Rule = {
  name: 'leader.formerLife',
  reason:
    'the leader key bears my name, on a lease that this life of its agent does not hold: it ends with that lease, and is not touched',
  judge(seen) {
    const key = leaderOf(seen);
    if (seen.dcs.kind !== 'reachable' || key === null || key.name !== me(seen) || seen.held !== null) return undefined;
    const sinceMs = Math.max(seen.startedMs, seen.dcs.sinceMs);
    const waitedMs = seen.nowMs - sinceMs;
    const because: Fact[] = [
      ['term', String(key.term)],
      ['itsLease', key.lease?.toString(16) ?? null],
      ['postgres', seen.postgres.kind],
      ['waitedMs', Math.round(waitedMs)],
    ];
    if (waitedMs > 2 * seen.settings.cluster.ttlMs)
      because.push(['needsOperator', `somebody else renews it: look for another agent that is named ${me(seen)}`]);
    return { actions: [], because, wakeInMs: 1_000 };
  },
};

/**
 * Coming from Patroni: its leader key bears my name, on a lease that I do not hold. It is mine if PostgreSQL runs here as
 * the primary of the cluster's timeline, and nobody answers under my name.
 */
export const adoptKey: Rule = {
  name: 'primary.adopt',
  reason: 'the leader key bears my name, its primary runs here, and nobody else answers to the name: it is taken over',
  judge(seen) {
    const key = leaderOf(seen);
    const cluster = clusterOf(seen);
    const primary = runningPrimary(seen);
    if (cluster === null || key === null || primary === null || key.name !== me(seen) || key.lease === null)
      return undefined;
    if (seen.held !== null || seen.settings.cluster.pause || seen.jobs.kind === 'busy' || primary.left !== undefined)
      return undefined;
    const known = clusterTimeline(seen);
    const sameCluster = cluster.initialize.kind === 'done' && cluster.initialize.systemId === primary.control.systemId;
    const ofThisTimeline = known === null || primary.timeline === known;
    const myName = seen.name.kind === 'free' && seen.name.asked && registeredHere(seen);
    if (!myName || !sameCluster || !ofThisTimeline || !guardUsable(seen)) return undefined;
    // Past its time for finding a lease it stops like all others: the last attempt must be over by then.
    const unleasedMs = seen.nowMs - (seen.memory.unleasedSinceMs ?? seen.nowMs);
    if (unleasedMs > seen.settings.cluster.retryTimeoutMs) return undefined;
    const because: Fact[] = [
      ['term', String(key.term)],
      ['itsLease', key.lease.toString(16)],
      ['timeline', primary.timeline],
    ];
    return { actions: [{ kind: 'adoptLeaderKey', seen: key }], because, wakeInMs: 500 };
  },
};
