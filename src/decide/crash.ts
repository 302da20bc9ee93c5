import type { Verdict } from '../model/decision.ts';
import type { Memory, Observation } from '../model/observation.ts';
import { type InstantMs, later } from '../model/units.ts';
import { iAmLeader, lastRanAsPrimary, runningPrimary, stoppedCleanly } from './judge.ts';
import { leaseLeftMs } from './timing.ts';

/**
 * What is remembered of a primary that goes down under its lease: since when, its starts in place of late, and how often it went
 * down. A server that does so again and again is started with growing pauses, and nobody hands over to one like it.
 */

/** How many starts in place are enough, and within which time: a primary that goes down again and again gives way. */
export const startsMost = 3;
const crashWindowMs = 600_000;
/** No pause is longer: with nobody else there it is the only way to a primary. */
const pauseMostMs = 30_000;

const isRecent =
  ({ nowMs }: Observation) =>
  (atMs: InstantMs): boolean =>
    nowMs - atMs < crashWindowMs;

export const recentStarts = (seen: Observation): readonly InstantMs[] =>
  (seen.memory.crash?.attemptsMs ?? []).filter(isRecent(seen));

/** Instants of the last ten minutes at which the server went down here while this node held the key. */
export const recentCrashes = (seen: Pick<Observation, 'memory' | 'nowMs'>): readonly InstantMs[] =>
  seen.memory.crashes.filter((atMs) => seen.nowMs - atMs < crashWindowMs);

/** By its own word a server went down on it so often that it is no better than one that just did. */
export const isWorn = (crashes: number): boolean => crashes >= startsMost;

/** Without etcd the lease that is held tells as much, while it lasts: after that the guards end the server. */
const leads = (seen: Observation): boolean =>
  iAmLeader(seen) || (seen.dcs.kind === 'unreachable' && leaseLeftMs(seen) > 0);

/** Since when the leader is down, and its starts of late: one that went well does not make the next crash the first. */
export function crashMemory(seen: Observation): Memory['crash'] {
  const before = seen.memory.crash;
  // With the key its outage is over, and not before the key is seen to be gone: a release may have gone nowhere.
  if (!leads(seen)) return seen.dcs.kind === 'reachable' && seen.held === null ? null : before;
  const attemptsMs = recentStarts(seen);
  if (seen.postgres.kind === 'stopped') return { sinceMs: before?.sinceMs ?? seen.nowMs, attemptsMs };
  if (runningPrimary(seen) === null) return before;
  return attemptsMs.length === 0 ? null : { sinceMs: null, attemptsMs };
}

/** Kept whoever leads next: the other members are told. Health makes them fewer, by time alone. */
export function crashesMemory(seen: Observation): Memory['crashes'] {
  const recent = recentCrashes(seen);
  if (!leads(seen)) return recent;
  if (hasCrashed(seen) && (seen.memory.crash?.sinceMs ?? null) === null) return [...recent, seen.nowMs];
  const promotion = failedPromotion(seen);
  // The crash that it failed of is counted already.
  return promotion === null || recent.some((atMs) => atMs >= promotion.startedMs)
    ? recent
    : [...recent, promotion.endedMs];
}

/** It ended unasked, before this agent's eyes or together with the agent before it. */
function hasCrashed({ postgres, memory }: Observation): boolean {
  if (postgres.kind !== 'stopped') return false;
  const { control, crashed } = postgres;
  return crashed || (memory.lastRole === null && lastRanAsPrimary(control) && !stoppedCleanly(control));
}

/** One of which the server never heard, as when pre_promote says no or etcd is away, says nothing of the server. */
function failedPromotion({ jobs, held }: Observation) {
  const last = jobs.kind === 'idle' ? jobs.last : null;
  if (last?.job.kind !== 'promote' || last.ended !== 'failed' || last.untold === true) return null;
  return last.job.premise.term === held?.term ? last : null;
}

/** How long the next start waits, counted from the crash: not at all at first, then 1, 2, 4, … s. */
function pauseMs(seen: Observation): number {
  // One that goes down before it was seen to run is known by its starts alone.
  const times = Math.max(recentCrashes(seen).length, recentStarts(seen).length + 1);
  return times <= startsMost ? 0 : Math.min(pauseMostMs, 1_000 * 2 ** Math.min(times - startsMost - 1, 6));
}

/** The pause that is under way; null: none, it may be started. */
export function crashPause(seen: Observation): { readonly pauseMs: number; readonly leftMs: number } | null {
  const known = [...recentCrashes(seen), ...recentStarts(seen)];
  if (known.length === 0) return null;
  // It may have gone down over what people have changed since.
  if (seen.settingsSinceMs > Math.max(...known)) return null;
  const wholeMs = pauseMs(seen);
  const leftMs = Math.max(...known) + wholeMs - seen.nowMs;
  return leftMs <= 0 ? null : { pauseMs: wholeMs, leftMs };
}

/** Since when it could have been up: what it was kept waiting for on purpose is no reason to give it up. Null: it is not down. */
export function outageBeganMs(seen: Observation): InstantMs | null {
  const sinceMs = seen.memory.crash?.sinceMs ?? null;
  return sinceMs === null ? null : later(sinceMs, pauseMs(seen));
}

/** It has been down for longer than a primary may take to come up. */
export function isDownTooLong(seen: Observation): boolean {
  const { cluster, postgres } = seen.settings;
  const beganMs = outageBeganMs(seen);
  return beganMs !== null && seen.nowMs - beganMs > (cluster.primaryStartTimeoutMs || postgres.startTimeoutMs);
}

/** It was tried for long enough, or often enough, and is down: somebody else shall lead. */
export function isStartGivenUp(seen: Observation): boolean {
  const often = recentStarts(seen).length >= startsMost || recentCrashes(seen).length > startsMost;
  const beganMs = outageBeganMs(seen);
  const atOnce = seen.settings.cluster.primaryStartTimeoutMs === 0 && beganMs !== null && seen.nowMs > beganMs;
  return often || atOnce || isDownTooLong(seen);
}

/** What a start under the key leaves for the next. */
export const startNoted = (seen: Observation): NonNullable<Verdict['memory']> => ({
  crash: { sinceMs: seen.memory.crash?.sinceMs ?? seen.nowMs, attemptsMs: [...recentStarts(seen), seen.nowMs] },
});
