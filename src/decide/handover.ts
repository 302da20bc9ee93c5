import type { Fact, Verdict } from '../model/decision.ts';
import type { Observation } from '../model/observation.ts';
import type { PeerReport } from '../model/peers.ts';
import type { ControlData } from '../model/postgres.ts';
import { type InstantMs, lsnText, type Timeline } from '../model/units.ts';
import { clusterOf, endOfPrimary } from './judge.ts';
import { isElectable } from './synchronous/standing.ts';

/** How long a stopped primary waits for a standby to confirm the shutdown checkpoint before it gives the key away anyway, or takes it back. */
export const handOverLimitMs = 3_000;

/** Positions on two timelines cannot be compared; one that tells none is taken at its word. */
const onTimeline = ({ said }: PeerReport, mine: Timeline): boolean =>
  said !== null && (said.timeline === null || said.timeline === mine);

/** Without etcd nobody takes the key; nor does anybody whose primary is elsewhere. */
const mayLead = (seen: Observation, { said, last }: PeerReport): boolean =>
  seen.settings.cluster.standbyCluster === null &&
  said !== null &&
  last.kind !== 'silent' &&
  !said.nofailover &&
  !said.watchdogFailed &&
  !said.runsAsPrimary &&
  said.etcdAwayMs === undefined;

/** Peers that say they hold everything up to the shutdown checkpoint, record included. */
export const caughtUp = (seen: Observation, control: ControlData, candidate: string | null): readonly string[] =>
  seen.peers
    .filter((peer) => (candidate === null ? isElectable(seen, peer.name) : peer.name === candidate))
    .filter((peer) => mayLead(seen, peer) && onTimeline(peer, control.timeline))
    .filter(({ said }) => said?.position != null && said.position > control.checkpoint)
    .map((peer) => peer.name);

/** Others that could take over now: allowed, of this timeline, not far behind, and so they said to a question asked since. */
export function successors(seen: Observation, mine: Timeline, sinceMs: InstantMs): readonly string[] {
  const optime = clusterOf(seen)?.status?.optime ?? null;
  const { maximumLagBytesOnFailover, synchronousMode } = seen.settings.cluster;
  const isNear = ({ said }: PeerReport): boolean => {
    if (said?.position == null) return false;
    // By what it heard of this server itself it would not take the key; one that has every commit would.
    const told = synchronousMode === 'off' ? (said.upstreamEnd ?? null) : null;
    const end = optime === null || (told !== null && told > optime) ? told : optime;
    return end === null || end - said.position <= BigInt(maximumLagBytesOnFailover);
  };
  return seen.peers
    .filter((peer) => peer.askedMs !== null && peer.askedMs >= sinceMs && mayLead(seen, peer) && onTimeline(peer, mine))
    .filter((peer) => isElectable(seen, peer.name))
    .filter(isNear)
    .map(({ name }) => name);
}

/** How long PostgreSQL has been down by the stop that ended last; an agent that just began counts from there. */
export function downByStopMs(seen: Observation): number {
  const finished = seen.jobs.kind === 'idle' ? seen.jobs.last : null;
  return seen.nowMs - Math.max(seen.startedMs, finished?.job.kind === 'stop' ? finished.endedMs : seen.startedMs);
}

/**
 * PostgreSQL is cleanly down and the key is mine. The key goes when whoever may win has the shutdown checkpoint: two
 * positions, one waited for (the checkpoint record), one published (its beginning, where content ends).
 */
export function handOver(seen: Observation, control: ControlData, candidate: string | null): Verdict {
  const ready = caughtUp(seen, control, candidate);
  const waitedMs = downByStopMs(seen);
  const others = seen.peers.length > 0;
  const because: Fact[] = [
    ['shutdownCheckpoint', lsnText(control.checkpoint)],
    ['caughtUp', ready.join(',') || null],
    ['waitedMs', Math.round(waitedMs)],
  ];
  if (ready.length > 0 || !others || waitedMs > handOverLimitMs) {
    return { actions: [{ kind: 'releaseLeaderKey', lsn: endOfPrimary(control) }], because };
  }
  // Mostly it takes no time at all; who is not there after a while is not there in the next moment either.
  return { actions: [{ kind: 'askPeers' }], because, wakeInMs: waitedMs < 500 ? 20 : 100 };
}
