import { sameName } from '../../model/synchronousNames.ts';
import { lsn, lsnOf, lsnText } from '../../model/units.ts';
import type { SqlRow } from '../../model/world.ts';
import { failed, rows, teach } from './answers.ts';
import type { Instance, Sender } from './instance.ts';
import { checkpoint, write } from './primary.ts';
import { moveOn, slotRow } from './slots.ts';
import { historyName, historyText, timelineOf, walFileName } from './wal.ts';

const at = (position: bigint | null): string | null => (position === null ? null : lsnText(lsnOf(position)));
const bool = (value: boolean): string => (value ? 't' : 'f');
const readOnly = failed('25006', 'cannot execute this in a read-only transaction');

/** The statements of agent/postgres/statements.ts, by name. */
teach({
  probe: (server, _backend, _values, reply) => reply(rows(probeRow(server))),
  synchrony: (server, _backend, _values, reply) => reply(rows(synchronyRow(server))),
  touchWal(server, backend, _values, reply) {
    if (server.inRecovery) return reply(readOnly);
    write(server, backend, { kind: 'other' }, () => reply(rows()));
  },
  tryCommit(server, backend, _values, reply) {
    if (server.inRecovery) return reply(readOnly);
    server.trials.add(backend);
    write(server, backend, { kind: 'other' }, () => {
      server.trials.delete(backend);
      reply(rows());
    });
  },
  tablespaces: (_server, _backend, _values, reply) => reply(rows()),
  inRecovery: (server, _backend, _values, reply) => reply(rows({ in_recovery: bool(server.inRecovery) })),
  whoAnswers: (server, _backend, _values, reply) =>
    reply(rows({ in_recovery: bool(server.inRecovery), system_id: server.dir.control()?.systemId ?? null })),
  primaryEnd: ({ inRecovery, wal }, _backend, _values, reply) =>
    reply(
      rows(
        inRecovery
          ? { walfile: null, insert_lsn: null }
          : { walfile: walFileName(wal.timeline, wal.end), insert_lsn: at(wal.end) },
      ),
    ),
  load: (_server, _backend, _values, reply) =>
    reply(rows({ clients: '0', in_transaction: '0', transactions: '0', wal_bytes: '0' })),
  checkpoint: (server, backend, _values, reply) => checkpoint(server, backend, () => reply(rows())),
  identifySystem(server, _backend, _values, reply) {
    const position = server.inRecovery ? server.replayed : server.wal.flushed;
    const systemid = server.dir.control()?.systemId ?? null;
    // A standby that is about to follow to another timeline is on that once it has replayed something of it.
    const timeline = server.inRecovery ? timelineOf(server.wal, server.replayed) : server.wal.timeline;
    reply(rows({ systemid, timeline: String(timeline), xlogpos: at(position), dbname: null }));
  },
  timelineHistory(server, _backend, _values, reply) {
    const { timeline, history } = server.wal;
    reply(rows({ filename: historyName(timeline), content: historyText(history) }));
  },
  createSlot(server, _backend, [name], reply) {
    const slots = server.dir.slots();
    const slot = String(name);
    if (!slots.has(slot)) slots.set(slot, { name: slot, active: false, restartLsn: server.wal.flushed });
    reply(rows());
  },
  dropSlot(server, _backend, [name], reply) {
    const slots = server.dir.slots();
    if (slots.get(String(name))?.active === false) slots.delete(String(name));
    reply(rows());
  },
  slotStatus: (server, _backend, [name], reply) =>
    reply(server.dir.slots().has(String(name)) ? rows({ wal_status: 'reserved' }) : rows()),
  advanceSlot(server, _backend, [name, to], reply) {
    const slot = server.dir.slots().get(String(name));
    const target = lsn(String(to));
    if (slot !== undefined && !slot.active) moveOn(server, slot, target);
    reply(rows());
  },
  /** Simulated servers keep all their WAL. */
  walFrom: (_server, _backend, _values, reply) => reply(rows({ segment: null, there: 't' })),
  resumeReplay(server, backend, _values, reply) {
    if (server.replayStands === 'held') return reply(rows());
    server.replayStands = null;
    backend.after(0, () => {
      if (server.inRecovery && server.wal.flushed > server.replayed) server.replayed = server.wal.flushed;
    });
    reply(rows());
  },
  walReceiver: ({ receiver }, _backend, _values, reply) =>
    reply(receiver === null ? rows() : rows({ pid: String(receiver.process.pid) })),
  /** Every line of a simulated server's files is understood. */
  fileMistakes: (_server, _backend, _values, reply) => reply(rows()),
  wrongHbaLines: (_server, _backend, _values, reply) => reply(rows()),
  databaseNames: (_server, _backend, _values, reply) => reply(rows({ oid: '5', name: 'postgres' })),
  relationNames: (_server, _backend, _values, reply) => reply(rows({ file: '1663/5/16384', relation: 'public.rows' })),
  quiet: (_server, _backend, _values, reply) => reply(rows()),
  roleExists: (_server, _backend, _values, reply) => reply(rows()),
  shapeRole(server, backend, _values, reply) {
    if (server.inRecovery) return reply(readOnly);
    write(server, backend, { kind: 'other' }, () => reply(rows()));
  },
  grantRewind(server, backend, _values, reply) {
    if (server.inRecovery) return reply(readOnly);
    write(server, backend, { kind: 'other' }, () => reply(rows()));
  },
});

function probeRow(server: Instance): SqlRow {
  const { wal, inRecovery, postmaster, conf } = server;
  const control = server.dir.control();
  return {
    in_recovery: bool(inRecovery),
    started: new Date(postmaster.startedWallMs).toISOString(),
    started_ms: String(postmaster.startedWallMs),
    version: '150018',
    walfile: inRecovery ? null : walFileName(wal.timeline, wal.end),
    flush_lsn: inRecovery ? null : at(wal.flushed),
    receive_lsn: inRecovery ? at(server.received) : null,
    replay_lsn: inRecovery ? at(server.replayed) : null,
    replayed_at: null,
    paused: inRecovery ? bool(server.replayStands === 'paused') : null,
    control_timeline: String(control?.timeline ?? 0),
    recovery_timeline: String(control?.minRecoveryEndTimeline ?? 0),
    receiver: receiverJson(server),
    receiving: bool(server.receiver !== null),
    synchronous_names: conf.get('synchronous_standby_names') ?? '',
    checkpointer: checkpointerOf(server),
    startup: !inRecovery ? null : server.receiver === null ? 'RecoveryRetrieveRetryInterval' : 'RecoveryWalStream',
    commit_wait_ms: oldestWait(server),
    trial: [...server.trials].some((one) => one.state() !== 'dead') ? 'IO:WALSync' : null,
    conninfo: conf.get('primary_conninfo') ?? '',
    slot_name: conf.get('primary_slot_name') ?? '',
    slots: JSON.stringify([...server.dir.slots().values()].map((slot) => slotRow(server, slot))),
    senders: JSON.stringify([...server.senders].map((sender) => senderRow(server, sender))),
    pending: pendingJson(server),
    start_only: startOnlyJson(server),
  };
}

function receiverJson(server: Instance): string | null {
  const { receiver, wal } = server;
  if (receiver?.status !== 'streaming') return null;
  return JSON.stringify({
    pid: receiver.process.pid,
    status: 'streaming',
    receive_start_tli: wal.timeline,
    received_tli: wal.timeline,
    written_lsn: at(wal.end),
    flushed_lsn: at(wal.flushed),
    latest_end_lsn: at(wal.end),
    slot_name: receiver.slot,
    sender_host: receiver.host,
    sender_port: receiver.port,
  });
}

const oldestWait = ({ waiters, world }: Instance): string | null => {
  const [first] = waiters;
  return first === undefined ? null : String(Math.round(world.engine.now() - first.sinceMs));
};

const synchronyRow = (server: Instance): SqlRow => ({
  names: server.conf.get('synchronous_standby_names') ?? '',
  checkpointer: checkpointerOf(server),
});
const checkpointerOf = ({ takingInNames }: Instance): string => (takingInNames ? 'DataFileSync' : 'CheckpointerMain');

/** Each walsender knows its own place in the list. */
function syncStateOf({ waitsFor, senders }: Instance, { applicationName }: Sender): string {
  const place = waitsFor?.names.findIndex((name) => name === '*' || sameName(name, applicationName)) ?? -1;
  if (waitsFor === null || place < 0) return 'async';
  if (waitsFor.method === 'any') return 'quorum';
  const before = waitsFor.names
    .slice(0, place)
    .filter((name) => [...senders].some((one) => sameName(one.applicationName, name)));
  return before.length < waitsFor.count ? 'sync' : 'potential';
}

const senderRow = (server: Instance, sender: Sender) => ({
  pid: Number(sender.process.pid),
  usename: sender.user,
  application_name: sender.applicationName,
  client_addr: sender.host,
  state: 'streaming',
  sync_state: syncStateOf(server, sender),
  sync_priority: syncStateOf(server, sender) === 'async' ? 0 : 1,
  sent_lsn: at(sender.sent),
  write_lsn: at(sender.flushed),
  flush_lsn: at(sender.flushed),
  replay_lsn: at(sender.replayed),
});

/** What only a start takes over. */
const startOnly = [
  'max_connections',
  'max_worker_processes',
  'max_wal_senders',
  'max_prepared_transactions',
  'max_locks_per_transaction',
  'max_replication_slots',
  'wal_level',
  'wal_log_hints',
  'hot_standby',
  'shared_buffers',
] as const;

/** As pg_settings shows what the server runs with. */
function startOnlyJson({ confAtStart }: Instance): string {
  return JSON.stringify(
    startOnly.flatMap((name) => {
      const setting = confAtStart.get(name);
      if (setting === undefined) return [];
      return [{ name, setting, unit: null, type: /^\d+$/.test(setting) ? 'integer' : 'string', shown: setting }];
    }),
  );
}

function pendingJson({ conf, confAtStart }: Instance): string | null {
  const pending = startOnly.filter((name) => conf.get(name) !== confAtStart.get(name));
  if (pending.length === 0) return null;
  return JSON.stringify(Object.fromEntries(pending.map((name) => [name, confAtStart.get(name) ?? ''])));
}
