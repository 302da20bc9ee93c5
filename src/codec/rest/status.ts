import type { Snapshot } from '../../model/agent.ts';
import type { Member } from '../../model/cluster.ts';
import { leftHistory } from '../../model/leftHistory.ts';
import { needIn } from '../../model/need.ts';
import type { Observation } from '../../model/observation.ts';
import { mayAcceptWrites, type Sender } from '../../model/postgres.ts';
import { replicationStateOf } from '../../model/replicationState.ts';
import { type InstantMs, type Lsn, lsnOf, type Timeline } from '../../model/units.ts';
import { reasonsDocument } from './reasons.ts';
import { slotsDocument } from './slots.ts';
import { isListed } from './sync.ts';

/** The Patroni whose REST this is: peers and tools branch on it. */
export const spokenVersion = '4.1.4';

export interface StatusContext {
  readonly scope: string;
  readonly name: string;
  readonly instance: string;
  readonly nowMs: InstantMs;
  readonly fenceDeadlineMs: InstantMs | null;
}

type Fields = Readonly<Record<string, unknown>>;

/** GET /patroni and the body of every health check, in Patroni's order; then what is ours. */
export function statusDocument(snapshot: Snapshot | null, context: StatusContext): Fields {
  const patroni = { version: spokenVersion, scope: context.scope, name: context.name };
  if (snapshot === null)
    return {
      state: 'unknown',
      role: 'uninitialized',
      dcs_last_seen: 0,
      patroni,
      matriarch: { instance: context.instance, may_write: true }, // nothing is known yet
    };
  const { seen, decision } = snapshot;
  const { tags } = seen.settings.local;
  const scheduled = decision.memory.scheduledRestart;
  const systemId = systemIdOf(seen);
  const pending = seen.postgres.kind === 'running' ? seen.postgres.pendingRestart : {};
  const hasPending = Object.keys(pending).length > 0;
  const past = isPast(snapshot, context);
  return {
    state: past ? 'unknown' : stateOf(snapshot),
    ...(past && mayAcceptWrites(seen.postgres) ? { role: roleOf(snapshot) } : serverFields(snapshot)),
    pause: seen.settings.cluster.pause || undefined,
    cluster_unlocked: freshnessOf(snapshot).unlocked || undefined,
    failsafe_mode_is_active: isFailsafeActive(snapshot, context.nowMs) || undefined,
    dcs_last_seen: freshnessOf(snapshot).lastSeenS,
    tags: Object.keys(tags.published).length === 0 ? undefined : tags.published,
    database_system_identifier: systemId ?? undefined,
    pending_restart: hasPending || undefined,
    pending_restart_reason: hasPending ? reasonsDocument(pending) : undefined,
    patroni,
    scheduled_restart: scheduled === null ? undefined : { ...scheduled.raw, postmaster_start_time: undefined },
    watchdog_failed: watchdogFailed(seen) || undefined,
    matriarch: {
      instance: context.instance,
      version: snapshot.version,
      rule: decision.rule,
      reason: decision.reason,
      needs_operator: needIn(decision.because) ?? undefined,
      may_write: mayWrite(seen),
      guard: guardText(seen),
      fence_left_ms: context.fenceDeadlineMs === null ? null : Math.round(context.fenceDeadlineMs - context.nowMs),
      cycle: snapshot.cycle,
      looked_ms_ago: Math.ceil(context.nowMs - seen.beganMs),
      withdrawn: snapshot.withdrawn ?? undefined,
      ...(seen.dcs.kind === 'unreachable' ? { etcd_away_ms: Math.round(context.nowMs - seen.dcs.sinceMs) } : {}),
      ...(seen.postgres.kind === 'running' && seen.postgres.role === 'standby' && seen.postgres.replaysOwnWal === true
        ? { replays_own_wal: true }
        : {}),
      ...synchronyFields(snapshot),
      ...crashFields(snapshot),
      ...leaderEndFields(snapshot, context),
      slots: slotsDocument(seen),
      ...healthFields(seen),
    },
  };
}

/** Of the leader in synchronous mode; null elsewhere. */
export function synchronyOf({ seen }: Snapshot): { readonly copies: number; readonly oldestWaitMs: number } | null {
  const { postgres, dcs, settings, held } = seen;
  const leads = held !== null && postgres.kind === 'running' && postgres.role === 'primary';
  if (!leads || settings.cluster.synchronousMode === 'off') return null;
  const sync = dcs.kind === 'reachable' ? dcs.cluster.sync : dcs.lastSeen?.sync;
  return { copies: 1 + (sync?.members.length ?? 0), oldestWaitMs: postgres.synchronous.oldestWaitMs ?? 0 };
}

/** A primary goes on without etcd, by what the members promise: this one, or one that this node promised to. */
export function isFailsafeActive({ seen }: Snapshot, nowMs: InstantMs): boolean {
  const { held, failsafe, dcs } = seen;
  if (held?.byMembers === true) return nowMs < held.deadlineMs;
  if (failsafe.promised === null || failsafe.promised.to === null || nowMs >= failsafe.promised.untilMs) return false;
  return dcs.kind === 'unreachable' || dcs.cluster.leader === null;
}

/** On how many nodes each acknowledged commit is, this one included; and how long the oldest that is not waits. */
function synchronyFields(snapshot: Snapshot): Fields {
  const synchrony = synchronyOf(snapshot);
  return synchrony === null ? {} : { copies: synchrony.copies, commit_wait_ms: synchrony.oldestWaitMs };
}

/** How often it went down of late while it led; and, while that lasts, how long the next start waits. */
function crashFields({ decision }: Snapshot): Fields {
  const crashes = decision.memory.crashes.length;
  const waitsMs = crashWaitMs(decision);
  return { ...(crashes === 0 ? {} : { crashes }), ...(waitsMs === 0 ? {} : { next_start_in_ms: waitsMs }) };
}

/** 0: no start waits since the server went down again and again. */
export function crashWaitMs({ because }: Pick<Snapshot['decision'], 'because'>): number {
  const waits = because.find(([name]) => name === 'nextStartInMs')?.[1];
  return typeof waits === 'number' ? waits : 0;
}

/** What a failover would be judged by: how old the leader's last word in etcd is, and what it told a standby that lacks some of it. */
function leaderEndFields({ seen, decision }: Snapshot, { nowMs }: StatusContext): Fields {
  const { statusSeen, upstreamEnd } = decision.memory;
  const { postgres } = seen;
  const lacks =
    upstreamEnd !== null &&
    postgres.kind === 'running' &&
    postgres.role === 'standby' &&
    postgres.timeline === upstreamEnd.timeline &&
    postgres.receivedLsn < upstreamEnd.lsn;
  return {
    ...(statusSeen === null ? {} : { status_age_ms: Math.round(nowMs - statusSeen.sinceMs) }),
    ...(lacks ? { upstream_end: upstreamEnd.lsn } : {}),
  };
}

/** Whether the server does its work: `good`, or what hinders it, since when and why. Nothing of one that does not run. */
function healthFields({ health, nowMs }: Observation): Fields {
  if (health === null) return {};
  const { hindrance } = health;
  if (hindrance === null) return { health: 'good' };
  return { health: hindrance.kind, health_for_ms: Math.round(nowMs - hindrance.sinceMs), health_why: hindrance.why };
}

/** False is a promise: no writes are accepted here, now or in a moment, unless the leader key is taken first. */
function mayWrite({ held, postgres, jobs }: Snapshot['seen']): boolean {
  const comingUp = jobs.kind === 'busy' && ['bootstrap', 'startPrimary', 'restart', 'promote'].includes(jobs.job.kind);
  return held !== null || comingUp || mayAcceptWrites(postgres);
}

/** Longer than a loop that lives takes from one look at an unleased primary to the next. */
const looksEveryMs = 3_000;

/**
 * The loop hangs, and what the snapshot says is history. A primary's word is a veto over all others: it ends with the
 * deadline at which the guards stop PostgreSQL, and with nothing else.
 */
function isPast({ seen, nextCycleMs }: Snapshot, { nowMs, fenceDeadlineMs }: StatusContext): boolean {
  const { guard, settings, postgres } = seen;
  if (!mayAcceptWrites(postgres)) return nowMs >= nextCycleMs + settings.cluster.ttlMs;
  const deadlines = [fenceDeadlineMs, guard.kind === 'present' ? guard.armedMs : null].filter((at) => at !== null);
  if (settings.cluster.pause || deadlines.length === 0) return false;
  return nowMs >= Math.max(...deadlines) && nowMs - seen.nowMs > looksEveryMs;
}

/** `unlocked`: nobody holds the leader key, as far as is known. `lastSeenS`: epoch seconds of etcd's last answer, 0 for never. */
export function freshnessOf(snapshot: Snapshot | null): { readonly unlocked: boolean; readonly lastSeenS: number } {
  if (snapshot === null) return { unlocked: true, lastSeenS: 0 };
  const { dcs } = snapshot.seen;
  return {
    unlocked: dcs.kind === 'unreachable' || dcs.cluster.leader === null,
    lastSeenS: Math.floor((snapshot.dcsLastSeenWallMs ?? 0) / 1_000),
  };
}

/** What the last decision publishes, or what was published before. */
function recordOf({ seen, decision }: Snapshot): Pick<Member, 'state' | 'role'> | null {
  for (const action of decision.upkeep) if (action.kind === 'publishMember') return action.member;
  return seen.published;
}

/** Patroni's state text. Published words can be older than what was seen of PostgreSQL: those then give way. */
export function stateOf(snapshot: Snapshot): string {
  const { postgres, jobs, settings } = snapshot.seen;
  if (postgres.kind === 'unresponsive') return 'unknown';
  const published = recordOf(snapshot)?.state;
  if (postgres.kind === 'running') return published === 'restarting' ? published : 'running';
  if (published !== undefined && published !== 'running') return published;
  if (postgres.kind === 'starting' || postgres.kind === 'stopping') return postgres.kind;
  if (jobs.kind === 'busy' && jobs.job.kind === 'clone') return 'creating replica';
  if (jobs.kind === 'busy' && jobs.job.kind === 'bootstrap') return 'initializing new cluster';
  return postgres.kind === 'stopped' && postgres.crashed && !settings.cluster.pause ? 'crashed' : 'stopped';
}

export function roleOf(snapshot: Snapshot): string {
  const { seen } = snapshot;
  const { postgres } = seen;
  if (postgres.kind === 'running') {
    if (postgres.role === 'primary') return 'primary';
    return seen.held !== null && seen.settings.cluster.standbyCluster !== null ? 'standby_leader' : 'replica';
  }
  const published = recordOf(snapshot)?.role;
  if (published !== undefined && published !== 'unknown') return published;
  return postgres.kind === 'noData' || postgres.kind === 'partialData' ? 'uninitialized' : 'replica';
}

/** Nothing of it changes while the snapshot does not, and health checks come by the thousand. */
const serverFieldsOf = new WeakMap<Snapshot, Fields>();

function serverFields(snapshot: Snapshot): Fields {
  const known = serverFieldsOf.get(snapshot) ?? readServerFields(snapshot);
  serverFieldsOf.set(snapshot, known);
  return known;
}

/** What the probe query told. */
function readServerFields(snapshot: Snapshot): Fields {
  const { postgres, settings } = snapshot.seen;
  const role = roleOf(snapshot);
  if (postgres.kind !== 'running') return { role };
  const common = {
    postmaster_start_time: pythonTime(postgres.startedWallMs),
    role,
    server_version: postgres.serverVersion,
  };
  const replication = postgres.senders.length === 0 ? undefined : postgres.senders.map(senderDocument);
  if (postgres.role === 'primary')
    return { ...common, xlog: { location: postgres.flushLsn }, timeline: postgres.timeline, replication };
  return {
    ...common,
    xlog: {
      received_location: comparable(snapshot, postgres.timeline, postgres.receivedLsn),
      replayed_location: comparable(snapshot, postgres.timeline, postgres.replayedLsn),
      replayed_timestamp: postgres.replayedAt,
      paused: postgres.replayPaused,
    },
    ...syncFields(snapshot.seen),
    timeline: postgres.timeline,
    replication_state: replicationStateOf(postgres, settings.postgres) ?? undefined,
    replication,
  };
}

/**
 * A Patroni compares positions without their timelines, and gives way for good to whoever is further. While nobody leads, what
 * lies behind the place where the cluster left this node's timeline is no position of the cluster's: it counts up to there.
 */
function comparable({ seen }: Snapshot, timeline: Timeline, lsn: Lsn): Lsn {
  if (seen.dcs.kind === 'unreachable' || seen.dcs.cluster.leader !== null) return lsn;
  const left = leftHistory(seen.dcs.cluster, timeline, lsn);
  return left === null ? lsn : (left.at ?? lsnOf(0n));
}

function syncFields(seen: Observation): Fields {
  const kind = syncStandbyKind(seen);
  if (kind === null) return {};
  return kind === 'quorum' ? { quorum_standby: true } : { sync_standby: true };
}

/** Null: I am none. Needs synchronous mode and my name in the key. */
export function syncStandbyKind({ settings, dcs }: Observation): 'sync' | 'quorum' | null {
  const mode = settings.cluster.synchronousMode;
  if (mode === 'off' || dcs.kind === 'unreachable') return null;
  if (!isListed(dcs.cluster.sync, settings.local.name)) return null;
  return mode === 'quorum' ? 'quorum' : 'sync';
}

const senderDocument = (sender: Sender): Fields => ({
  usename: sender.user,
  application_name: sender.applicationName,
  client_addr: sender.clientAddress,
  state: sender.state,
  sync_state: sender.syncState,
  sync_priority: sender.syncPriority,
});

/** `2026-11-23 01:41:43.818268+00:00`; without a fraction when there is none. */
export function pythonTime(wallMs: number): string {
  const [date = '', time = ''] = new Date(wallMs).toISOString().split('T');
  const fraction = wallMs % 1_000 === 0 ? '' : `${time.slice(8, 12)}000`;
  return `${date} ${time.slice(0, 8)}${fraction}+00:00`;
}

function systemIdOf({ postgres, dcs }: Observation): string | null {
  if ('control' in postgres && postgres.control !== null) return postgres.control.systemId;
  if (postgres.kind !== 'stopping' || dcs.kind === 'unreachable') return null;
  return dcs.cluster.initialize.kind === 'done' ? dcs.cluster.initialize.systemId : null;
}

export function watchdogFailed({ settings, guard }: Observation): boolean {
  const { mode, guard: wanted } = settings.local.watchdog;
  // Without a guard it does not lead, whatever the mode: nobody shall wait for it.
  if (guard.kind === 'absent') return true;
  return mode === 'required' && wanted === 'device' && guard.kind === 'present' && guard.device !== 'open';
}

export function guardText({ guard }: Observation): string {
  if (guard.kind === 'off') return 'off';
  if (guard.kind === 'absent') return `absent: ${guard.why}`;
  return guard.armedMs === null ? 'disarmed' : 'armed';
}
