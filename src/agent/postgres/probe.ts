import { readConninfo } from '../../codec/postgres/conninfo.ts';
import { type SettingRow, sameSetting } from '../../codec/postgres/setting.ts';
import type { ControlData, Receiver, RunningPrimary, RunningStandby, Sender, Slot } from '../../model/postgres.ts';
import { type Lsn, lsn, lsnOf, type Pid, pid as pidOf, type Timeline, timeline, wallMs } from '../../model/units.ts';
import type { SqlRow } from '../../model/world.ts';

type Json = Readonly<Record<string, unknown>>;

/** What the probe's row says, as the model has it. `seenTimeline`: the newest timeline this server's receiver was on. */
export function readProbe(
  row: SqlRow,
  pid: Pid,
  control: ControlData,
  seenTimeline: Timeline | null,
  wanted: Readonly<Record<string, string>>,
): RunningPrimary | RunningStandby {
  const controlTimeline = Number(row.control_timeline ?? control.timeline);
  const shared = {
    kind: 'running',
    pid,
    startedWallMs: wallMs(Number(row.started_ms ?? 0)),
    serverVersion: Number(row.version ?? 0),
    slots: list(row.slots).map(slotOf),
    senders: list(row.senders).map(senderOf),
    pendingRestart: { ...pendingOf(row.pending ?? null), ...waitingForStart(row.start_only ?? null, wanted) },
  } as const;
  if (row.in_recovery === 'f') {
    const own =
      row.walfile == null ? timeline(controlTimeline) : timeline(Number.parseInt(row.walfile.slice(0, 8), 16));
    return {
      ...shared,
      role: 'primary',
      timeline: own,
      flushLsn: position(row.flush_lsn) ?? lsnOf(0n),
      walFreeBytes: null,
      checkpointPending: controlTimeline < own,
      synchronous: {
        names: row.synchronous_names ?? '',
        written: null,
        inForce: takesInSignals(row.checkpointer ?? null),
        oldestWaitMs: row.commit_wait_ms == null ? null : Number(row.commit_wait_ms),
      },
      ...(row.trial == null ? {} : { trialWaitsFor: row.trial }),
      control: { ...control, state: 'in production', timeline: timeline(controlTimeline) },
    };
  }
  const receiver = receiverOf(row.receiver ?? null);
  const replayedLsn = position(row.replay_lsn) ?? lsnOf(0n);
  const cannotReplay = standsBefore(row, replayedLsn);
  const conninfo = readConninfo(row.conninfo ?? '');
  const known = [controlTimeline, Number(row.recovery_timeline ?? 0), seenTimeline ?? 0, receiver?.timeline ?? 0];
  return {
    ...shared,
    role: 'standby',
    timeline: timeline(Math.max(...known)),
    receiver,
    replayedLsn,
    receivedLsn: furthest([position(row.receive_lsn), receiver?.writtenLsn ?? null, replayedLsn]),
    ...(cannotReplay ? { cannotReplay } : {}),
    replaysOwnWal: row.receive_lsn == null && !waitsForWal(row.startup ?? null),
    replayedAt: row.replayed_at ?? null,
    replayPaused: row.paused === 't',
    upstream:
      conninfo.host === undefined
        ? null
        : {
            host: conninfo.host,
            port: Number(conninfo.port ?? 5432),
            slot: row.slot_name === '' ? null : (row.slot_name ?? null),
          },
    // One that is connecting yet shows no row.
    ...(conninfo.host === undefined && row.receiving === 'f' ? { detached: true } : {}),
    control: { ...control, state: 'in archive recovery', timeline: timeline(controlTimeline) },
  };
}

/** Recovery has used up what is here, and waits for more from elsewhere. */
const waitsForWal = (waitEvent: string | null): boolean =>
  waitEvent === 'RecoveryWalStream' || waitEvent === 'RecoveryRetrieveRetryInterval';

/**
 * Its stream ended, and it waits before it looks again at what it has: for a moment that is so after each stream, with a whole
 * record that came last. Where it goes on, what follows is half a record, or does not continue what is here. It has been received
 * all the same: whoever stands for election tells it.
 */
const standsBefore = (row: SqlRow, replayed: Lsn): boolean =>
  (position(row.receive_lsn) ?? 0n) > replayed && row.startup === 'RecoveryRetrieveRetryInterval' && row.paused !== 't';

/** The checkpointer waits for work, or between two pages: in both it takes in signals. While it syncs files it does not. */
export const takesInSignals = (waitEvent: string | null): boolean =>
  waitEvent === 'CheckpointerMain' || waitEvent === 'CheckpointWriteDelay';

const furthest = (positions: readonly (Lsn | null)[]): Lsn =>
  positions.reduce<Lsn>((best, one) => (one !== null && one > best ? one : best), lsnOf(0n));

function list(text: string | null | undefined): readonly Json[] {
  if (text == null) return [];
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value.filter((one): one is Json => typeof one === 'object' && one !== null) : [];
}

const text = (value: unknown): string | null => (value === null || value === undefined ? null : String(value));
const position = (value: unknown): Lsn | null => (typeof value === 'string' && value !== '' ? lsn(value) : null);

const slotOf = (row: Json): Slot => ({
  name: text(row.slot_name) ?? '',
  kind: row.slot_type === 'logical' ? 'logical' : 'physical',
  active: row.active === true,
  temporary: row.temporary === true,
  restartLsn: position(row.restart_lsn),
  confirmedFlushLsn: position(row.confirmed_flush_lsn),
  xmin: row.xmin !== null && row.xmin !== undefined,
  catalogXmin: row.catalog_xmin == null ? null : Number(row.catalog_xmin),
  walStatus: isInvalidated(row) ? 'lost' : text(row.wal_status),
  database: text(row.database),
  plugin: text(row.plugin),
  failover: row.failover === true,
  synced: row.synced === true,
  safeWalBytes: row.safe_wal_size == null ? null : Number(row.safe_wal_size),
});

/** `conflicting` since PostgreSQL 16, `invalidation_reason` since 17: of no use any more, whatever became of its WAL. */
const isInvalidated = ({ conflicting, invalidation_reason: reason }: Json): boolean =>
  conflicting === true || (reason !== null && reason !== undefined);

const senderOf = (row: Json): Sender => ({
  pid: typeof row.pid === 'number' ? pidOf(row.pid) : null,
  user: text(row.usename) ?? '',
  applicationName: text(row.application_name) ?? '',
  clientAddress: text(row.client_addr),
  state: text(row.state) ?? '',
  syncState: text(row.sync_state) ?? '',
  syncPriority: Number(row.sync_priority ?? 0),
  sentLsn: position(row.sent_lsn),
  flushLsn: position(row.flush_lsn),
  replayLsn: position(row.replay_lsn),
});

function receiverOf(json: string | null): Receiver | null {
  const row = list(json === null ? null : `[${json}]`)[0];
  if (row === undefined || row.status === null || row.status === undefined) return null;
  return {
    pid: row.pid == null ? null : pidOf(Number(row.pid)),
    status: String(row.status),
    timeline: timeline(Number(row.received_tli ?? row.receive_start_tli ?? 0)),
    writtenLsn: position(row.written_lsn) ?? position(row.received_lsn),
    latestEndLsn: position(row.latest_end_lsn),
    slotName: text(row.slot_name),
    senderHost: text(row.sender_host),
    senderPort: row.sender_port == null ? null : Number(row.sender_port),
  };
}

/**
 * What is on the command line takes precedence over the files, so that the server itself never says that such a setting
 * waits for a start.
 */
function waitingForStart(
  json: string | null,
  wanted: Readonly<Record<string, string>>,
): RunningPrimary['pendingRestart'] {
  const rows = json === null ? [] : (JSON.parse(json) as readonly SettingRow[]);
  return Object.fromEntries(
    rows.flatMap((row) => {
      const value = wanted[row.name];
      return value === undefined || sameSetting(value, row)
        ? []
        : [[row.name, { oldValue: row.shown, newValue: value }]];
    }),
  );
}

/** What ALTER SYSTEM or the operator's own file changed: the server knows, but not to what. */
function pendingOf(json: string | null): RunningPrimary['pendingRestart'] {
  if (json === null) return {};
  const value: unknown = JSON.parse(json);
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).map(([name, old]) => [name, { oldValue: String(old), newValue: '' }]),
  );
}
