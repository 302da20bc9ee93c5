import type { HeldLease } from '../model/cluster.ts';
import type { FailsafeView } from '../model/failsafe.ts';
import { type Hindrance, isRefusal } from '../model/health.ts';
import type { StopBudget } from '../model/job.ts';
import type { Observation } from '../model/observation.ts';
import type { ClusterSettings } from '../model/settings.ts';
import { type InstantMs, later } from '../model/units.ts';

/** A ttl that was raised counts only once the key hangs on a lease of that length: until then all must fit the lease that is held. */
export const underLease = (cluster: ClusterSettings, held: HeldLease | null): ClusterSettings =>
  held === null || held.ttlMs >= cluster.ttlMs ? cluster : { ...cluster, ttlMs: held.ttlMs };

/** How long before the fence deadline the clients must go: enough for a fast stop, an immediate one and a kill. */
export const stopBudgetMs = (cluster: ClusterSettings): number => Math.min(5_000, Math.max(400, cluster.ttlMs / 6));

/** The stages of a stop that must be over by the deadline. The guardian strikes at the deadline itself. */
export function stopBudgetBefore(deadlineMs: InstantMs, cluster: ClusterSettings): StopBudget {
  const budget = stopBudgetMs(cluster);
  return { immediateAtMs: later(deadlineMs, -budget / 2), killAtMs: later(deadlineMs, -budget / 6) };
}

/**
 * A stop that nobody is in a hurry for takes the time it takes; where acknowledged data is elsewhere as well, and the
 * operator has set a limit, it is ended by force.
 */
export function orderlyStop({ settings, nowMs }: Pick<Observation, 'settings' | 'nowMs'>): StopBudget {
  const { synchronousMode, primaryStopTimeoutMs: limitMs } = settings.cluster;
  if (synchronousMode === 'off' || limitMs <= 0) return { immediateAtMs: null, killAtMs: null };
  return { immediateAtMs: later(nowMs, limitMs), killAtMs: later(nowMs, 2 * limitMs) };
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
  held.deadlineMs - stopBudgetMs(underLease(cluster, held)) - nowMs;

const shortestAnswerMs = 100;
/** The members' answers, and once more those of one that is slow. */
const promisesTakeMs = 600;
/**
 * How long a look at etcd, or a renewal, may take: well under the renewal interval, and time for every endpoint to be tried. It is
 * over before the clients must go; where the members are still to be asked instead, early enough for their answers.
 */
export function etcdAnswerMs(
  cluster: ClusterSettings,
  held: HeldLease | null,
  nowMs: InstantMs,
  failsafe: Pick<FailsafeView, 'askingSinceMs' | 'last'>,
): number {
  const usualMs = Math.min(1_400, Math.max(900, cluster.retryTimeoutMs));
  if (held === null || cluster.pause || nowMs >= held.deadlineMs) return usualMs;
  const leftMs = untilStopMs(held, nowMs, cluster);
  const asked = failsafe.askingSinceMs !== null || (failsafe.last !== null && failsafe.last.sentMs > held.sentMs);
  const toAskMs = cluster.failsafeMode && !asked ? Math.min(leftMs / 2, promisesTakeMs) : 0;
  return Math.min(usualMs, Math.max(shortestAnswerMs, leftMs - toAskMs));
}

/** How long else an answer of etcd is waited for. */
export const usualAnswerMs = ({ retryTimeoutMs }: ClusterSettings): number => Math.min(1_400, retryTimeoutMs);

/** How long upkeep waits for one: that must not keep the loop from the next renewal. */
export function upkeepAnswerMs(cluster: ClusterSettings, held: HeldLease | null, nowMs: InstantMs): number {
  const usualMs = usualAnswerMs(cluster);
  if (held === null || cluster.pause) return usualMs;
  return Math.min(usualMs, Math.max(2 * shortestAnswerMs, renewalDueMs(held, cluster) - nowMs));
}

/** How long a primary may be kept from its commits before somebody else shall lead: what the disk refuses is no hang that may pass. */
export const hungLimitMs = ({ primaryHealthTimeoutMs, loopWaitMs }: ClusterSettings, kind: Hindrance): number =>
  isRefusal(kind) ? Math.max(loopWaitMs, primaryHealthTimeoutMs / 3) : primaryHealthTimeoutMs;

/** Promotion needs lease for itself and for the stop that may have to follow it. */
export const leaseNeededToPromoteMs = (cluster: ClusterSettings): number => stopBudgetMs(cluster) * 1.5;

/** What a start as the primary waits for: the key must not go from under it. A renewal sees to that. */
export const releaseDoubted = 'an end of the doubt whether the key is being given away';

const renewalDueMs = (held: HeldLease, cluster: ClusterSettings): InstantMs =>
  later(held.sentMs, renewEveryMs(underLease(cluster, held)) * 0.9);

export const renewalDue = (held: HeldLease, seen: Observation): boolean =>
  seen.nowMs >= renewalDueMs(held, seen.settings.cluster) || !held.proven || guardWaits(seen);

/** Each renewal tells the guard: one that came anew, or after a pause, should not wait for the next. */
const guardWaits = ({ guard, settings }: Observation): boolean =>
  guard.kind === 'present' && guard.armedMs === null && !settings.cluster.pause;
