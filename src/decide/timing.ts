import type { HeldLease } from '../model/cluster.ts';
import type { StopBudget } from '../model/job.ts';
import type { Observation } from '../model/observation.ts';
import type { ClusterSettings } from '../model/settings.ts';
import { type InstantMs, later } from '../model/units.ts';

/** How long before the fence deadline the clients must go: enough for a fast stop, an immediate one and a kill. */
export const stopBudgetMs = (cluster: ClusterSettings): number => Math.min(5_000, Math.max(400, cluster.ttlMs / 6));

/** The stages of a stop that must be over by the deadline. The guardian strikes at the deadline itself. */
export function stopBudgetBefore(deadlineMs: InstantMs, cluster: ClusterSettings): StopBudget {
  const budget = stopBudgetMs(cluster);
  return { immediateAtMs: later(deadlineMs, -budget / 2), killAtMs: later(deadlineMs, -budget / 6) };
}

/** When the dead-man switch acts: after the loop's own fast stop had its chance, before the guardian. */
export const deadmanAtMs = (deadlineMs: InstantMs, cluster: ClusterSettings): InstantMs =>
  later(deadlineMs, -stopBudgetMs(cluster) / 3);

/** Leaders renew this often; everyone else only looks each loop_wait. */
export const renewEveryMs = (cluster: ClusterSettings): number => Math.min(cluster.loopWaitMs, cluster.ttlMs / 3);

/** Ms until my right to lead can no longer be trusted; 0 or less when I hold none. */
export const leaseLeftMs = (seen: Observation): number => (seen.held === null ? 0 : seen.held.deadlineMs - seen.nowMs);

/** Ms until the clients must go unless a renewal is proven: a look must be over by then, and another begin. */
export const untilStopMs = (held: HeldLease, nowMs: InstantMs, cluster: ClusterSettings): number =>
  held.deadlineMs - stopBudgetMs(cluster) - nowMs;

/** Promotion needs lease for itself and for the stop that may have to follow it. */
export const leaseNeededToPromoteMs = (cluster: ClusterSettings): number => stopBudgetMs(cluster) * 1.5;

export const renewalDue = (held: HeldLease, seen: Observation): boolean =>
  seen.nowMs - held.sentMs >= renewEveryMs(seen.settings.cluster) * 0.9 || !held.proven || guardWaits(seen);

/** Each renewal tells the guard: one that came anew, or after a pause, should not wait for the next. */
const guardWaits = ({ guard, settings }: Observation): boolean =>
  guard.kind === 'present' && guard.armedMs === null && !settings.cluster.pause;
