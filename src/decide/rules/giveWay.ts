import type { Fact } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import type { PeerReport } from '../../model/peers.ts';
import type { ControlData } from '../../model/postgres.ts';
import { type InstantMs, later } from '../../model/units.ts';
import { crashPause, isDownTooLong, isStartGivenUp, isWorn, recentCrashes, recentStarts } from '../crash.ts';
import { successors } from '../handover.ts';
import { endOfPrimary, iAmLeader, restsPaused, stoppedCleanly } from '../judge.ts';
import type { Rule } from '../rule.ts';

/** PostgreSQL went down under my key: whether somebody better leads, and what a server that goes down again and again waits for. */

export const stoppedLeader = (seen: Observation) =>
  seen.postgres.kind === 'stopped' && iAmLeader(seen) ? seen.postgres : null;

/** How long the others are asked, before a primary that was not to be started at all is started after all. */
const askFirstMs = 500;
/** The same before any start in place. An answer takes some milliseconds. */
const askBrieflyMs = 300;
/** Where it stood then, a standby stands at least when the primary goes down. */
const justBeforeMs = 1_000;
export const mayAnswerYet = ({ askedMs, last }: PeerReport, sinceMs: InstantMs): boolean =>
  last.kind === 'waiting' || (last.kind === 'silent' ? last.atMs : (askedMs ?? 0)) < sinceMs;
/** A standby that said so within this time counts as able to take over. */
const recentMs = 5_000;

/**
 * How far the others are tells whether the disk of this primary was put back, before it writes over what they have. Whoever is
 * known not to answer is not waited for.
 */
export function mayAnswerFirst(seen: Observation, control: ControlData): boolean {
  // Where this very agent saw it end in order, its end is known.
  if (stoppedCleanly(control) && (seen.memory.lastRole !== null || seen.jobs.last?.job.kind === 'stop')) return false;
  const sinceMs = seen.memory.crash?.sinceMs ?? seen.nowMs;
  if (seen.nowMs - sinceMs >= askBrieflyMs) return false;
  const { loopWaitMs } = seen.settings.cluster;
  return seen.peers.some(({ askedMs, last }) => {
    if (askedMs !== null && askedMs >= sinceMs) return false;
    if (last.kind === 'silent') return last.atMs < seen.startedMs;
    return askedMs === null || seen.nowMs - askedMs < 2 * loopWaitMs;
  });
}

/** Handed round among servers that all go down, the lead is worth nothing, and costs a timeline each time. */
const isNoBetter = (seen: Observation, name: string): boolean =>
  isWorn(seen.peers.find((peer) => peer.name === name)?.said?.crashes ?? 0);

export const crashFacts = (seen: Observation): readonly Fact[] => {
  const times = recentCrashes(seen).length;
  return times <= 1 ? [] : [['crashes', `${times} in the last ten minutes`]];
};

export const giveWay: Rule = {
  name: 'primary.crashed.giveWay',
  reason: 'the crashed primary is given up: a standby takes over',
  judge(seen) {
    const stopped = stoppedLeader(seen);
    if (stopped === null || seen.settings.cluster.pause) return undefined;
    const { primaryStartTimeoutMs } = seen.settings.cluster;
    const clean = stoppedCleanly(stopped.control);
    if (clean && seen.memory.stepDown?.givenUp === true) return undefined; // the others were just found wanting
    const sinceMs = seen.memory.crash?.sinceMs ?? seen.nowMs;
    const forMs = seen.nowMs - sinceMs;
    const attempts = recentStarts(seen);
    const { hung } = seen.memory;
    const wasHung = hung !== null && hung.term === seen.held?.term;
    const atOnce = primaryStartTimeoutMs === 0 || wasHung;
    if (!atOnce && !isStartGivenUp(seen)) return undefined;
    const askedMs = atOnce ? later(sinceMs, -justBeforeMs) : later(seen.nowMs, -recentMs);
    const all = successors(seen, wasHung ? hung.timeline : stopped.control.timeline, askedMs);
    const worn = wasHung || isDownTooLong(seen) ? [] : all.filter((name) => isNoBetter(seen, name));
    const able = all.filter((name) => !worn.includes(name));
    const because: Fact[] = [
      ['primaryStartTimeoutMs', primaryStartTimeoutMs],
      ['downMs', Math.round(forMs)],
      ['attempts', attempts.length],
      ...(wasHung ? [['hung', hung.kind] as const] : []),
      ...crashFacts(seen),
      ['successors', able.join(',') || null],
      ...(worn.length === 0 ? [] : [['noBetter', `${worn.join(',')}: PostgreSQL went down there as often`] as const]),
    ];
    if (able.length > 0)
      return {
        actions: [{ kind: 'releaseLeaderKey', lsn: endOfPrimary(stopped.control) }],
        because,
        memory: { noRaceBeforeMs: later(seen.nowMs, seen.settings.cluster.ttlMs) },
      };
    if (forMs >= askFirstMs || !seen.peers.some((peer) => mayAnswerYet(peer, askedMs))) return undefined;
    return { actions: [{ kind: 'askPeers' }], because, wakeInMs: 50 };
  },
};

/** Stopped because it hung, by a stop that was over; what of it is there still is killed, and cannot answer anybody. */
const heldByKernel = (seen: Observation): boolean => {
  const last = seen.jobs.kind === 'idle' ? seen.jobs.last : null;
  const { hung } = seen.memory;
  return hung !== null && hung.term === seen.held?.term && last?.job.kind === 'stop' && last.ended === 'done';
};

export const leftBehind: Rule = {
  name: 'primary.hung.leftBehind',
  reason: 'what is left of the stopped server is killed and held by the kernel: a standby takes over all the same',
  judge(seen) {
    const stopped = stoppedLeader(seen);
    if (stopped === null || stopped.orphans.length === 0 || !heldByKernel(seen)) return undefined;
    return giveWay.judge(seen);
  },
};

/** Whatever ends it so often will end it again: at full speed nobody gets any work done on it, and its log is full of starts. */
export const crashesAgain: Rule = {
  name: 'primary.crashesAgain',
  reason:
    'the primary goes down again and again, and nobody better can take over: the next start waits, longer each time',
  judge(seen) {
    const pause = crashPause(seen);
    if (pause === null || stoppedLeader(seen) === null || restsPaused(seen)) return undefined;
    const times = recentCrashes(seen).length;
    return {
      actions: [{ kind: 'askPeers' }],
      because: [
        ...crashFacts(seen),
        ['pauseMs', pause.pauseMs],
        ['nextStartInMs', Math.round(pause.leftMs)],
        ['needsOperator', `PostgreSQL went down ${times} times in ten minutes here: its log says why`],
      ],
      wakeInMs: Math.min(1_000, pause.leftMs),
    };
  },
};
