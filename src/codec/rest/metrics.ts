import type { Snapshot } from '../../model/agent.ts';
import { endsCommits } from '../../model/health.ts';
import { needIn } from '../../model/need.ts';
import { mayAcceptWrites } from '../../model/postgres.ts';
import type { Rehearsal } from '../../model/rehearsal.ts';
import { replicationStateOf } from '../../model/replicationState.ts';
import { escapeLabel } from './label.ts';
import { writeSlotMetrics } from './slotMetrics.ts';
import {
  crashWaitMs,
  freshnessOf,
  isFailsafeActive,
  roleOf,
  type StatusContext,
  spokenVersion,
  stateOf,
  synchronyOf,
  syncStandbyKind,
} from './status.ts';

interface Metric {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  /** A comment between HELP and TYPE. */
  readonly comment?: string;
  /** Text where a number would lose its leading zero. */
  readonly value: number | bigint | string;
}

/** By their number in `patroni_postgres_state`. */
const states = [
  'initdb',
  'initdb_failed',
  'custom_bootstrap',
  'custom_bootstrap_failed',
  'creating_replica',
  'running',
  'starting',
  'bootstrap_starting',
  'start_failed',
  'restarting',
  'restart_failed',
  'stopping',
  'stopped',
  'stop_failed',
  'crashed',
];
/** Patroni's state texts that are not their metric's word. */
const stateWords: Readonly<Record<string, string>> = {
  'initializing new cluster': 'initdb',
  'initdb failed': 'initdb_failed',
  'running custom bootstrap script': 'custom_bootstrap',
  'custom bootstrap failed': 'custom_bootstrap_failed',
  'creating replica': 'creating_replica',
  'starting after custom bootstrap': 'bootstrap_starting',
  'start failed': 'start_failed',
  'restart failed': 'restart_failed',
  'stop failed': 'stop_failed',
};

/** GET /metrics: Patroni's names, types and order, then ours. Prometheus' text format. `rehearsal`: of the leader's loss. */
export function writeMetrics(
  snapshot: Snapshot | null,
  context: StatusContext,
  rehearsal: Rehearsal | null = null,
): string {
  const own = `scope="${escapeLabel(context.scope)}",name="${escapeLabel(context.name)}"`;
  const labels = `{${own}}`;
  const plain = [...patroniMetrics(snapshot, context), ...ownMetrics(snapshot, context), ...rehearsalMetrics(rehearsal)]
    .map(({ name, type, help, comment, value }) =>
      [
        `# HELP ${name} ${help}`,
        ...(comment === undefined ? [] : [`# ${comment}`]),
        `# TYPE ${name} ${type}`,
        `${name}${labels} ${value}`,
        '',
      ].join('\n'),
    )
    .join('');
  return plain + (snapshot === null ? '' : writeSlotMetrics(snapshot.seen, own));
}

function patroniMetrics(snapshot: Snapshot | null, { nowMs }: StatusContext): Metric[] {
  const postgres = snapshot?.seen.postgres;
  const running = postgres?.kind === 'running' ? postgres : null;
  const primary = running?.role === 'primary' ? running : null;
  const standby = running?.role === 'standby' ? running : null;
  const role = snapshot === null ? 'uninitialized' : roleOf(snapshot);
  const sync = snapshot === null ? null : syncStandbyKind(snapshot.seen);
  const replication =
    standby === null || snapshot === null ? null : replicationStateOf(standby, snapshot.seen.settings.postgres);
  const state = snapshot === null ? 'unknown' : stateOf(snapshot);
  const gauge = (name: string, help: string, value: Metric['value'] | boolean): Metric => ({
    name: `patroni_${name}`,
    type: 'gauge',
    help,
    value: typeof value === 'boolean' ? Number(value) : value,
  });
  const counter = (name: string, help: string, value: Metric['value']): Metric => ({
    ...gauge(name, help, value),
    type: 'counter',
  });
  return [
    gauge('version', 'Version of the Patroni interface, two digits a part.', paddedVersion),
    gauge('postgres_running', '1 if PostgreSQL runs, else 0.', state === 'running'),
    gauge('postmaster_start_time', 'Epoch seconds of the start of PostgreSQL.', (running?.startedWallMs ?? 0) / 1_000),
    gauge('primary', '1 if this node is the primary, else 0.', role === 'primary'),
    counter('xlog_location', 'Flushed position of the write-ahead log, 0 on a standby.', primary?.flushLsn ?? 0),
    gauge('standby_leader', '1 if this node leads a standby cluster, else 0.', role === 'standby_leader'),
    gauge('replica', '1 if this node is a replica, else 0.', role === 'replica'),
    gauge('sync_standby', '1 if this node is a synchronous standby, else 0.', sync === 'sync'),
    gauge('quorum_standby', '1 if this node is a quorum standby, else 0.', sync === 'quorum'),
    counter('xlog_received_location', 'Received position, 0 on a primary.', standby?.receivedLsn ?? 0),
    counter('xlog_replayed_location', 'Replayed position, 0 on a primary.', standby?.replayedLsn ?? 0),
    gauge(
      'xlog_replayed_timestamp',
      'Epoch seconds of the last replayed commit, 0 if none.',
      epoch(standby?.replayedAt),
    ),
    gauge('xlog_paused', '1 if replay is paused, else 0.', standby?.replayPaused === true),
    ...(running === null
      ? []
      : [
          gauge('postgres_streaming', '1 if this node streams from another, else 0.', replication === 'streaming'),
          gauge(
            'postgres_in_archive_recovery',
            '1 if this node replays from the archive, else 0.',
            replication === 'in archive recovery',
          ),
        ]),
    gauge('postgres_server_version', 'Version of PostgreSQL, 0 if it is down.', running?.serverVersion ?? 0),
    gauge('cluster_unlocked', '1 if nobody holds the leader key, else 0.', freshnessOf(snapshot).unlocked),
    gauge(
      'failsafe_mode_is_active',
      '1 if failsafe mode is active, else 0.',
      snapshot !== null && isFailsafeActive(snapshot, nowMs),
    ),
    gauge('postgres_timeline', 'Timeline of PostgreSQL, 0 if unknown.', running?.timeline ?? 0),
    gauge('dcs_last_seen', 'Epoch seconds of the last answer of etcd.', freshnessOf(snapshot).lastSeenS),
    gauge(
      'pending_restart',
      '1 if settings wait for a restart, else 0.',
      Object.keys(running?.pendingRestart ?? {}).length > 0,
    ),
    gauge('is_paused', '1 if automatic failover is paused, else 0.', snapshot?.seen.settings.cluster.pause === true),
    {
      ...gauge('postgres_state', 'State of PostgreSQL as a number.', states.indexOf(stateWords[state] ?? state)),
      comment: `Values: ${states.map((word, index) => `${index}=${word}`).join(', ')}`,
    },
  ];
}

/** Only where commits are waited for: elsewhere they would say that nobody lacks anything. */
const synchronyMetrics = (synchrony: ReturnType<typeof synchronyOf>): Metric[] =>
  synchrony === null
    ? []
    : [
        {
          name: 'matriarch_commit_copies',
          type: 'gauge',
          help: 'On how many nodes each acknowledged commit is, the primary included.',
          value: synchrony.copies,
        },
        {
          name: 'matriarch_commit_wait_seconds',
          type: 'gauge',
          help: 'How long the oldest commit has been waiting for a standby, 0 if none does.',
          value: synchrony.oldestWaitMs / 1_000,
        },
      ];

/** Of a primary, whether commits become durable; of every server that runs, for how long something has kept it from its work. */
function healthMetrics(seen: Snapshot['seen'] | null): Metric[] {
  const health = seen?.health ?? null;
  if (seen === null || health === null) return [];
  const { hindrance } = health;
  const writes: Metric = {
    name: 'matriarch_primary_writes',
    type: 'gauge',
    help: '1 if commits become durable on this primary as far as is known, else 0.',
    value: Number(hindrance === null || !endsCommits(hindrance.kind)),
  };
  return [
    ...(mayAcceptWrites(seen.postgres) ? [writes] : []),
    {
      name: 'matriarch_hindered_seconds',
      type: 'gauge',
      help: 'For how long something has kept PostgreSQL from its work (see health in /patroni), 0 if nothing does.',
      value: hindrance === null ? 0 : (seen.nowMs - hindrance.sinceMs) / 1_000,
    },
  ];
}

function ownMetrics(snapshot: Snapshot | null, context: StatusContext): Metric[] {
  const leftMs = context.fenceDeadlineMs === null ? 0 : Math.max(0, context.fenceDeadlineMs - context.nowMs);
  const guard = snapshot?.seen.guard;
  return [
    {
      name: 'matriarch_fence_left_seconds',
      type: 'gauge',
      help: 'Time left until this node must not accept writes any more, 0 if it has no right to.',
      value: leftMs / 1_000,
    },
    {
      name: 'matriarch_guard_armed',
      type: 'gauge',
      help: '1 if a guard outside the agent stops PostgreSQL at that time, else 0.',
      value: Number(guard?.kind === 'present' && guard.armedMs !== null),
    },
    ...synchronyMetrics(snapshot === null ? null : synchronyOf(snapshot)),
    ...healthMetrics(snapshot?.seen ?? null),
    {
      name: 'matriarch_primary_crashes',
      type: 'gauge',
      help: 'How often PostgreSQL went down here while this node led, in the last ten minutes.',
      value: snapshot?.decision.memory.crashes.length ?? 0,
    },
    {
      name: 'matriarch_start_wait_seconds',
      type: 'gauge',
      help: 'How long the next start of a primary that went down again and again waits, 0 if none does.',
      value: snapshot === null ? 0 : crashWaitMs(snapshot.decision) / 1_000,
    },
    ...statusAgeMetric(snapshot, context.nowMs),
    {
      name: 'matriarch_needs_operator',
      type: 'gauge',
      help: '1 if this node waits for something that only people can do, else 0.',
      value: Number(snapshot !== null && needIn(snapshot.decision.because) !== null),
    },
    {
      name: 'matriarch_cycles_total',
      type: 'counter',
      help: 'Control cycles since the agent started.',
      value: snapshot?.cycle ?? 0,
    },
  ];
}

/** Where somebody else leads: what `maximum_lag_on_failover` would be judged by is so old. */
function statusAgeMetric(snapshot: Snapshot | null, nowMs: number): Metric[] {
  const known = snapshot?.decision.memory.statusSeen ?? null;
  if (known === null) return [];
  const help =
    'How long ago this node saw the leader write how far it is; the lag limit of a failover is judged by that.';
  return [{ name: 'matriarch_status_age_seconds', type: 'gauge', help, value: (nowMs - known.sinceMs) / 1_000 }];
}

/** Bytes only where both ends are seen in one look, at the leader: of two looks one is older, and that is no lag. */
function rehearsalMetrics(rehearsal: Rehearsal | null): Metric[] {
  if (rehearsal === null) return [];
  const { outcome, risk } = rehearsal;
  const possible: Metric = {
    name: 'matriarch_failover_possible',
    type: 'gauge',
    help: '1 if, as this node sees it, somebody would take over from the leader if that died now, else 0.',
    value: Number(outcome.kind === 'takesOver'),
  };
  if (risk?.oneLook !== true) return [possible];
  return [
    possible,
    {
      name: 'matriarch_rehearsal_bytes_at_risk',
      type: 'gauge',
      help: 'WAL of this leader that whoever would take over did not have at the last look.',
      value: risk.bytes,
    },
  ];
}

const paddedVersion = spokenVersion
  .split('.')
  .map((part) => part.padStart(2, '0'))
  .join('');

const epoch = (timestamp: string | null | undefined): number => {
  const ms =
    typeof timestamp === 'string' ? Date.parse(timestamp.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')) : 0;
  return Number.isFinite(ms) ? ms / 1_000 : 0;
};
