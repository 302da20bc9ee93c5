import type { Fact } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import { later } from '../../model/units.ts';
import { caughtUp, handOver, handOverLimitMs } from '../handover.ts';
import {
  clusterOf,
  clusterTimeline,
  failoverRequest,
  guardArmed,
  iAmLeader,
  lastRanAsPrimary,
  stoppedCleanly,
} from '../judge.ts';
import { repairPause } from '../repair.ts';
import type { Rule } from '../rule.ts';
import { leaseLeftMs, leaseNeededToPromoteMs } from '../timing.ts';

/** PostgreSQL is down and I hold the leader key: step down as asked, start again in place, or give way. */

const stoppedLeader = (seen: Observation) =>
  seen.postgres.kind === 'stopped' && iAmLeader(seen) ? seen.postgres : null;

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
    if (stopped === null || stepDown === null || seen.held?.term !== stepDown.term) return undefined;
    if (!stoppedCleanly(stopped.control)) return undefined;
    const ready = caughtUp(seen, stopped.control, stepDown.candidate);
    const finished = seen.jobs.kind === 'idle' ? seen.jobs.last : null;
    const waitedMs = finished === null ? handOverLimitMs + 1 : seen.nowMs - finished.endedMs;
    if (ready.length === 0 && waitedMs > handOverLimitMs) {
      // Nobody can take over: the outage ends here, on the node that has everything.
      const request = failoverRequest(seen);
      return {
        actions: request === null ? [] : [{ kind: 'clearFailover', seenModRevision: request.modRevision }],
        because: [
          ['candidate', stepDown.candidate],
          ['waitedMs', Math.round(waitedMs)],
          ['outcome', 'nobody has the shutdown checkpoint; the switchover is given up'],
        ],
        memory: { stepDown: null },
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

/** Somebody else says he could take over now: reachable, allowed, and not far behind. */
const successors = (seen: Observation): readonly string[] => {
  const optime = clusterOf(seen)?.status?.optime ?? null;
  return seen.peers
    .filter(({ said, last }) => said !== null && last.kind === 'answered' && !said.nofailover && !said.watchdogFailed)
    .filter(
      ({ said }) =>
        said?.position != null &&
        (optime === null || said.position + BigInt(seen.settings.cluster.maximumLagBytesOnFailover) >= optime),
    )
    .map(({ name }) => name);
};

const giveWay: Rule = {
  name: 'primary.crashed.giveWay',
  reason: 'the crashed primary is given up: a standby takes over',
  judge(seen) {
    const stopped = stoppedLeader(seen);
    if (stopped === null || seen.memory.stepDown !== null || seen.settings.cluster.pause) return undefined;
    const { primaryStartTimeoutMs } = seen.settings.cluster;
    const { crash } = seen.memory;
    const forMs = crash === null ? 0 : seen.nowMs - crash.sinceMs;
    const tooLong = primaryStartTimeoutMs === 0 || forMs > primaryStartTimeoutMs || (crash?.attempts ?? 0) >= 3;
    if (!tooLong) return undefined;
    const able = successors(seen);
    const because: Fact[] = [
      ['primaryStartTimeoutMs', primaryStartTimeoutMs],
      ['downMs', Math.round(forMs)],
      ['attempts', crash?.attempts ?? 0],
      ['successors', able.join(',') || null],
    ];
    if (able.length === 0) return undefined;
    return {
      actions: [{ kind: 'releaseLeaderKey', lsn: null }],
      because,
      memory: { crash: null, noRaceBeforeMs: later(seen.nowMs, seen.settings.cluster.ttlMs) },
    };
  },
};

const restartInPlace: Rule = {
  name: 'primary.crashed',
  reason: 'the primary went down; it is started again in place while its lease lasts',
  judge(seen) {
    const stopped = stoppedLeader(seen);
    if (stopped === null || seen.settings.cluster.pause) return undefined;
    const { control } = stopped;
    const leftMs = leaseLeftMs(seen);
    const known = clusterTimeline(seen);
    const because: Fact[] = [
      ['stoppedCleanly', stoppedCleanly(control)],
      ['controlState', control.state],
      ['leaseLeftMs', Math.round(leftMs)],
      ['attempts', seen.memory.crash?.attempts ?? 0],
    ];
    // The lease is unbroken and proven, so nobody was promoted in between: no new timeline is needed.
    const inPlace =
      lastRanAsPrimary(control) &&
      !stopped.standbySignal &&
      !stopped.backupLabel &&
      (known === null || control.timeline >= known);
    if (!inPlace) {
      return {
        actions: [{ kind: 'startJob', job: { kind: 'startStandby', upstream: null } }],
        because: [...because, ['asStandby', 'it did not stop as a primary of this timeline']],
      };
    }
    if (seen.held === null || !seen.held.proven || leftMs < leaseNeededToPromoteMs(seen.settings.cluster)) {
      return { actions: [], because: [...because, ['waitsFor', 'a proven lease']], wakeInMs: 200 };
    }
    if (!guardArmed(seen))
      return {
        actions: [{ kind: 'renewLease' }],
        because: [...because, ['waitsFor', 'an armed guard']],
        wakeInMs: 200,
      };
    const pause = repairPause(seen);
    if (pause !== null) return pause;
    const crash = seen.memory.crash ?? { sinceMs: seen.nowMs, attempts: 0 };
    const limitMs = Math.max(seen.settings.cluster.primaryStartTimeoutMs, seen.settings.postgres.startTimeoutMs);
    return {
      actions: [
        {
          kind: 'startJob',
          job: {
            kind: 'startPrimary',
            limitMs,
            premise: { term: seen.held.term, leader: seen.settings.local.name, systemId: control.systemId },
          },
        },
        { kind: 'askPeers' },
      ],
      because,
      memory: { crash: { sinceMs: crash.sinceMs, attempts: crash.attempts + 1 } },
    };
  },
};

export const crashedRules: readonly Rule[] = [orphans, steppingDown, giveWay, restartInPlace];
