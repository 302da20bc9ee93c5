import type { Fact, Verdict } from '../model/decision.ts';
import type { Observation } from '../model/observation.ts';
import type { ControlData } from '../model/postgres.ts';
import { lsnText } from '../model/units.ts';

/** How long a stopped primary waits for a standby to confirm the shutdown checkpoint before it gives the key away anyway, or takes it back. */
export const handOverLimitMs = 3_000;

/** Peers that say they hold everything up to the shutdown checkpoint, record included. */
export const caughtUp = (seen: Observation, control: ControlData, candidate: string | null): readonly string[] =>
  seen.peers
    .filter((peer) => candidate === null || peer.name === candidate)
    .filter((peer) => peer.said !== null && !peer.said.nofailover && !peer.said.watchdogFailed)
    .filter(
      (peer) =>
        peer.said?.position !== null && peer.said?.position !== undefined && peer.said.position > control.checkpoint,
    )
    .map((peer) => peer.name);

/**
 * PostgreSQL is cleanly down and the key is mine. The key goes when whoever may win has the shutdown checkpoint: two
 * positions, one waited for (the checkpoint record), one published (its beginning, where content ends).
 */
export function handOver(seen: Observation, control: ControlData, candidate: string | null): Verdict {
  const ready = caughtUp(seen, control, candidate);
  const finished = seen.jobs.kind === 'idle' ? seen.jobs.last : null;
  const waitedMs = finished?.job.kind === 'stop' ? seen.nowMs - finished.endedMs : Number.POSITIVE_INFINITY;
  const others = seen.peers.length > 0;
  const because: Fact[] = [
    ['shutdownCheckpoint', lsnText(control.checkpoint)],
    ['caughtUp', ready.join(',') || null],
    ['waitedMs', Math.round(Math.min(waitedMs, 999_999))],
  ];
  if (ready.length > 0 || !others || waitedMs > handOverLimitMs) {
    return { actions: [{ kind: 'releaseLeaderKey', lsn: control.checkpoint }], because };
  }
  return { actions: [{ kind: 'askPeers' }], because, wakeInMs: 20 };
}
