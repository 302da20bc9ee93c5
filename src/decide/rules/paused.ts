import type { Action, Fact } from '../../model/decision.ts';
import {
  clusterOf,
  clusterTimeline,
  dueRequest,
  endOfPrimary,
  iAmLeader,
  me,
  newerPrimary,
  otherLeader,
  restsPaused,
  runningPrimary,
  runningStandby,
  stoppedCleanly,
  writesUntil,
} from '../judge.ts';
import type { Rule } from '../rule.ts';

/**
 * Maintenance mode: people are at work, the agent looks on. The lease goes on; nothing is started, stopped or promoted but
 * what was asked for by name. A hand-over stands before these rules: it is ours, and is brought to its end.
 */
const stoppedLeader: Rule = {
  name: 'paused.leaderDown',
  reason: 'the cluster is paused and PostgreSQL is down: the key is given back',
  judge(seen) {
    if (!restsPaused(seen) || !iAmLeader(seen) || seen.postgres.kind !== 'stopped') return undefined;
    const { control, orphans } = seen.postgres;
    // Backends that outlive their postmaster may acknowledge a commit yet; and who else works there in pause is not ours to end.
    if (orphans.length > 0)
      return {
        actions: [],
        because: [
          ['postgres', 'stopped'],
          ['waitsFor', `the end of what still runs on its data: pid ${orphans.join(', ')}`],
        ],
        wakeInMs: 100,
      };
    const clean = stoppedCleanly(control);
    // Whoever was asked to take over would do so unseen, with or without what was written last: it is asked for anew.
    const request = dueRequest(seen);
    const clear: readonly Action[] =
      request === null ? [] : [{ kind: 'clearFailover', seenModRevision: request.modRevision }];
    return {
      actions: [...clear, { kind: 'releaseLeaderKey', lsn: endOfPrimary(control) }],
      because: [
        ['postgres', 'stopped'],
        ['stoppedCleanly', clean],
        ['requestCleared', request === null ? null : request.candidate],
      ],
    };
  },
};

const down: Rule = {
  name: 'paused.down',
  reason: 'the cluster is paused: a stopped PostgreSQL stays stopped',
  judge(seen) {
    if (!restsPaused(seen) || seen.postgres.kind !== 'stopped') return undefined;
    return { actions: [], because: [['paused', true]] };
  },
};

/** No timer runs for it as without a pause: whoever is the primary stays it, with the key or without. */
const primaryWithoutKey: Rule = {
  name: 'paused.primaryWithoutKey',
  reason:
    'the cluster is paused and this primary does not hold the leader key: taken when it is free, else left to people',
  judge(seen) {
    const primary = runningPrimary(seen);
    const cluster = clusterOf(seen);
    if (!seen.settings.cluster.pause || primary === null || cluster === null || iAmLeader(seen)) return undefined;
    const known = clusterTimeline(seen);
    const newer = newerPrimary(seen, primary.timeline);
    const because: Fact[] = [
      ['leader', cluster.leader?.name ?? null],
      ['newerPrimary', newer],
      ['timeline', primary.timeline],
      ['clusterTimeline', known],
    ];
    const mine =
      cluster.initialize.kind === 'absent' ||
      (cluster.initialize.kind === 'done' && cluster.initialize.systemId === primary.control.systemId);
    const left = newer !== null || (known !== null && primary.timeline < known);
    if (cluster.leader !== null || seen.held !== null || !mine || left)
      return {
        actions: [],
        because: [...because, ...besideLeader(newer ?? otherLeader(seen)?.name ?? null, left)],
        ...(otherLeader(seen) === null ? { wakeInMs: 1_000 } : {}),
      };
    return {
      actions: [{ kind: 'acquireLeaderKey', seenRevision: cluster.revision, ...writesUntil(seen) }],
      because,
      wakeInMs: 1_000,
    };
  },
};

/** It accepts writes beside the cluster, without a guard, and no pause ends by itself: whoever looks at the list must see that. */
function besideLeader(other: string | null, left: boolean): readonly Fact[] {
  if (other === null && !left) return [];
  const who = other === null ? 'which is on a newer timeline' : `where ${other} leads`;
  return [
    [
      'needsOperator',
      `PostgreSQL accepts writes here beside the cluster, ${who}, and nothing is stopped in pause: what is written here is lost to it. Stop it (pg_ctl stop), or end the pause (matriarch resume): then it is stopped, and follows`,
    ],
  ];
}

/** An operator restarted it as one. Only whoever was named goes on to be the primary. */
const standbyWithKey: Rule = {
  name: 'paused.standbyWithKey',
  reason: 'the cluster is paused and a standby runs here: the leader key is given back',
  judge(seen) {
    if (!seen.settings.cluster.pause || runningStandby(seen) === null || !iAmLeader(seen)) return undefined;
    if (dueRequest(seen)?.candidate === me(seen)) return undefined;
    return { actions: [{ kind: 'releaseLeaderKey', lsn: null }], because: [['postgres', 'running standby']] };
  },
};

export const pausedRules: readonly Rule[] = [stoppedLeader, down, primaryWithoutKey, standbyWithKey];
