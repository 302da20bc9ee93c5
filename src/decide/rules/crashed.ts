import type { Fact } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import { type InstantMs, later, lsnText } from '../../model/units.ts';
import { outageBeganMs, recentStarts, startNoted } from '../crash.ts';
import { failsafeFacts, wentDown } from '../failsafe.ts';
import { caughtUp, downByStopMs, handOver, handOverLimitMs, successors } from '../handover.ts';
import {
  clusterTimeline,
  controlOf,
  failoverRequest,
  guardArmed,
  iAmLeader,
  lastRanAsPrimary,
  restsPaused,
  stoppedCleanly,
} from '../judge.ts';
import { repairPause } from '../repair.ts';
import { foundBehind, furthestReplayed } from '../rolledBack.ts';
import type { Rule } from '../rule.ts';
import { isSynchronous, namesAtStart } from '../synchronous/standing.ts';
import { settled } from '../synchronous/view.ts';
import { leaseLeftMs, leaseNeededToPromoteMs, releaseDoubted } from '../timing.ts';
import { crashesAgain, crashFacts, giveWay, leftBehind, mayAnswerFirst, stoppedLeader } from './giveWay.ts';
import { givesWay } from './rolledBack.ts';

/** PostgreSQL is down and I hold the leader key: step down as asked, start again in place, or give way. */

const orphans: Rule = {
  name: 'postgres.orphans',
  reason: 'backends of a dead postmaster still hold the data directory',
  judge(seen) {
    if (seen.postgres.kind !== 'stopped' || seen.postgres.orphans.length === 0) return undefined;
    return {
      actions: [{ kind: 'startJob', job: { kind: 'clearOrphans' } }],
      because: [['pids', seen.postgres.orphans.join(',')]],
    };
  },
};

const steppingDown: Rule = {
  name: 'switchover.handOver',
  reason: 'PostgreSQL is cleanly down: the key goes once the candidate has the shutdown checkpoint',
  judge(seen) {
    const stopped = stoppedLeader(seen);
    const { stepDown } = seen.memory;
    if (stopped === null || stepDown === null || stepDown.givenUp || seen.held?.term !== stepDown.term)
      return undefined;
    if (!stoppedCleanly(stopped.control)) return undefined;
    const ready = caughtUp(seen, stopped.control, stepDown.candidate);
    const waitedMs = downByStopMs(seen);
    if (ready.length === 0 && waitedMs > handOverLimitMs) {
      // Nobody can take over: the outage ends here, on the node that has everything, paused or not.
      const request = failoverRequest(seen);
      return {
        actions: request === null ? [] : [{ kind: 'clearFailover', seenModRevision: request.modRevision }],
        because: [
          ['candidate', stepDown.candidate],
          ['waitedMs', Math.round(waitedMs)],
          ['outcome', 'nobody has the shutdown checkpoint; the switchover is given up'],
        ],
        memory: { stepDown: { ...stepDown, givenUp: true } },
        wakeInMs: 0,
      };
    }
    const verdict = handOver(seen, stopped.control, stepDown.candidate);
    const released = verdict.actions.some((action) => action.kind === 'releaseLeaderKey');
    return released
      ? { ...verdict, memory: { stepDown: { ...stepDown, shutdownLsn: stopped.control.checkpoint } } }
      : verdict;
  },
};

const startsAsPrimary = ({ jobs }: Observation): boolean =>
  jobs.kind === 'busy' &&
  (jobs.job.kind === 'startPrimary' || (jobs.job.kind === 'restart' && jobs.job.as === 'primary'));

/** A standby that said so within this time counts as able to take over. */
const recentMs = 5_000;

/** Since when it is coming up, and how long it may; null: it is not coming up as a primary. */
function startOfPrimary(seen: Observation): { readonly sinceMs: InstantMs; readonly limitMs: number } | null {
  const { jobs, postgres } = seen;
  const limitMs = seen.settings.cluster.primaryStartTimeoutMs;
  const outageMs = outageBeganMs(seen);
  if (jobs.kind === 'busy' && startsAsPrimary(seen))
    return {
      sinceMs: earliest(outageMs, jobs.sinceMs),
      limitMs: jobs.job.kind === 'restart' ? jobs.job.limitMs : limitMs,
    };
  if (jobs.kind === 'busy' || postgres.kind !== 'starting' || postgres.standbySignal) return null;
  return { sinceMs: earliest(outageMs, postgres.sinceMs), limitMs };
}

const earliest = (a: InstantMs | null, b: InstantMs): InstantMs => (a === null || b < a ? b : a);

const startTooLong: Rule = {
  name: 'primary.startTooLong',
  reason: 'the primary takes longer than primary_start_timeout to come up, and a standby can take over',
  judge(seen) {
    const start = startOfPrimary(seen);
    if (start === null || !iAmLeader(seen) || seen.settings.cluster.pause) return undefined;
    const forMs = seen.nowMs - start.sinceMs;
    // With 0 it is started only where nobody could take over: from then on it is given the time that a start may take.
    const limitMs = start.limitMs === 0 ? seen.settings.postgres.startTimeoutMs : start.limitMs;
    if (forMs <= limitMs) return undefined;
    const timeline = controlOf(seen.postgres)?.timeline ?? clusterTimeline(seen);
    if (timeline === null) return undefined;
    const able = successors(seen, timeline, later(seen.nowMs, -recentMs));
    const because: Fact[] = [
      ['startingMs', Math.round(forMs)],
      ['limitMs', limitMs],
      ['successors', able.join(',') || null],
    ];
    const memory = { crash: { sinceMs: start.sinceMs, attemptsMs: recentStarts(seen) } };
    if (able.length === 0) return { actions: [{ kind: 'askPeers' }], because, memory, wakeInMs: 1_000 };
    if (seen.jobs.kind === 'busy') {
      const cancel = { kind: 'cancelJob' as const, why: 'a standby takes over' };
      return { actions: seen.jobs.cancelling ? [] : [cancel], because, memory, wakeInMs: 200 };
    }
    const job = {
      kind: 'stop',
      mode: 'immediate',
      why: 'a standby takes over',
      checkpointFirst: false,
      budget: { immediateAtMs: seen.nowMs, killAtMs: later(seen.nowMs, 2_000) },
    } as const;
    return { actions: [{ kind: 'startJob', job }], because, memory };
  },
};

const restartInPlace: Rule = {
  name: 'primary.crashed',
  reason: 'the primary went down; it is started again in place while its lease lasts',
  judge(seen) {
    const stopped = stoppedLeader(seen);
    if (stopped === null || restsPaused(seen)) return undefined;
    const { control } = stopped;
    const leftMs = leaseLeftMs(seen);
    const known = clusterTimeline(seen);
    const because: Fact[] = [
      ['stoppedCleanly', stoppedCleanly(control)],
      ['controlState', control.state],
      ['leaseLeftMs', Math.round(leftMs)],
      ['attempts', recentStarts(seen).length],
      ...crashFacts(seen),
    ];
    // The lease is unbroken and proven, so nobody was promoted in between: no new timeline is needed.
    const inPlace =
      lastRanAsPrimary(control) &&
      !stopped.standbySignal &&
      !stopped.backupLabel &&
      (known === null || control.timeline >= known);
    if (!inPlace) {
      return (
        repairPause(seen) ?? {
          actions: [{ kind: 'startJob', job: { kind: 'startStandby', upstream: null } }],
          because: [...because, ['asStandby', 'it did not stop as a primary of this timeline']],
          memory: startNoted(seen),
        }
      );
    }
    if (seen.held?.releaseInDoubt === true)
      return { actions: [{ kind: 'renewLease' }], because: [...because, ['waitsFor', releaseDoubted]], wakeInMs: 200 };
    if (seen.held === null || !seen.held.proven || leftMs < leaseNeededToPromoteMs(seen.settings.cluster)) {
      return { actions: [], because: [...because, ['waitsFor', 'a proven lease']], wakeInMs: 200 };
    }
    // While the cluster is paused no guard is armed.
    if (!guardArmed(seen) && !seen.settings.cluster.pause)
      return {
        actions: [{ kind: 'renewLease' }],
        because: [...because, ['waitsFor', 'an armed guard']],
        wakeInMs: 200,
      };
    const behind = foundBehind(seen);
    const pause = behind === null ? repairPause(seen) : null;
    if (pause !== null) return pause;
    if (mayAnswerFirst(seen, control))
      return {
        actions: [{ kind: 'askPeers' }],
        because: [...because, ['waitsFor', 'how far the others are']],
        wakeInMs: 50,
      };
    const limitMs = Math.max(seen.settings.cluster.primaryStartTimeoutMs, seen.settings.postgres.startTimeoutMs);
    const reached = behind === null ? furthestReplayed(seen, control) : null;
    // Nobody who has it may lead: this one goes on, and whoever is ahead finds out.
    if (behind !== null) because.push(['ahead', `${behind.member}, which may not lead, at ${lsnText(behind.lsn)}`]);
    return {
      actions: [
        ...settled(seen),
        {
          kind: 'startJob',
          job: {
            kind: 'startPrimary',
            limitMs,
            synchronousNames: namesAtStart(seen),
            ...(reached === null ? {} : { mustReach: reached }),
            premise: { term: seen.held.term, leader: seen.settings.local.name, systemId: control.systemId },
          },
        },
        { kind: 'askPeers' },
      ],
      because,
      memory: startNoted(seen),
    };
  },
};

/** Whom commits wait for on a server that starts in place and can not read /sync; null: that is not known. */
function namesWithoutEtcd(seen: Observation): string | null {
  // Switched off, and /sync was still there when etcd was last seen: somebody may be elected by it yet.
  const standing = seen.dcs.kind === 'unreachable' && seen.dcs.lastSeen?.sync != null;
  if (!isSynchronous(seen)) return standing ? null : '';
  const { held, memory } = seen;
  return held !== null && memory.wentBy?.term === held.term ? memory.wentBy.names : null;
}

const restartWithoutEtcd: Rule = {
  name: 'primary.crashed.withoutEtcd',
  reason: 'the primary went down while etcd is away: all members promise not to take its place, and it starts in place',
  judge(seen) {
    const { held, postgres, dcs, settings } = seen;
    if (dcs.kind !== 'unreachable' || held?.byMembers !== true || postgres.kind !== 'stopped') return undefined;
    if (held.releaseInDoubt === true) return undefined;
    const synchronousNames = namesWithoutEtcd(seen);
    if (!wentDown(seen) || settings.cluster.pause || synchronousNames === null) return undefined;
    const known = clusterTimeline(seen) ?? dcs.lastSeen?.clusterTimeline ?? null;
    const leftMs = leaseLeftMs(seen);
    if (known !== null && postgres.control.timeline < known) return undefined;
    if (!guardArmed(seen) || leftMs < leaseNeededToPromoteMs(settings.cluster)) return undefined;
    const pause = repairPause(seen);
    if (pause !== null) return pause;
    const limitMs = Math.max(settings.cluster.primaryStartTimeoutMs, settings.postgres.startTimeoutMs);
    const premise = { term: held.term, leader: settings.local.name, systemId: postgres.control.systemId };
    return {
      actions: [{ kind: 'startJob', job: { kind: 'startPrimary', limitMs, synchronousNames, premise } }],
      because: [['controlState', postgres.control.state], ['leaseLeftMs', Math.round(leftMs)], ...failsafeFacts(seen)],
      memory: startNoted(seen),
    };
  },
};

export const startRules: readonly Rule[] = [startTooLong];
export const handOverRules: readonly Rule[] = [steppingDown];
export const crashedRules: readonly Rule[] = [
  leftBehind,
  orphans,
  givesWay,
  giveWay,
  crashesAgain,
  restartInPlace,
  restartWithoutEtcd,
];
