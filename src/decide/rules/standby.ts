import type { Fact } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import type { Upstream } from '../../model/postgres.ts';
import { slotNameOf } from '../../model/slotName.ts';
import { later, lsnText } from '../../model/units.ts';
import { promiseInForce, promisesDue } from '../failsafe.ts';
import {
  clusterOf,
  etcdSilence,
  iAmLeader,
  lastRanAsPrimary,
  leaderOf,
  me,
  memberOf,
  otherLeader,
  restsPaused,
  runningStandby,
  wantedUpstream,
} from '../judge.ts';
import { repairPause } from '../repair.ts';
import type { Rule } from '../rule.ts';
import { leaseLeftMs, leaseNeededToPromoteMs } from '../timing.ts';
import { formerLife } from './adopt.ts';
import { handOverLookMs, isHandedOver, notStreaming } from './notStreaming.ts';
import { promotionWaitMs, stopped } from './rejoin.ts';
import { aheadStandby } from './rolledBack.ts';
import { slotRules } from './slots.ts';

/** Somebody else leads, or nobody, or nobody knows: this node follows, or at least serves reads. */

const noLeader: Rule = {
  name: 'standby.startAlone',
  reason:
    'PostgreSQL is down and nobody leads, or nobody knows: it is started as a standby, to serve reads and to stand',
  judge(seen) {
    if (seen.postgres.kind !== 'stopped' || otherLeader(seen) !== null || iAmLeader(seen) || restsPaused(seen))
      return undefined;
    if (seen.dcs.kind === 'reachable' && seen.held !== null) return undefined;
    if (bornUntold(seen))
      return { actions: [], because: [['waitsFor', 'etcd, to be told who the new cluster is']], wakeInMs: 1_000 };
    const { stepDown } = seen.memory;
    const because: Fact[] = [
      ['etcd', seen.dcs.kind],
      ['controlState', seen.postgres.control.state],
      ...(leaderOf(seen) === null ? [] : [['leaderKey', 'bears my name, of an earlier life'] as const]),
    ];
    if (mayStartInPlace(seen))
      return {
        actions: [],
        because: [...because, ['waitsFor', 'etcd: the lease lasts, and a start in place needs no new timeline']],
        wakeInMs: 500,
      };
    if (
      seen.dcs.kind === 'reachable' &&
      stepDown !== null &&
      stepDown.shutdownLsn !== null &&
      seen.nowMs - stepDown.sinceMs < 15_000 &&
      seen.dcs.vacancy !== null &&
      seen.nowMs - seen.dcs.vacancy.sinceMs < 2_000
    ) {
      // The successor is a blink away: one start that follows it beats two.
      return { actions: [], because: [...because, ['waitsFor', 'the successor']], wakeInMs: 250 };
    }
    return (
      repairPause(seen) ?? {
        actions: [{ kind: 'startJob', job: { kind: 'startStandby', upstream: promisedUpstream(seen) } }],
        because,
      }
    );
  },
};

/** From whom to stream meanwhile: the primary that goes on without etcd, as far as this node was told. */
function promisedUpstream(seen: Observation): Upstream | null {
  const promise = promiseInForce(seen);
  if (promise === null || promise.to === null || promise.at === null || seen.settings.local.tags.nostream) return null;
  // What last ran as a primary is compared with it first, and that takes a leader.
  if (seen.postgres.kind !== 'stopped' || lastRanAsPrimary(seen.postgres.control)) return null;
  const slot = seen.settings.postgres.useSlots ? slotNameOf(me(seen)) : null;
  return { member: promise.to, ...promise.at, slot };
}

/** etcd is away for a moment, and what went down is the primary whose lease lasts: once it answers, this node still leads. */
function mayStartInPlace(seen: Observation): boolean {
  const { postgres, dcs, held } = seen;
  if (dcs.kind !== 'unreachable' || held === null || postgres.kind !== 'stopped') return false;
  const { retryTimeoutMs } = seen.settings.cluster;
  const wasPrimary = lastRanAsPrimary(postgres.control) && !postgres.standbySignal && !postgres.backupLabel;
  return (
    wasPrimary &&
    (seen.nowMs - dcs.sinceMs < retryTimeoutMs || promisesDue(seen) || seen.failsafe.askingSinceMs !== null) &&
    leaseLeftMs(seen) > leaseNeededToPromoteMs(seen.settings.cluster)
  );
}

/** The new cluster's first, down before it said who it is: a start as a standby would hide that from everybody. */
function bornUntold(seen: Observation): boolean {
  const { postgres, dcs } = seen;
  if (postgres.kind !== 'stopped' || postgres.standbySignal || !lastRanAsPrimary(postgres.control)) return false;
  const cluster = dcs.kind === 'reachable' ? dcs.cluster : dcs.lastSeen;
  return cluster?.initialize.kind === 'bootstrapping';
}

const sameUpstream = (a: Upstream | null, b: { host: string; port: number; slot: string | null } | null): boolean =>
  a === null || b === null ? a === null && b === null : a.host === b.host && a.port === b.port && a.slot === b.slot;

/** From 14 on PostgreSQL stops replaying, with no end, when the primary raised a setting beyond this standby's. */
const replayPaused: Rule = {
  name: 'standby.replayPaused',
  reason:
    'replay stands still, as after a setting was raised at the primary: it goes on, or ends and starts with the larger value',
  judge(seen) {
    const standby = runningStandby(seen);
    if (standby === null || !standby.replayPaused || standby.serverVersion < 140_000) return undefined;
    if (seen.settings.cluster.pause || otherLeader(seen) === null) return undefined;
    return {
      actions: [{ kind: 'resumeReplay' }],
      because: [['replayed', lsnText(standby.replayedLsn)]],
      wakeInMs: 1_000,
    };
  },
};

const follow: Rule = {
  name: 'standby.follow',
  reason: 'the upstream changed: this standby turns to it',
  judge(seen) {
    const standby = runningStandby(seen);
    const leader = otherLeader(seen);
    if (standby === null || leader === null) return undefined;
    const upstream = wantedUpstream(seen, slotNameOf);
    // With nostream it has none, and leaves the one that it had before the tag came.
    if (upstream === null && !seen.settings.local.tags.nostream) return undefined;
    if (sameUpstream(upstream, standby.upstream)) return undefined;
    const because: Fact[] = [
      ['leader', leader.name],
      ['from', upstream === null ? null : `${upstream.host}:${upstream.port}`],
      ['was', standby.upstream === null ? null : `${standby.upstream.host}:${standby.upstream.port}`],
    ];
    const promotingMs = leaderPromotingMs(seen);
    if (promotingMs !== null && promotingMs < promotionWaitMs)
      return {
        actions: [],
        because: [...because, ['waitsFor', 'its promotion']],
        memory: { notStreamingSinceMs: later(seen.nowMs, -promotingMs) },
        wakeInMs: promotionWaitMs - promotingMs,
      };
    const last = seen.jobs.kind === 'idle' ? seen.jobs.last : null;
    if (last?.job.kind === 'follow' && sameUpstream(upstream, last.job.upstream)) {
      const leftMs = takeOverMs - (seen.nowMs - last.endedMs);
      const waits: Fact = ['waitsFor', 'the server to take it over'];
      if (leftMs > 0) return { actions: [], because: [...because, waits], wakeInMs: Math.min(leftMs, 100) };
    }
    return (
      repairPause(seen) ?? {
        actions: [{ kind: 'startJob', job: { kind: 'follow', upstream } }],
        because,
        memory: { notStreamingSinceMs: null },
      }
    );
  },
};

/**
 * For how long I have been without a stream, where the leader is a standby yet; null: it leads, or I stream. A stream from it would be
 * cut again by its promotion, and there is nothing to receive before that.
 */
function leaderPromotingMs(seen: Observation): number | null {
  const standby = runningStandby(seen);
  if (standby?.receiver?.status === 'streaming') return null;
  if (memberOf(clusterOf(seen), otherLeader(seen)?.name ?? '')?.role !== 'replica') return null;
  return seen.nowMs - (seen.memory.notStreamingSinceMs ?? seen.nowMs);
}

/** How long a server is given to take a new upstream over: one that cannot just now must not be told in a tight loop. */
const takeOverMs = 1_000;

const healthy: Rule = {
  name: 'standby.following',
  reason: 'this node follows the leader',
  judge(seen) {
    const standby = runningStandby(seen);
    if (standby === null) return undefined;
    const leader = otherLeader(seen);
    if (leader === null) return undefined;
    return {
      actions: [],
      because: [
        ['leader', leader.name],
        ['timeline', standby.timeline],
        ['receiver', standby.receiver?.status ?? null],
      ],
      memory: { notStreamingSinceMs: null, stepDown: null, noRaceBeforeMs: null, turns: [], crash: null },
      ...(isHandedOver(seen) ? { wakeInMs: handOverLookMs } : {}),
    };
  },
};

const etcdAway: Rule = {
  name: 'standby.etcdAway',
  reason: 'etcd does not answer: a standby goes on as it is, and nobody is promoted',
  judge(seen) {
    const silence = etcdSilence(seen);
    if (silence === null) return undefined;
    return {
      actions: [],
      because: silence,
      wakeInMs: 1_000,
    };
  },
};

const waiting: Rule = {
  name: 'postgres.waiting',
  reason: 'PostgreSQL is neither up nor down, or a lease that was lost has just been dropped',
  judge: (seen) => ({ actions: [], because: [['postgres', seen.postgres.kind]], wakeInMs: 1_000 }),
};

export const standbyRules: readonly Rule[] = [
  stopped,
  noLeader,
  aheadStandby,
  replayPaused,
  follow,
  notStreaming,
  ...slotRules,
  healthy,
  formerLife,
  etcdAway,
  waiting,
];
