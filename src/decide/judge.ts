import type { Cluster, FailoverRequest, LeaderKey, Member } from '../model/cluster.ts';
import type { Fact } from '../model/decision.ts';
import type { Observation } from '../model/observation.ts';
import {
  type ControlData,
  type LocalPostgres,
  mayAcceptWrites,
  type RunningPrimary,
  type RunningStandby,
  type Upstream,
} from '../model/postgres.ts';
import { type InstantMs, type Lsn, type Timeline, timeline } from '../model/units.ts';
import { upstreamOf } from './cascade.ts';

/** Judgements are functions of the observation, never stored booleans. */

export { mayAcceptWrites };

export const me = (seen: Observation): string => seen.settings.local.name;

export const clusterOf = (seen: Observation): Cluster | null =>
  seen.dcs.kind === 'reachable' ? seen.dcs.cluster : null;

/** What the key of this name holds nobody can read. */
export const isGarbage = ({ garbage }: Cluster, name: string): boolean =>
  garbage.some(({ key }) => key.endsWith(`/${name}`));

/** Since when etcd does not answer, and why; null while it does. */
export const etcdSilence = (seen: Observation): readonly Fact[] | null =>
  seen.dcs.kind === 'unreachable'
    ? [
        ['postgres', seen.postgres.kind],
        ['forMs', Math.round(seen.nowMs - seen.dcs.sinceMs)],
        ['why', seen.dcs.why],
      ]
    : null;

export const leaderOf = (seen: Observation): LeaderKey | null => clusterOf(seen)?.leader ?? null;

/** The key bears my name, hangs on my lease and is of my term. The name alone proves nothing. */
export function iAmLeader(seen: Observation): boolean {
  const key = leaderOf(seen);
  return (
    key !== null &&
    seen.held !== null &&
    key.name === me(seen) &&
    key.lease === seen.held.lease &&
    key.term === seen.held.term
  );
}

export const otherLeader = (seen: Observation): LeaderKey | null => {
  const key = leaderOf(seen);
  return key !== null && key.name !== me(seen) ? key : null;
};

export const memberOf = (cluster: Cluster | null, name: string): Member | null =>
  cluster?.members.find((member) => member.name === name) ?? null;

export const runningPrimary = (seen: Observation): RunningPrimary | null =>
  seen.postgres.kind === 'running' && seen.postgres.role === 'primary' ? seen.postgres : null;

export const runningStandby = (seen: Observation): RunningStandby | null =>
  seen.postgres.kind === 'running' && seen.postgres.role === 'standby' ? seen.postgres : null;

export function controlOf(postgres: LocalPostgres): ControlData | null {
  switch (postgres.kind) {
    case 'running':
    case 'stopped':
    case 'starting':
    case 'unresponsive':
      return postgres.control;
    default:
      return null;
  }
}

/** Control states of a server that last ran as primary. */
export const lastRanAsPrimary = (control: ControlData): boolean =>
  ['in production', 'shutting down', 'shut down', 'in crash recovery'].includes(control.state);

export const stoppedCleanly = (control: ControlData): boolean =>
  control.state === 'shut down' || control.state === 'shut down in recovery';

/**
 * Where a stopped primary ended, for /status; null: not known. A standby's control file shows its last restartpoint, far
 * behind what it has: told as the cluster's position, it would let in whoever lags.
 */
export const endOfPrimary = (control: ControlData): Lsn | null =>
  control.state === 'shut down' ? control.checkpoint : null;

export interface Position {
  readonly timeline: Timeline;
  readonly lsn: Lsn;
}

/** How far this node's WAL reaches; null when it cannot be told now. */
export function myPosition(seen: Observation): Position | null {
  const { postgres } = seen;
  if (postgres.kind !== 'running') return null;
  return { timeline: postgres.timeline, lsn: postgres.role === 'primary' ? postgres.flushLsn : postgres.receivedLsn };
}

/** The highest timeline this cluster is known to have reached; null when nothing is known. */
export function clusterTimeline(seen: Observation): Timeline | null {
  const known = [clusterOf(seen)?.clusterTimeline ?? null, seen.memory.clusterTimeline].filter((t) => t !== null);
  return known.length === 0 ? null : timeline(Math.max(...known));
}

/**
 * This standby is ahead of whoever leads, on one timeline: what that one writes is another history over the same positions. Of a
 * server that was put back since, or that is on another timeline, it says nothing any more.
 */
export function aheadOfLeader(seen: Observation): { readonly mine: Lsn; readonly leader: Lsn } | null {
  const { divergence } = seen.memory;
  const leader = otherLeader(seen);
  if (leader === null || divergence?.verdict !== 'ahead' || divergence.ahead === undefined) return null;
  if (divergence.term !== leader.term || divergence.leader !== leader.name) return null;
  const standby = runningStandby(seen);
  return standby !== null && standby.replayedLsn < divergence.ahead.mine ? null : divergence.ahead;
}

/** Where to stream from: the leader, or the member that `replicatefrom` names while it is there. */
export function wantedUpstream(seen: Observation, slotOf: (name: string) => string): Upstream | null {
  const cluster = clusterOf(seen);
  const leader = otherLeader(seen);
  const { nostream, replicatefrom } = seen.settings.local.tags;
  if (cluster === null || leader === null || nostream || aheadOfLeader(seen) !== null) return null;
  const source = memberOf(cluster, upstreamOf(cluster, leader.name, me(seen), replicatefrom));
  if (source === null || source.host === null || source.port === null) return null;
  return {
    member: source.name,
    host: source.host,
    port: source.port,
    slot: seen.settings.postgres.useSlots ? slotOf(me(seen)) : null,
  };
}

/** The leader as a source of history and of a rewind: always the leader itself, never a cascade. */
export function leaderAsSource(seen: Observation): Upstream | null {
  const leader = otherLeader(seen);
  const member = leader === null ? null : memberOf(clusterOf(seen), leader.name);
  if (member === null || member.host === null || member.port === null) return null;
  return { member: member.name, host: member.host, port: member.port, slot: null };
}

/** A member that answers as the primary of a newer timeline: this one was left behind, whether or not the cluster says so yet. */
export const newerPrimary = (seen: Observation, mine: Timeline): string | null =>
  seen.peers.find(
    ({ said, last }) => last.kind !== 'silent' && said?.runsAsPrimary === true && (said.timeline ?? 0) > mine,
  )?.name ?? null;

export const failoverRequest = (seen: Observation): FailoverRequest | null => clusterOf(seen)?.failover ?? null;

/**
 * A request that counts now: one that is scheduled for later decides nothing yet. In pause no schedule is kept: what came due there
 * stays undone, whatever becomes of the leader. Only where that one has given the key away, as it does for nobody but its
 * successor, is what it began brought to its end.
 */
export const dueRequest = (seen: Observation): FailoverRequest | null => {
  const request = failoverRequest(seen);
  if (request === null || request.scheduledAt === null) return request;
  if (request.scheduledAt > seen.wallMs) return null;
  return !seen.settings.cluster.pause || clusterOf(seen)?.leader !== null || gaveAway(seen) ? request : null;
};

/** The last leader, in order: its server is down. In pause people who stop it have the request cleared first. */
const gaveAway = ({ dcs }: Observation): boolean => dcs.kind === 'reachable' && dcs.vacancy?.released === true;

export const nofailover = (seen: Observation): boolean =>
  seen.settings.local.tags.nofailover || seen.settings.local.tags.failoverPriority <= 0;

/** The guard that a leader must have: armed before promotion and before a start as primary. */
export const guardArmed = (seen: Pick<Observation, 'guard' | 'nowMs'>): boolean =>
  seen.guard.kind === 'off' ||
  (seen.guard.kind === 'present' && seen.guard.armedMs !== null && seen.guard.armedMs > seen.nowMs);

/** The deadline that the guardian will keep: also when the lease itself is already known to be lost. */
export const deadlineInForce = (seen: Observation): InstantMs =>
  seen.held?.deadlineMs ??
  (seen.guard.kind === 'present' && seen.guard.armedMs !== null ? seen.guard.armedMs : seen.nowMs);

/** For an acquisition: nothing over a PostgreSQL that accepts no writes. */
export const writesUntil = (seen: Observation): { readonly writesUntilMs?: InstantMs } =>
  mayAcceptWrites(seen.postgres) ? { writesUntilMs: deadlineInForce(seen) } : {};

export const guardUsable = (seen: Observation): boolean => seen.guard.kind !== 'absent';

/**
 * Paused, and PostgreSQL is not down by work of ours that is unfinished: what people stopped stays stopped. A hand-over,
 * a fresh copy that was asked for and a rewind are brought to their end.
 */
export function restsPaused(seen: Observation): boolean {
  const last = seen.jobs.kind === 'idle' ? seen.jobs.last : null;
  const unfinished =
    seen.memory.stepDown !== null ||
    (last !== null &&
      (['removeData', 'clone', 'rewind', 'crashRecovery'].includes(last.job.kind) ||
        (last.job.kind === 'startStandby' && last.ended === 'failed')));
  return seen.settings.cluster.pause && !unfinished;
}
