import type { Cluster } from '../../model/cluster.ts';
import type { Fact } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import { type Lsn, lsnText, timeline } from '../../model/units.ts';
import {
  freshAnswers,
  leaderless,
  leaderlessSince,
  livingPrimary,
  named,
  offHistory,
  takenTimeline,
} from '../contest.ts';
import { listedWithoutMe, promiseInForce } from '../failsafe.ts';
import { clusterOf, clusterTimeline, dueRequest, guardUsable, me, nofailover } from '../judge.ts';
import type { Rule } from '../rule.ts';
import { rememberedBySlot } from '../slots/retention.ts';
import { electable, hasEveryCommit, isForced, mayStand } from '../synchronous/standing.ts';
import { votesFor } from '../synchronous/votes.ts';
import { turnRules } from './turns.ts';

/** The leader key is gone. Who may take it, who must wait for whom, and who must not. */

const paused: Rule = {
  name: 'race.paused',
  reason: 'the cluster is paused: nobody is promoted without being named',
  judge(seen) {
    if (leaderless(seen) === null || !seen.settings.cluster.pause) return undefined;
    if (dueRequest(seen)?.candidate === me(seen)) return undefined;
    return { actions: [], because: [['paused', true]] };
  },
};

const notInitialized: Rule = {
  name: 'race.uninitialized',
  reason: 'this cluster has no identity yet: its primary gives it one, not a standby',
  judge(seen) {
    const initialize = clusterOf(seen)?.initialize.kind;
    if (leaderless(seen) === null || initialize === 'done') return undefined;
    return { actions: [], because: [['initialize', initialize ?? null]] };
  },
};

/** Is the reign before surely over? Released, or its lease ended, or its holder says it is no primary. */
const notVacant: Rule = {
  name: 'race.leaseAlive',
  reason: 'the key is gone but the lease behind it is not: its holder may still be primary',
  judge(seen) {
    if (leaderless(seen) === null || seen.dcs.kind !== 'reachable') return undefined;
    const { vacancy } = seen.dcs;
    if (vacancy === null) return undefined;
    if (vacancy.released || vacancy.lease.kind === 'ended') return undefined;
    const holder = seen.peers.find((peer) => peer.name === vacancy.last.name);
    const answeredSince =
      holder?.last.kind === 'answered' && holder.askedMs !== null && holder.askedMs >= vacancy.sinceMs;
    const because: Fact[] = [
      ['holder', vacancy.last.name],
      ['lease', vacancy.lease.kind],
      ['goneMs', Math.round(seen.nowMs - vacancy.sinceMs)],
    ];
    if (answeredSince && holder?.said?.noPrimary === true) return undefined;
    // Its lease can not outlive its ttl, whatever etcd fails to tell.
    if (vacancy.lease.kind === 'unknown' && seen.nowMs - vacancy.sinceMs > seen.settings.cluster.ttlMs + 2_000)
      return undefined;
    const leftMs = vacancy.lease.kind === 'alive' ? vacancy.lease.leftMs - (seen.nowMs - vacancy.lease.askedMs) : 0;
    return {
      actions: [{ kind: 'askLeaderLease' }, { kind: 'askPeers' }],
      because,
      wakeInMs: Math.min(1_000, Math.max(100, leftMs)),
    };
  },
};

const saysNoPrimary = (seen: Observation, member: string): boolean =>
  seen.peers.find(({ name }) => name === member)?.said?.noPrimary === true;

/** In pause the guard of the primary is disarmed: however its key went, only its own word tells that it takes no writes. */
const unfenced: Rule = {
  name: 'race.unfenced',
  reason: 'the last primary was left without a guard in pause, and does not say that it takes no writes',
  judge(seen) {
    const holder = clusterOf(seen)?.unfenced ?? null;
    if (leaderless(seen) === null || seen.dcs.kind !== 'reachable' || holder === null || holder === me(seen))
      return undefined;
    const request = dueRequest(seen);
    if (request !== null && request.leader === null && request.candidate === me(seen)) return undefined;
    const answered = freshAnswers(seen, leaderlessSince(seen)).includes(holder);
    if (answered && saysNoPrimary(seen, holder)) return undefined;
    return {
      actions: [{ kind: 'askPeers' }],
      because: [
        ['holder', holder],
        ['needsOperator', `start its agent; if it is gone for good: failover --candidate ${me(seen)}`],
      ],
      wakeInMs: 1_000,
    };
  },
};

/** An agent that saw no leader since it began knows nothing of how the last reign ended. */
const unknownPast: Rule = {
  name: 'race.unknownPast',
  reason: 'this agent never saw a leader: all members must say they are no primary, or etcd show none for one ttl',
  judge(seen) {
    const cluster = clusterOf(seen);
    if (leaderless(seen) === null || cluster === null || seen.dcs.kind !== 'reachable' || seen.dcs.vacancy !== null)
      return undefined;
    const others = cluster.members.filter((member) => member.name !== me(seen));
    // An agent that has just begun answers, and does not know yet: that is no word of its server.
    const sinceMs = leaderlessSince(seen);
    const sure = freshAnswers(seen, sinceMs).filter((name) => saysNoPrimary(seen, name));
    const silent = [
      ...others.filter((member) => !sure.includes(member.name)).map(({ name }) => name),
      ...rememberedBySlot(seen, cluster, [me(seen), ...others.map(({ name }) => name)]),
    ];
    const waitedMs = seen.nowMs - sinceMs;
    // A cluster of which only I am up may have lost its store's memory, too: then time alone can tell.
    if ((silent.length === 0 && others.length > 0) || waitedMs > seen.settings.cluster.ttlMs) return undefined;
    return {
      actions: [{ kind: 'askPeers' }],
      because: [
        ['silent', silent.join(',') || null],
        ['waitedMs', Math.round(waitedMs)],
        ['ttlMs', seen.settings.cluster.ttlMs],
      ],
      wakeInMs: 500,
    };
  },
};

const promised: Rule = {
  name: 'race.promised',
  reason: 'a primary without etcd was promised that this node does not take its place yet',
  judge(seen) {
    if (leaderless(seen) === null) return undefined;
    const promise = promiseInForce(seen);
    if (promise === null) return undefined;
    const leftMs = promise.untilMs - seen.nowMs;
    const because: Fact[] = [
      ['to', promise.to ?? 'not known: this agent began within the last ttl'],
      ['leftMs', Math.round(leftMs)],
    ];
    return { actions: [{ kind: 'askPeers' }], because, wakeInMs: Math.min(1_000, leftMs) };
  },
};

/** Whoever is not on the list is not asked: a primary without etcd does not know that it could be elected. */
const notListed: Rule = {
  name: 'race.notListed',
  reason: 'a primary without etcd does not ask this node, which may lead only when there is surely none',
  judge(seen) {
    const listed = leaderless(seen) === null ? null : listedWithoutMe(seen);
    if (listed === null || seen.dcs.kind !== 'reachable') return undefined;
    const { vacancy } = seen.dcs;
    if (vacancy?.released === true) return undefined;
    const fresh = freshAnswers(seen, leaderlessSince(seen));
    if (listed.every((name) => fresh.includes(name) && saysNoPrimary(seen, name))) return undefined;
    return {
      actions: [{ kind: 'askPeers' }],
      because: [
        ['listed', listed.join(',')],
        ['needsOperator', 'if PostgreSQL is surely down on those that do not answer: delete the key failsafe'],
      ],
      wakeInMs: 1_000,
    };
  },
};

const vetoed: Rule = {
  name: 'race.livingPrimary',
  reason: 'a member answers that it runs as primary: nobody is promoted beside it',
  judge(seen) {
    if (leaderless(seen) === null) return undefined;
    const living = livingPrimary(seen);
    if (living === null) return undefined;
    return { actions: [{ kind: 'askPeers' }], because: [['primary', living]], wakeInMs: 500 };
  },
};

const justReleased: Rule = {
  name: 'race.gaveAway',
  reason: 'this node gave the key away a moment ago: somebody else shall win',
  judge(seen) {
    const until = seen.memory.noRaceBeforeMs;
    if (leaderless(seen) === null || until === null || seen.nowMs >= until || named(seen)) return undefined;
    return { actions: [], because: [['raceAgainInMs', Math.round(until - seen.nowMs)]], wakeInMs: until - seen.nowMs };
  },
};

/** How far the last leader said to be: in etcd, or, where it had none, as it asked for a promise. */
function furthestTold(seen: Observation, cluster: Cluster): Lsn | null {
  const told = cluster.status?.optime ?? null;
  const { promised: last } = seen.failsafe;
  const asked = last?.to === seenHolder(seen) ? (last?.lsn ?? null) : null;
  return told === null || (asked !== null && asked > told) ? asked : told;
}
const seenHolder = (seen: Observation): string | null =>
  seen.dcs.kind === 'reachable' ? (seen.dcs.vacancy?.last.name ?? null) : null;

const notEligible: Rule = {
  name: 'race.notEligible',
  reason: 'this node may not lead',
  judge(seen) {
    const standby = leaderless(seen);
    const cluster = clusterOf(seen);
    if (standby === null || cluster === null) return undefined;
    const reasons: Fact[] = [];
    if (nofailover(seen)) reasons.push(['nofailover', true]);
    if (!guardUsable(seen)) reasons.push(['guard', 'absent']);
    const chosen = named(seen);
    const optime = furthestTold(seen, cluster);
    const lagBytes = optime === null ? 0n : optime - standby.receivedLsn;
    const limit = BigInt(seen.settings.cluster.maximumLagBytesOnFailover);
    // What a synchronous standby lacks was promised to nobody.
    if (!chosen && !hasEveryCommit(seen, me(seen)) && lagBytes > limit)
      reasons.push(['lagBytes', String(lagBytes)], ['maximumLagBytes', String(limit)]);
    const known = clusterTimeline(seen);
    if (seen.settings.cluster.checkTimeline && !chosen && known !== null && standby.timeline < known) {
      reasons.push(['timeline', standby.timeline], ['clusterTimeline', known]);
    }
    if (!chosen) reasons.push(...offHistory(seen, { timeline: standby.timeline, lsn: standby.receivedLsn }));
    if (reasons.length === 0) return undefined;
    return { actions: [{ kind: 'askPeers' }], because: reasons };
  },
};

/** What was acknowledged to clients is on the last primary and on those that it waited for, and surely nowhere else. */
const notSynchronous: Rule = {
  name: 'race.notSynchronous',
  reason: 'commits were not waited for on this node: one that has them all must lead',
  judge(seen) {
    if (leaderless(seen) === null || mayStand(seen, me(seen)) || isForced(seen)) return undefined;
    const names = electable(seen) ?? [];
    return {
      actions: [{ kind: 'askPeers' }],
      because: [
        ['electable', names.join(',') || null],
        ['needsOperator', `if none of them comes back: failover --candidate ${me(seen)} (commits may be lost)`],
      ],
    };
  },
};

/** So many that have their say share one with any that let a commit through: none of them is ahead, so nothing is missing. */
const tooFewVotes: Rule = {
  name: 'race.tooFewVotes',
  reason: 'too few of the voters say that they are not ahead: one of the others may have a commit that this node lacks',
  judge(seen) {
    if (leaderless(seen) === null || isForced(seen)) return undefined;
    const ballot = votesFor(seen);
    if (ballot === null || ballot.votes.length >= ballot.needed) return undefined;
    return {
      actions: [{ kind: 'askPeers' }],
      because: [
        ['votes', ballot.votes.join(',') || null],
        ['needed', ballot.needed],
        ['voters', ballot.voters.join(',') || null],
        ['needsOperator', `if the others do not come back: failover --candidate ${me(seen)} (commits may be lost)`],
      ],
      wakeInMs: 500,
    };
  },
};

const acquire: Rule = {
  name: 'race.acquire',
  reason: 'nobody is ahead of this node: it asks etcd for the leader key',
  judge(seen) {
    const standby = leaderless(seen);
    const cluster = clusterOf(seen);
    if (standby === null || cluster === null) return undefined;
    return {
      actions: [
        {
          kind: 'acquireLeaderKey',
          seenRevision: cluster.revision,
          announce: timeline(takenTimeline(seen, standby.timeline) + 1),
        },
      ],
      because: [
        ['myLsn', lsnText(standby.receivedLsn)],
        ['timeline', standby.timeline],
        ['lastOptime', cluster.status === null ? null : lsnText(cluster.status.optime)],
        [
          'peers',
          seen.peers
            .map(({ name, said, last }) => `${name}:${said?.position == null ? last.kind : lsnText(said.position)}`)
            .join(' ') || null,
        ],
      ],
      wakeInMs: 300,
    };
  },
};

export const raceRules: readonly Rule[] = [
  paused,
  notInitialized,
  promised,
  vetoed,
  unfenced,
  notVacant,
  unknownPast,
  justReleased,
  notListed,
  notEligible,
  notSynchronous,
  ...turnRules,
  tooFewVotes,
  acquire,
];
