import type { Fact } from '../../model/decision.ts';
import { later } from '../../model/units.ts';
import { takenTimeline } from '../contest.ts';
import {
  etcdSilence,
  failoverRequest,
  guardArmed,
  iAmLeader,
  mayAcceptWrites,
  me,
  runningPrimary,
  runningStandby,
} from '../judge.ts';
import { repairPause } from '../repair.ts';
import type { Rule } from '../rule.ts';
import { leaseLeftMs, leaseNeededToPromoteMs } from '../timing.ts';
import { handleRequest } from './requested.ts';

/** I hold the leader key. */

const promoteGivenUp: Rule = {
  name: 'leading.promoteFailed',
  reason: 'promotion failed: the key is given back, and the others go first',
  judge(seen) {
    const last = seen.jobs.kind === 'idle' ? seen.jobs.last : null;
    if (!iAmLeader(seen) || mayAcceptWrites(seen.postgres) || last?.job.kind !== 'promote' || last.ended !== 'failed')
      return undefined;
    if (last.job.premise.term !== seen.held?.term) return undefined;
    return {
      actions: [{ kind: 'releaseLeaderKey', lsn: null }],
      because: [['error', last.error]],
      memory: { noRaceBeforeMs: later(seen.nowMs, seen.settings.cluster.ttlMs) },
    };
  },
};

const promote: Rule = {
  name: 'leading.promote',
  reason: 'the key is mine and the guard is armed: this standby becomes the primary',
  judge(seen) {
    const standby = runningStandby(seen);
    if (standby === null || !iAmLeader(seen) || seen.held === null) return undefined;
    const leftMs = leaseLeftMs(seen);
    const because: Fact[] = [
      ['leaseLeftMs', Math.round(leftMs)],
      ['term', String(seen.held.term)],
      ['timeline', standby.timeline],
    ];
    if (!guardArmed(seen))
      return {
        actions: [{ kind: 'renewLease' }],
        because: [...because, ['waitsFor', 'an armed guard']],
        wakeInMs: 200,
      };
    if (leftMs < leaseNeededToPromoteMs(seen.settings.cluster)) {
      return { actions: [{ kind: 'renewLease' }], because: [...because, ['waitsFor', 'more lease']], wakeInMs: 100 };
    }
    const request = failoverRequest(seen);
    return {
      actions: [
        {
          kind: 'startJob',
          job: {
            kind: 'promote',
            premise: { term: seen.held.term, leader: me(seen), systemId: standby.control.systemId },
            mine: standby.timeline,
            taken: takenTimeline(seen, standby.timeline),
          },
        },
        ...(request === null ? [] : [{ kind: 'clearFailover' as const, seenModRevision: request.modRevision }]),
      ],
      because,
      memory: { divergence: null },
    };
  },
};

const starting: Rule = {
  name: 'leading.starting',
  reason: 'PostgreSQL is coming up under my lease',
  judge(seen) {
    if (!iAmLeader(seen) || (seen.postgres.kind !== 'starting' && seen.postgres.kind !== 'stopping')) return undefined;
    return {
      actions: [],
      because: [
        ['postgres', seen.postgres.kind],
        ['forMs', Math.round(seen.nowMs - seen.postgres.sinceMs)],
      ],
      wakeInMs: 500,
    };
  },
};

const checkpoint: Rule = {
  name: 'leading.checkpoint',
  reason:
    'the control file still shows the timeline before the promotion; pg_rewind elsewhere waits for this checkpoint',
  judge(seen) {
    if (!iAmLeader(seen) || runningPrimary(seen)?.checkpointPending !== true) return undefined;
    return (
      repairPause(seen) ?? {
        actions: [{ kind: 'startJob', job: { kind: 'checkpoint' } }],
        because: [['checkpointPending', true]],
      }
    );
  },
};

const unresponsive: Rule = {
  name: 'leading.unresponsive',
  reason: 'the postmaster lives but gives no answer; the lease is kept while it does',
  judge(seen) {
    if (!iAmLeader(seen) || seen.postgres.kind !== 'unresponsive') return undefined;
    return {
      actions: [],
      because: [
        ['forMs', Math.round(seen.nowMs - seen.postgres.sinceMs)],
        ['why', seen.postgres.why],
      ],
      wakeInMs: 1_000,
    };
  },
};

const healthy: Rule = {
  name: 'primary.healthy',
  reason: 'this node is the primary, with the lease and a guard',
  judge(seen) {
    const primary = runningPrimary(seen);
    if (primary === null || !iAmLeader(seen)) return undefined;
    const request = failoverRequest(seen);
    const inMs = request?.scheduledAt == null ? null : request.scheduledAt - seen.wallMs;
    return {
      actions: [],
      because: [
        ['leaseLeftMs', Math.round(leaseLeftMs(seen))],
        ['timeline', primary.timeline],
        ['standbys', primary.senders.length],
      ],
      memory: { stepDown: null, noRaceBeforeMs: null, waitingFor: null },
      ...(inMs !== null && inMs > 0 ? { wakeInMs: inMs } : {}),
    };
  },
};

const etcdAway: Rule = {
  name: 'primary.etcdAway',
  reason: 'etcd does not answer: a primary goes on while its right to lead lasts, and not longer',
  judge(seen) {
    const silence = etcdSilence(seen);
    if (silence === null || !mayAcceptWrites(seen.postgres)) return undefined;
    return {
      actions: [],
      because: silence,
    };
  },
};

export const promotedRules: readonly Rule[] = [promoteGivenUp];
export const leadingRules: readonly Rule[] = [
  promote,
  starting,
  handleRequest,
  checkpoint,
  unresponsive,
  healthy,
  etcdAway,
];
