import type { Observation } from '../../model/observation.ts';
import { leaderless, leaderlessSince } from '../contest.ts';
import { promiseInForce } from '../failsafe.ts';
import { me, runningStandby } from '../judge.ts';
import type { Rule } from '../rule.ts';
import { isElectable, isForced, isSynchronous } from './standing.ts';

/**
 * A vote is a promise: who says how far it is has stopped receiving before, and confirms nothing more to whoever led. A primary
 * that nobody could end waits from then on for confirmations that do not come, so that no client is told of a commit that the
 * next one lacks.
 */

/**
 * Whether this standby has withdrawn from whoever led. False: it confirms commits to somebody, or may. Null: it is not asked to
 * withdraw, as no commit waits for it, or it cannot know that there is no leader, or a primary goes on by its promise.
 */
export function hasWithdrawn(seen: Observation): boolean | null {
  const standby = runningStandby(seen);
  if (standby === null || !isSynchronous(seen) || seen.settings.cluster.pause) return null;
  // Nobody waits for it, and nobody asks for its vote: unless the tag came after /sync named it.
  if (seen.settings.local.tags.nosync && !isElectable(seen, me(seen))) return null;
  if (seen.dcs.kind !== 'reachable' || promiseInForce(seen) !== null) return null;
  // A job that is at work may be on its way to whoever led.
  return leaderless(seen) !== null && standby.detached === true && seen.jobs.kind === 'idle';
}

/** A reload is done in milliseconds; a server that cannot take it in just now is told again. */
const againMs = 1_000;
const lookMs = 10;
const askAfterMs = 100;
/** A receiver ends within milliseconds of the reload, or of the signal where replay stands still. */
const patienceMs = 10_000;
const remedyFor = (name: string): string =>
  `its walreceiver does not end, though it was told to: is it frozen, or its disk? if the last primary is surely down: failover --candidate ${name}`;

export const withdraw: Rule = {
  name: 'race.withdraw',
  reason:
    'nobody leads: this standby stops receiving, so that no commit is confirmed behind the back of whoever is elected',
  judge(seen) {
    const standby = leaderless(seen);
    if (standby === null || hasWithdrawn(seen) !== false || isForced(seen)) return undefined;
    const last = seen.jobs.kind === 'idle' ? seen.jobs.last : null;
    // A key that is only gone for a moment costs no standby its stream.
    const endReceiver = seen.memory.overSinceMs !== null;
    const isTold =
      last?.job.kind === 'follow' &&
      last.job.upstream === null &&
      (last.job.endReceiver === true || !endReceiver) &&
      seen.nowMs - last.endedMs < againMs;
    const job = { kind: 'follow', upstream: null, ...(endReceiver ? { endReceiver } : {}) } as const;
    // By itself it does not end: whether the reign before is over is asked now, and not behind this rule.
    const asks = isTold && !endReceiver && seen.nowMs - last.endedMs >= askAfterMs;
    return {
      actions: asks ? [{ kind: 'askLeaderLease' }, { kind: 'askPeers' }] : isTold ? [] : [{ kind: 'startJob', job }],
      because: [
        ['from', standby.upstream === null ? null : `${standby.upstream.host}:${standby.upstream.port}`],
        ['receiver', standby.receiver?.status ?? null],
        ...(isTold ? [['waitsFor', 'the server to take it in'] as const] : []),
        ...(seen.nowMs - leaderlessSince(seen) > patienceMs ? [['needsOperator', remedyFor(me(seen))] as const] : []),
      ],
      ...(isTold ? { wakeInMs: asks ? askAfterMs : lookMs } : {}),
    };
  },
};
