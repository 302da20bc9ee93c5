import { readHistoryFile } from '../../codec/postgres/historyFile.ts';
import { readSynchronousNames } from '../../model/synchronousNames.ts';
import type { Machine } from '../machine.ts';
import type { Program, SimProcess } from '../process.ts';
import { optionOf, readConf } from './conf.ts';
import {
  afterCrash,
  type Control,
  checkpointAt,
  dataDirAt,
  fromLabel,
  mixedMark,
  noMinimum,
  recoverInPlace,
} from './dataDir.ts';
import { draw, type Instance, type PostgresWorld, spawnChild, updateControl } from './instance.ts';
import { whyHeld } from './lock.ts';
import { writePid } from './pidFile.ts';
import { takeInNames, write } from './primary.ts';
import { newestKnown, promote } from './promote.ts';
import { stop } from './shutdown.ts';
import { adoptSlots } from './slots.ts';
import { startReceiver } from './streaming.ts';
import { historyName } from './wal.ts';

/** `postgres -D …`: the postmaster. */
export const postgresProgram =
  (world: PostgresWorld, machine: Machine): Program =>
  (self, { args }) => {
    const path = optionOf(args, '-D', '--pgdata');
    const fatal = (why: string): void => {
      self.print(`FATAL:  ${why}`);
      world.trace(machine.name, `postgres: FATAL ${why}`);
      self.exit(1);
    };
    if (path === null) return fatal('no data directory specified');
    const dir = dataDirAt(machine, path);
    const control = dir.control();
    const wal = dir.wal();
    if (!dir.has('PG_VERSION')) return fatal(`"${path}" is not a valid data directory`);
    if (control === null || wal === null) return fatal('could not open file "global/pg_control"');
    if (args.includes('--single')) return recoverAlone(world, machine, self, path);
    const conf = readConf(dir, args);
    const port = Number(conf.get('port') ?? 5432);
    const held = whyHeld(machine, dir, self);
    if (held !== null) return fatal(held);
    if (world.serverAt(machine.name, port) !== null)
      return fatal(`could not bind port ${port}: Address already in use`);
    const socketDirs = (conf.get('unix_socket_directories') ?? '/tmp').split(',').map((one) => one.trim());
    const nowhere = socketDirs.find((one) => one !== '' && machine.disk.names(one) === null);
    if (nowhere !== undefined)
      return fatal(`could not create lock file "${nowhere}/.s.PGSQL.${port}.lock": No such file or directory`);
    self.chdir(path);

    const instance: Instance = {
      world,
      machine,
      dir,
      postmaster: self,
      args,
      port,
      wal,
      conf,
      confAtStart: conf,
      connectionsUsedUp: false,
      phase: 'starting',
      inRecovery: dir.has('standby.signal'),
      replayed: 0n,
      replayStands: null,
      toldToPromoteMs: null,
      received: null,
      checkpointPending: false,
      senders: new Set(),
      receiver: null,
      children: new Set(),
      waitsFor: readSynchronousNames(conf.get('synchronous_standby_names') ?? ''),
      waits: (conf.get('synchronous_standby_names') ?? '') !== '',
      takingInNames: false,
      waiters: new Set(),
      trials: new Set(),
    };
    adoptSlots(instance);
    dir.remove('promote'); // of a promotion that no server heard of
    world.servers.add(instance);
    writePid(instance, 'starting');
    self.onSignal('TERM', () => stop(instance, 'smart'));
    self.onSignal('INT', () => stop(instance, 'fast'));
    self.onSignal('QUIT', () => stop(instance, 'immediate'));
    self.onSignal('HUP', () => reload(instance));
    self.onSignal('USR1', (sentMs) => dir.has('promote') && promote(instance, sentMs));
    self.onSignal('USR2', () => {});
    self.onEnd((ending) => ended(instance, ending.kind === 'killed' ? ending.signal : `exit ${ending.code}`));
    world.trace(machine.name, `postgres starts as ${instance.inRecovery ? 'standby' : 'primary'} pid ${self.pid}`);
    recover(instance);
  };

/**
 * A standby follows the newest timeline that it has a history file of. Null: that is its own, or one that grew out of it;
 * else why it can not be followed from where recovery begins, or from where it was already.
 */
function noChildOf(instance: Instance, control: Control): string | null {
  const newest = newestKnown(instance);
  if (newest === instance.wal.timeline) return null;
  const lines = readHistoryFile(instance.dir.text(`pg_wal/${historyName(newest)}`) ?? '');
  const timelineAt = (at: bigint): number => lines.find((line) => at < line.end)?.timeline ?? newest;
  if (timelineAt(control.checkpoint) !== control.timeline)
    return `requested timeline ${newest} is not a child of this server's history`;
  const { minRecoveryEnd, minRecoveryEndTimeline } = control;
  return minRecoveryEnd > 0n && timelineAt(minRecoveryEnd - 1n) !== minRecoveryEndTimeline
    ? `requested timeline ${newest} does not contain minimum recovery point on timeline ${minRecoveryEndTimeline}`
    : null;
}

/** A timeline of which nothing is here is only what its history file says: without the file the server is not on it. */
function leaveUnused({ wal, dir }: Instance, control: Control): void {
  for (let last = wal.history.at(-1); last !== undefined && last.end >= wal.end; last = wal.history.at(-1)) {
    if (wal.timeline <= control.timeline || dir.has(`pg_wal/${historyName(wal.timeline)}`)) return;
    wal.timeline = last.timeline;
    wal.history = wal.history.slice(0, -1);
  }
}

/** Replays what the disk holds, then opens: as standby when the signal file says so, else as primary. */
function recover(instance: Instance): void {
  const { world, dir, wal, postmaster } = instance;
  const found = dir.control();
  if (found === null) return;
  const control = fromLabel(dir, found);
  const foreign = instance.inRecovery ? noChildOf(instance, control) : null;
  if (foreign !== null) {
    world.trace(instance.machine.name, `FATAL: ${foreign}`);
    dir.remove('postmaster.pid');
    postmaster.exit(1);
    return;
  }
  const startup = spawnChild(instance, 'startup');
  const clean = control.state === 'shut down' || control.state === 'shut down in recovery';
  afterCrash(wal, control, world.chance);
  if (instance.inRecovery) leaveUnused(instance, control);
  updateControl(instance, {
    ...control,
    ...(instance.inRecovery && control.minRecoveryEnd < control.checkpoint
      ? { minRecoveryEnd: control.checkpoint, minRecoveryEndTimeline: control.timeline }
      : {}),
    state: instance.inRecovery ? 'in archive recovery' : clean ? control.state : 'in crash recovery',
    recorded: { ...control.recorded, ...recordedOf(instance.conf) },
    walLogHints: isOn(instance.conf.get('wal_log_hints')),
  });
  const { startMs, crashRecoveryMs } = world.tuning;
  startup.after(draw(world, startMs) + (clean ? 0 : draw(world, crashRecoveryMs)), () => {
    instance.replayed = wal.flushed;
    dir.remove('backup_label');
    dir.sync('backup_label');
    if (instance.inRecovery) {
      open(instance);
      startReceiver(instance);
      return;
    }
    updateControl(instance, { state: 'in production' });
    const opened = (): void => {
      open(instance);
      startup.exit(0);
    };
    if (clean) return postmaster.deliver(opened);
    const start = wal.end;
    write(instance, startup, { kind: 'checkpoint' }, () => {
      updateControl(instance, { ...checkpointAt(wal.timeline, start), ...noMinimum });
      postmaster.deliver(opened);
    });
  });
}

const standingLookMs = 100;

/** A hot standby calls itself ready, too: `standby` is one that lets nobody in. */
function open(instance: Instance): void {
  if (instance.phase !== 'starting') return;
  instance.phase = 'ready';
  if (instance.dir.has(mixedMark)) instance.world.openedMixed.add(instance.machine.name);
  spawnChild(instance, 'checkpointer');
  writePid(instance, 'ready');
  instance.world.trace(instance.machine.name, `postgres opens as ${instance.inRecovery ? 'standby' : 'primary'}`);
}

function reload(instance: Instance): void {
  const before = instance.conf;
  instance.conf = readConf(instance.dir, instance.args);
  takeInNames(instance);
  const changed = ['primary_conninfo', 'primary_slot_name'].some(
    (name) => before.get(name) !== instance.conf.get(name),
  );
  if (!instance.inRecovery || !changed || instance.phase !== 'ready') return;
  // Sessions show the new value before the process that replays, which ends the receiver, comes to read it. While replay
  // stands still it does not come at all.
  const turn = (): void => {
    if (!instance.inRecovery || instance.phase !== 'ready') return;
    if (instance.replayStands !== null) instance.postmaster.after(standingLookMs, turn);
    else if (instance.receiver === null) startReceiver(instance);
    else instance.receiver.end(() => startReceiver(instance));
  };
  instance.postmaster.after(draw(instance.world, instance.world.tuning.replayMs), turn);
}

function ended(instance: Instance, how: string): void {
  const { world, machine } = instance;
  instance.phase = 'dead';
  instance.receiver = null;
  world.servers.delete(instance);
  world.trace(machine.name, `postgres ended: ${how}`);
  // Children see that their postmaster is gone when they next wait for something; a busy one later.
  for (const child of [...instance.children])
    world.engine.after(draw(world, world.tuning.orphanMs), () => child.signal('KILL'));
}

/** `postgres --single`: recovers, checkpoints and ends. */
function recoverAlone(world: PostgresWorld, machine: Machine, self: SimProcess, path: string): void {
  const dir = dataDirAt(machine, path);
  const [control, wal] = [dir.control(), dir.wal()];
  const held = whyHeld(machine, dir, self);
  if (held === null) dir.remove('postmaster.pid');
  if (held !== null || control === null || wal === null || dir.has('standby.signal')) {
    self.print(`FATAL:  ${held ?? 'standby mode is not supported by single-user servers'}`);
    self.exit(1);
    return;
  }
  self.chdir(path);
  self.after(draw(world, world.tuning.crashRecoveryMs), () => {
    recoverInPlace(dir, control, wal, world.chance);
    self.exit(0);
  });
}

const isOn = (value: string | undefined): boolean =>
  value === 'on' || value === 'true' || value === '1' || value === 'yes';

/** What the control file records of a run, by its own names. */
function recordedOf(conf: ReadonlyMap<string, string>): Record<string, number> {
  const names = {
    max_connections: 'max_connections',
    max_worker_processes: 'max_worker_processes',
    max_wal_senders: 'max_wal_senders',
    max_prepared_xacts: 'max_prepared_transactions',
    max_locks_per_xact: 'max_locks_per_transaction',
  } as const;
  return Object.fromEntries(
    Object.entries(names).flatMap(([recorded, guc]) => {
      const value = conf.get(guc);
      return value === undefined ? [] : [[recorded, Number(value)]];
    }),
  );
}
