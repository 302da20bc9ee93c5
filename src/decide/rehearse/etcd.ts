import type { DcsView, HeldLease } from '../../model/cluster.ts';
import type { Decision } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import type { RunningPrimary } from '../../model/postgres.ts';
import { type InstantMs, later, leaseId, term } from '../../model/units.ts';
import { decide } from '../decide.ts';

/** Without etcd: a leader, left alone with its lease, played until it stops, or goes on past all reason. */

/** No answer from now on; since when and why, where there is none already. */
export function withoutAnswer({ dcs, nowMs }: Observation): Extract<DcsView, { kind: 'unreachable' }> {
  if (dcs.kind === 'unreachable') return dcs;
  return { kind: 'unreachable', sinceMs: nowMs, why: 'imagined to be gone', lastSeen: dcs.cluster };
}

export interface Alone {
  /** When it stops taking writes, from the last renewal that was sent; null: it goes on. */
  readonly stopsAfterMs: number | null;
  /** The decision to stop, or the last one to go on. */
  readonly decision: Decision;
}

/** `seen`: by the leader. `marginMs`: lease end minus this is the fence deadline. `allPromise`: whoever it asks without etcd. */
export function playAlone(seen: Observation, leading: RunningPrimary, marginMs: number, allPromise: boolean): Alone {
  const { ttlMs } = seen.settings.cluster;
  const sentMs = seen.nowMs;
  let held: HeldLease = {
    ...(seen.held ?? { lease: leaseId(1n), term: term(1n) }),
    ttlMs,
    sentMs,
    deadlineMs: later(sentMs, ttlMs - marginMs),
    proven: true,
  };
  const dcs = withoutAnswer(seen);
  let { memory } = seen;
  let nowMs: InstantMs = sentMs;
  for (;;) {
    const decision = decide({
      ...seen,
      nowMs,
      postgres: leading,
      held,
      guard: seen.guard.kind === 'present' ? { ...seen.guard, armedMs: held.deadlineMs } : seen.guard,
      memory,
      dcs: { ...dcs, sinceMs: sentMs },
    });
    const stops = decision.actions.some((action) => action.kind === 'startJob' && action.job.kind === 'stop');
    if (stops) return { stopsAfterMs: nowMs - sentMs, decision };
    if (nowMs > sentMs + 2 * ttlMs) return { stopsAfterMs: null, decision };
    if (allPromise && decision.actions.some(({ kind }) => kind === 'askPromises'))
      held = { ...held, sentMs: nowMs, deadlineMs: later(nowMs, ttlMs - marginMs), byMembers: true };
    memory = decision.memory;
    nowMs = later(nowMs, Math.max(20, decision.wakeInMs));
  }
}
