import type { Fact } from '../../model/decision.ts';
import { lsnText, timeline } from '../../model/units.ts';
import { leaderless, leaderlessSince, named, offHistory, takenTimeline } from '../contest.ts';
import { clusterOf, clusterTimeline, dueRequest, guardUsable, isGarbage, me, nofailover } from '../judge.ts';
import { ageFacts, leaderEnd, toldBy } from '../leaderEnd.ts';
import type { Rule } from '../rule.ts';
import { electable, hasEveryCommit, isForced, mayStand } from '../synchronous/standing.ts';
import { votesFor } from '../synchronous/votes.ts';
import { withdraw } from '../synchronous/withdrawal.ts';
import { passedOver } from '../turn.ts';
import { lastReignRules } from './lastReign.ts';
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

const justReleased: Rule = {
  name: 'race.gaveAway',
  reason: 'this node gave the key away a moment ago: somebody else shall win',
  judge(seen) {
    const until = seen.memory.noRaceBeforeMs;
    if (leaderless(seen) === null || until === null || seen.nowMs >= until || named(seen)) return undefined;
    return { actions: [], because: [['raceAgainInMs', Math.round(until - seen.nowMs)]], wakeInMs: until - seen.nowMs };
  },
};

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
    const mine = { timeline: standby.timeline, lsn: standby.receivedLsn };
    const end = leaderEnd(seen, mine);
    const lagBytes = end === null ? 0n : end.lsn - standby.receivedLsn;
    const limit = BigInt(seen.settings.cluster.maximumLagBytesOnFailover);
    // What a synchronous standby lacks was promised to nobody.
    if (!chosen && !hasEveryCommit(seen, me(seen)) && end !== null && lagBytes > limit) {
      reasons.push(['lagBytes', String(lagBytes)], ['maximumLagBytes', String(limit)]);
      reasons.push(...toldBy(end), ...ageFacts(seen, mine));
    }
    const known = clusterTimeline(seen);
    if (seen.settings.cluster.checkTimeline && !chosen && known !== null && standby.timeline < known) {
      reasons.push(['timeline', standby.timeline], ['clusterTimeline', known]);
    }
    if (!chosen) reasons.push(...offHistory(seen, mine));
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
    const cluster = clusterOf(seen);
    const forced = `failover --candidate ${me(seen)} (commits may be lost)`;
    const because: readonly Fact[] =
      cluster !== null && cluster.sync === null && isGarbage(cluster, 'sync')
        ? [
            ['sync', 'nobody can read it, and etcd does not know what stood there before'],
            ['needsOperator', `put back what the key held (etcdctl put), or delete it if there was none; or ${forced}`],
          ]
        : [
            ['electable', names.join(',') || null],
            ['needsOperator', `if none of them comes back: ${forced}`],
          ];
    return { actions: [{ kind: 'askPeers' }], because };
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
        ['outdated', ballot.outdated.join(',') || null],
        ['needed', ballot.needed],
        ['voters', ballot.voters.join(',') || null],
        ['needsOperator', `if the others do not come back: failover --candidate ${me(seen)} (commits may be lost)`],
      ],
      wakeInMs: ballot.outdated.length === 0 ? 500 : seen.nowMs - leaderlessSince(seen) < 1_000 ? 15 : 100,
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
        ...ageFacts(seen, { timeline: standby.timeline, lsn: standby.receivedLsn }),
        [
          'peers',
          seen.peers
            .map(({ name, said, last }) => `${name}:${said?.position == null ? last.kind : lsnText(said.position)}`)
            .join(' ') || null,
        ],
        ...passedOver(seen),
      ],
      wakeInMs: 300,
    };
  },
};

export const raceRules: readonly Rule[] = [
  paused,
  notInitialized,
  withdraw,
  ...lastReignRules,
  justReleased,
  notEligible,
  notSynchronous,
  ...turnRules,
  tooFewVotes,
  acquire,
];
