import type { Verdict } from '../model/decision.ts';
import type { Job } from '../model/job.ts';
import type { Memory, Observation } from '../model/observation.ts';
import { later } from '../model/units.ts';
import { failingBecause } from './stuck.ts';

/** Attempts at the same repair wait longer each time: 1, 2, 4, … s, at most a minute. Never a tight loop. */
export function repairPause(seen: Observation): Verdict | null {
  const { repair } = seen.memory;
  if (repair === null || seen.nowMs >= repair.notBeforeMs) return null;
  const leftMs = repair.notBeforeMs - seen.nowMs;
  return {
    actions: [],
    because: [
      ['failedAttempts', repair.failures],
      ['nextAttemptInMs', Math.round(leftMs)],
      ['lastError', seen.jobs.last?.error ?? null],
      ...failingBecause(repair.failures, seen.jobs.last),
    ],
    wakeInMs: leftMs,
  };
}

const repairs = new Set<Job['kind']>([
  'clone',
  'startPrimary',
  'rewind',
  'startStandby',
  'crashRecovery',
  'removeData',
  'follow',
  'promote',
  'checkDivergence',
]);

/** Their success ends a repair: the server is up again. */
const healing = new Set<Job['kind']>(['startStandby', 'startPrimary', 'clone', 'promote']);

/** What failed with other settings may go well with these: people who mended one wait for no pause. */
function withTheseSettings({ memory, nowMs, settingsSinceMs }: Observation): Memory['repair'] {
  const { repair } = memory;
  if (repair === null || repair.failures === 0 || settingsSinceMs <= repair.countedEndMs) return repair;
  return { ...repair, failures: 0, notBeforeMs: nowMs };
}

/** Counts failures of repair jobs once each: called with every observation, whatever rule answers. */
export function repairMemory(seen: Observation): Memory['repair'] {
  const before = withTheseSettings(seen);
  const last = seen.jobs.kind === 'idle' ? seen.jobs.last : null;
  if (last === null || !repairs.has(last.job.kind)) return before;
  if (last.ended === 'done') return healing.has(last.job.kind) ? null : before;
  // That a disk was rolled back is no failure of a start, and another does not find it otherwise.
  if (last.ended === 'cancelled' || last.behind !== undefined) return before;
  // The pause counts from the job's end, so the same end is never counted twice.
  const failures = (before?.failures ?? 0) + 1;
  const countedUntil = before?.countedEndMs ?? -1;
  if (last.endedMs <= countedUntil) return before;
  const isMended = seen.settingsSinceMs > last.startedMs;
  const pauseMs = isMended ? 0 : Math.min(60_000, 1_000 * 2 ** Math.min(failures - 1, 6));
  const failedSource = last.job.kind === 'clone' ? last.job.from?.member : before?.failedSource;
  return {
    failures,
    notBeforeMs: later(last.endedMs, pauseMs),
    countedEndMs: last.endedMs,
    ...(failedSource === undefined ? {} : { failedSource }),
  };
}
