import type { Observation } from '../model/observation.ts';
import type { InstantMs } from '../model/units.ts';
import { iAmLeader, runningPrimary } from './judge.ts';

/** What is remembered of a primary that went down under its lease: since when, and its starts in place of late. */

/** How many starts in place are enough, and within which time: a primary that goes down again and again gives way. */
const startsMost = 3;
const crashWindowMs = 600_000;

export const recentStarts = (seen: Observation): readonly InstantMs[] =>
  (seen.memory.crash?.attemptsMs ?? []).filter((atMs) => seen.nowMs - atMs < crashWindowMs);

/** Since when the leader is down, and its starts of late: one that went well does not make the next crash the first. */
export function crashMemory(seen: Observation): Observation['memory']['crash'] {
  const before = seen.memory.crash;
  // Without etcd the lease that is held tells as much.
  const leads = iAmLeader(seen) || (seen.dcs.kind === 'unreachable' && seen.held !== null);
  if (!leads) return before;
  const attemptsMs = recentStarts(seen);
  if (seen.postgres.kind === 'stopped') return { sinceMs: before?.sinceMs ?? seen.nowMs, attemptsMs };
  if (runningPrimary(seen) === null) return before;
  return attemptsMs.length === 0 ? null : { sinceMs: null, attemptsMs };
}

/** It was tried for long enough, or often enough, and is down: somebody else shall lead. */
export function isStartGivenUp(seen: Observation): boolean {
  const { primaryStartTimeoutMs } = seen.settings.cluster;
  const sinceMs = seen.memory.crash?.sinceMs ?? null;
  return (sinceMs !== null && seen.nowMs - sinceMs > primaryStartTimeoutMs) || recentStarts(seen).length >= startsMost;
}
