import type { Verdict } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import type { Upstream } from '../../model/postgres.ts';
import { slotNameOf } from '../../model/slotName.ts';
import { leaderlessSince } from '../contest.ts';
import { clusterOf, leaderAsSource, me, memberOf, otherLeader, wantedUpstream } from '../judge.ts';
import { repairPause } from '../repair.ts';
import { answersForCommits } from '../synchronous/standing.ts';

/** From whom a copy is made, and how. */

/**
 * A running member tagged clonefrom, else whom this node will stream from, while that one runs, else the leader: also for a node
 * that streams from nobody. Never a guess: the address must be known. From whom the last copy failed is passed over, where there is
 * another. Whose name stands in /sync has every commit that was acknowledged, so says the key, whatever lies in its directory: it is
 * copied from the leader alone, who has them all, too.
 */
export function cloneSource(seen: Observation): Upstream | null {
  const cluster = clusterOf(seen);
  const leader = otherLeader(seen);
  if (cluster === null || leader === null) return null;
  if (answersForCommits(seen)) return leaderAsSource(seen);
  const failed = seen.memory.repair?.failedSource ?? null;
  const offered = cluster.members.filter(
    (member) =>
      member.tags.clonefrom === true &&
      member.state === 'running' &&
      member.host !== null &&
      member.name !== me(seen) &&
      member.name !== leader.name &&
      member.name !== failed,
  );
  const named = offered.length === 0 ? null : offered[Number(cluster.revision % BigInt(offered.length))];
  if (named !== undefined && named !== null && named.host !== null && named.port !== null) {
    return { member: named.name, host: named.host, port: named.port, slot: null };
  }
  const upstream = wantedUpstream(seen, slotNameOf);
  const serves = memberOf(cluster, upstream?.member ?? '')?.state === 'running' && upstream?.member !== failed;
  return serves ? upstream : leaderAsSource(seen);
}

/**
 * By which methods: whoever /sync names by pg_basebackup alone, since an archive may lack what this node is to have. And that alone
 * where somebody asks for the leader's own data.
 */
export const howToCopy = (seen: Observation, fromLeader = false): { readonly onlyBasebackup?: true } =>
  fromLeader || answersForCommits(seen) ? { onlyBasebackup: true } : {};

/** What is tried first goes over what lies in the data directory: that is not emptied for it. */
export function keepsData(seen: Observation): boolean {
  if (answersForCommits(seen)) return false;
  const first = seen.settings.postgres.replicaMethods.find(({ kind }) => kind !== 'unusable');
  return first?.kind === 'command' && first.keepData;
}

/**
 * Nobody leads, and a method needs nobody: an archive gives what is in it. A leader whose failover is under way is waited for, since
 * what it has is newer. Null: there is no such method, or it is not known which cluster this is.
 */
export function copyWithoutLeader(seen: Observation): Verdict | null {
  const initialize = clusterOf(seen)?.initialize;
  const method = seen.settings.postgres.replicaMethods.find((one) => one.kind === 'command' && one.noLeader);
  if (initialize?.kind !== 'done' || method?.kind !== 'command' || clusterOf(seen)?.leader !== null) return null;
  if (answersForCommits(seen))
    return {
      actions: [],
      because: [
        ['leader', null],
        ['method', `${method.name} may lack what /sync says of this node`],
      ],
    };
  const pause = repairPause(seen);
  if (pause !== null) return pause;
  const leftMs = seen.settings.cluster.ttlMs - (seen.nowMs - leaderlessSince(seen));
  if (leftMs > 0)
    return {
      actions: [],
      because: [
        ['leader', null],
        ['waitsFor', 'a leader to copy from'],
      ],
      wakeInMs: leftMs,
    };
  const premise = { term: null, leader: null, systemId: initialize.systemId };
  return {
    actions: [{ kind: 'startJob', job: { kind: 'clone', from: null, premise } }],
    because: [
      ['leader', null],
      ['method', method.name],
    ],
  };
}
