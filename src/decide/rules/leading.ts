import type { FailoverRequest } from '../../model/cluster.ts';
import type { Fact, Verdict } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import { later } from '../../model/units.ts';
import {
  clusterOf,
  failoverRequest,
  guardArmed,
  iAmLeader,
  mayAcceptWrites,
  me,
  memberOf,
  runningPrimary,
  runningStandby,
} from '../judge.ts';
import { repairPause } from '../repair.ts';
import type { Rule } from '../rule.ts';
import { leaseLeftMs, leaseNeededToPromoteMs } from '../timing.ts';

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

/** Others that could take over now, by name; one candidate narrows them to itself. */
function takers(seen: Observation, request: FailoverRequest): { able: readonly string[]; because: readonly Fact[] } {
  const cluster = clusterOf(seen);
  const considered = (cluster?.members ?? []).filter(
    (member) => member.name !== me(seen) && (request.candidate === null || member.name === request.candidate),
  );
  const because: Fact[] = [];
  const able = considered.filter((member) => {
    const report = seen.peers.find((peer) => peer.name === member.name);
    const flaw =
      memberOf(cluster, member.name)?.tags.nofailover === true || report?.said?.nofailover === true
        ? 'nofailover'
        : report?.said?.watchdogFailed === true
          ? 'watchdog failed'
          : report?.last.kind === 'silent'
            ? `silent: ${report.last.why}`
            : report?.said != null && report.said.position === null
              ? 'PostgreSQL gives no position'
              : null;
    if (flaw !== null) because.push([member.name, flaw]);
    return flaw === null;
  });
  return { able: able.map(({ name }) => name), because };
}

const refuseRequest = (request: FailoverRequest, because: readonly Fact[]): Verdict => ({
  actions: [{ kind: 'clearFailover', seenModRevision: request.modRevision }],
  because: [...because, ['outcome', 'refused, and cleared']],
  wakeInMs: 0,
});

const handleRequest: Rule = {
  name: 'leading.requested',
  reason: 'a switchover or failover was asked for',
  judge(seen) {
    const request = failoverRequest(seen);
    const primary = runningPrimary(seen);
    if (request === null || primary === null || !iAmLeader(seen) || seen.held === null) return undefined;
    const because: Fact[] = [
      ['from', request.leader],
      ['to', request.candidate],
      ['scheduledAt', request.scheduledAt === null ? null : new Date(request.scheduledAt).toISOString()],
    ];
    if (request.problem !== null) return refuseRequest(request, [...because, ['problem', request.problem]]);
    if (request.scheduledAt !== null) {
      if (seen.settings.cluster.pause) return undefined;
      const inMs = request.scheduledAt - seen.wallMs;
      if (inMs > 0) return undefined;
      if (inMs < -1.5 * seen.settings.cluster.loopWaitMs)
        return refuseRequest(request, [...because, ['lateMs', Math.round(-inMs)]]);
    }
    if (request.leader !== null && request.leader !== me(seen))
      return refuseRequest(request, [...because, ['leader', me(seen)]]);
    if (request.candidate === me(seen)) return refuseRequest(request, [...because, ['leader', me(seen)]]);
    if (seen.settings.cluster.pause && request.candidate === null)
      return refuseRequest(request, [...because, ['paused', true]]);
    const { able, because: flaws } = takers(seen, request);
    if (able.length === 0) return refuseRequest(request, [...because, ...flaws, ['candidates', null]]);
    return {
      actions: [
        { kind: 'renewLease' },
        { kind: 'askPeers' },
        {
          kind: 'startJob',
          job: {
            kind: 'stop',
            mode: 'fast',
            why: 'switchover',
            checkpointFirst: true,
            budget: { immediateAtMs: null, killAtMs: null },
          },
        },
      ],
      because: [...because, ...flaws, ['candidates', able.join(',')]],
      memory: {
        stepDown: { term: seen.held.term, candidate: request.candidate, sinceMs: seen.nowMs, shutdownLsn: null },
      },
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
      memory: { crash: null, stepDown: null, noRaceBeforeMs: null, waitingFor: null },
      ...(inMs !== null && inMs > 0 ? { wakeInMs: inMs } : {}),
    };
  },
};

export const promotedRules: readonly Rule[] = [promoteGivenUp];
export const leadingRules: readonly Rule[] = [promote, starting, handleRequest, checkpoint, unresponsive, healthy];
