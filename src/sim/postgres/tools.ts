import { lsn, lsnOf, lsnText } from '../../model/units.ts';
import type { Machine } from '../machine.ts';
import type { Program, SimProcess } from '../process.ts';
import { optionOf } from './conf.ts';
import {
  controldataText,
  type DataDir,
  dataDirAt,
  freshControl,
  labelText,
  mixedMark,
  recoverInPlace,
} from './dataDir.ts';
import { conninfoOf, onceFelt } from './felt.ts';
import { draw, type Instance, type PostgresWorld, spawnChild } from './instance.ts';
import { whyHeld } from './lock.ts';
import { copyWal, forkOf, historyName, lastCheckpoint, newWal, truncate, type Wal } from './wal.ts';

const exit = (self: SimProcess, code: number, line: string): void => {
  self.print(line);
  self.exit(code);
};

/** What a tool has begun and not synced: nobody may take it for a data directory, whatever a power cut leaves of it. */
function begin(machine: Machine, path: string): DataDir {
  dataDirAt(machine, path).put(mixedMark, '');
  return dataDirAt(machine, path, { synced: false });
}

/** The last thing that a tool does: everything it wrote is synced, and takes its time for it. */
function syncAndExit(machine: Machine, dir: DataDir, self: SimProcess, line: string): void {
  self.after(machine.fsyncMs + machine.chance.between(5, 100), () =>
    machine.whenDiskAnswers(() =>
      self.deliver(() => {
        dir.remove(mixedMark);
        dir.sync();
        exit(self, 0, line);
      }),
    ),
  );
}

/** A data directory's folders and files, but for the control file: that comes last, when all else is there. */
function layOut(machine: Machine, path: string): DataDir {
  const { disk, clock } = machine;
  for (const folder of ['', '/global', '/base', '/pg_wal', '/pg_replslot', '/pg_tblspc'])
    disk.makeDirectory(path + folder, 0o700, clock.wall());
  const dir = begin(machine, path);
  dir.put('PG_VERSION', '15\n');
  return dir;
}

export const initdb =
  (world: PostgresWorld, machine: Machine): Program =>
  (self, { args }) => {
    const path = optionOf(args, '-D', '--pgdata') ?? args.filter((arg) => arg.startsWith('/'))[0] ?? '';
    if ((machine.disk.names(path) ?? []).length > 0)
      return exit(self, 1, `initdb: error: directory "${path}" exists but is not empty`);
    const dir = layOut(machine, path);
    self.after(draw(world, world.tuning.initdbMs), () => {
      const wal = newWal();
      for (const name of ['postgresql.conf', 'postgresql.auto.conf', 'pg_hba.conf', 'pg_ident.conf']) dir.put(name, '');
      dir.writeWal(wal);
      const systemId = `7${String(world.chance.below(1e9)).padStart(9, '0')}${String(world.chance.below(1e9)).padStart(9, '0')}`;
      const checksums = args.some((arg) => arg === '-k' || arg.startsWith('--data-checksums'));
      dir.writeControl(freshControl(systemId, checksums, wal.end));
      syncAndExit(machine, dir, self, 'Success.');
    });
  };

export const pgControldata =
  (machine: Machine): Program =>
  (self, { args }) => {
    const path = optionOf(args, '-D', '--pgdata') ?? args.at(-1) ?? '';
    const control = dataDirAt(machine, path).control();
    if (control === null)
      return exit(self, 1, `pg_controldata: error: could not open file "${path}/global/pg_control" for reading`);
    exit(self, 0, controldataText(control));
  };

/** Calls back as `self` with the server that answers there and takes connections, or with why not. */
function reach(
  world: PostgresWorld,
  machine: Machine,
  self: SimProcess,
  target: { readonly host: string; readonly port: number },
  done: (server: Instance | string) => void,
): void {
  const giveUp = self.after(20_000, () => done('timeout expired'));
  const answer = (server: Instance | string): void =>
    world.network.send(target.host, machine.name, () =>
      self.deliver(() => {
        giveUp();
        done(server);
      }),
    );
  world.network.send(machine.name, target.host, () => {
    if (world.machine(target.host)?.powered() !== true) return;
    const server = world.serverAt(target.host, target.port);
    if (server === null) return answer('Connection refused');
    server.postmaster.deliver(() => answer(server.phase === 'ready' ? server : 'the database system is starting up'));
  });
}

function targetOf(args: readonly string[]) {
  const conninfo = conninfoOf(args);
  return {
    host: optionOf(args, '-h', '--host') ?? conninfo.get('host') ?? '',
    port: Number(optionOf(args, '-p', '--port') ?? conninfo.get('port') ?? 5432),
  };
}

export const pgBasebackup =
  (world: PostgresWorld, machine: Machine): Program =>
  (self, { args }) => {
    const path = optionOf(args, '-D', '--pgdata') ?? '';
    if ((machine.disk.names(path) ?? []).length > 0)
      return exit(self, 1, `pg_basebackup: error: directory "${path}" exists but is not empty`);
    const target = targetOf(args);
    const made = machine.disk.get(path) === null;
    const giveUp = (why: string): void => {
      for (const name of machine.disk.names(path) ?? []) machine.disk.remove(`${path}/${name}`);
      if (made) machine.disk.remove(path);
      exit(self, 1, `pg_basebackup: error: ${why}`);
    };
    reach(world, machine, self, target, (server) => {
      if (typeof server === 'string')
        return exit(self, 1, `pg_basebackup: error: connection to server at "${target.host}" failed: ${server}`);
      // Whose reader is gone ends here, before it has written anything.
      self.print('waiting for checkpoint');
      if (self.state() === 'dead') return;
      const source = spawnChild(server, 'walsender base backup');
      let breaks = false;
      const copying = source.onEnd(() => {
        breaks = true;
        const why = 'could not read COPY data: server closed the connection';
        if (self.state() !== 'dead') onceFelt(world, machine, self, { args, server, felt: () => giveUp(why) });
      });
      self.onEnd(() => source.signal('KILL'));
      // A source that stands still sends nothing, and keeps the connection.
      const sent = (afterMs: number, what: () => void): void =>
        void self.after(afterMs, () => source.deliver(() => self.deliver(what)));
      const totalMs = draw(world, world.tuning.baseBackupMs);
      const dir = layOut(machine, path);
      for (const part of [0.25, 0.5, 0.75])
        sent(totalMs * part, () => self.print(`${Math.round(part * 23000)}/23000 kB (${part * 100}%), 0/1 tablespace`));
      sent(totalMs, () => {
        if (breaks) return;
        if (!world.network.open(server.machine.name, machine.name))
          return onceFelt(world, machine, self, {
            args,
            server,
            felt: () => giveUp('could not receive data from WAL stream: timeout'),
          });
        const control = server.dir.control();
        if (control === null) return giveUp('no control file');
        const wal = copyWal(server.wal);
        truncate(wal, server.wal.flushed);
        // Of pg_wal only what the stream brings: with the WAL the history of its timeline.
        const history = `pg_wal/${historyName(wal.timeline)}`;
        for (const [name, text] of copied(server))
          if (name === history || !name.startsWith('pg_wal/')) dir.put(name, text);
        dir.writeWal(wal);
        dir.put('backup_label', labelText(control));
        if (args.includes('-R') || args.includes('--write-recovery-conf')) dir.put('standby.signal', '');
        dir.writeControl(control);
        copying();
        self.print('pg_basebackup: syncing data to disk ...');
        syncAndExit(machine, dir, self, '23000/23000 kB (100%), 1/1 tablespace');
      });
    });
  };

const kept = new Set(['global/pg_control', 'pg_wal/wal.sim', mixedMark]);
const notCopied = new Set([...kept, 'postmaster.pid', 'postmaster.opts', 'backup_label']);
/** Slots stay where they are. */
const copied = ({ machine, dir }: Instance): readonly (readonly [name: string, text: string])[] =>
  machine.disk.tree(dir.path).filter(([name]) => !notCopied.has(name) && !name.startsWith('pg_replslot/'));

export const pgRewind =
  (world: PostgresWorld, machine: Machine): Program =>
  (self, { args }) => {
    const path = optionOf(args, '-D', '--target-pgdata') ?? '';
    const dir = dataDirAt(machine, path);
    const target = targetOf(args);
    reach(world, machine, self, target, (server) => {
      const [control, wal] = [dir.control(), dir.wal()];
      if (control === null || wal === null) return exit(self, 1, 'pg_rewind: fatal: could not open the control file');
      if (typeof server === 'string')
        return exit(self, 1, `pg_rewind: error: connection to server at "${target.host}" failed: ${server}`);
      // Since PostgreSQL 13 it recovers the target itself, in a single-user server, which cannot be a standby.
      if (control.state !== 'shut down' && control.state !== 'shut down in recovery') {
        const held = whyHeld(machine, dir, self);
        if (held !== null) return exit(self, 1, `FATAL: ${held}`);
        dir.remove('postmaster.pid');
        if (dir.has('standby.signal'))
          return exit(self, 1, 'FATAL: standby mode is not supported by single-user servers');
        recoverInPlace(dir, control, wal, world.chance);
      }
      const source = server.dir.control();
      if (source === null || source.systemId !== control.systemId)
        return exit(self, 1, 'pg_rewind: fatal: source and target clusters are from different systems');
      // It goes by the control files: a source that has not made its checkpoint yet looks as if nothing had happened.
      if (source.timeline === control.timeline)
        return exit(
          self,
          0,
          'pg_rewind: source and target cluster are on the same timeline\npg_rewind: no rewind required',
        );
      const fork = forkOf(wal, server.wal);
      self.print(`pg_rewind: servers diverged at WAL location ${lsnText(lsnOf(fork.at))} on timeline ${fork.timeline}`);
      if (wal.end <= fork.at) return exit(self, 0, 'pg_rewind: no rewind required');
      // Before 16 it takes the last checkpoint's timeline for the target's, whose segments end at the fork.
      if (control.minRecoveryEndTimeline > control.timeline)
        return exit(
          self,
          1,
          `pg_rewind: error: could not find previous WAL record at ${lsnText(lsnOf(fork.at))}: invalid record length`,
        );
      self.print('pg_rewind: need to copy 53 MB (total source directory size is 75 MB)');
      if (self.state() === 'dead') return;
      machine.onErased?.(path, 'rewound');
      dir.writeControl({ ...control, state: 'in production' }); // half-way, it is of no use to anybody
      const rewound = begin(machine, path);
      const serving = spawnChild(server, 'client backend pg_rewind');
      let breaks = false;
      const fetching = serving.onEnd(() => {
        breaks = true;
        const why = 'pg_rewind: fatal: could not fetch files: server closed the connection';
        if (self.state() !== 'dead') onceFelt(world, machine, self, { args, server, felt: () => exit(self, 1, why) });
      });
      self.onEnd(() => serving.exit(0));
      self.after(draw(world, world.tuning.rewindMs), () => {
        if (breaks) return;
        const base = lastCheckpoint(wal, fork.at);
        const fresh = copyWal(server.wal);
        truncate(fresh, server.wal.flushed);
        rewound.writeWal(fresh);
        // All files become the source's: the configuration too, and what it does not have goes.
        for (const [name] of machine.disk.tree(path)) if (!kept.has(name)) rewound.remove(name);
        for (const [name, text] of copied(server)) rewound.put(name, text);
        if (base !== null) rewound.put('backup_label', labelText({ timeline: base.timeline, checkpoint: base.start }));
        rewound.writeControl({
          ...source,
          state: 'in archive recovery',
          minRecoveryEnd: fresh.end,
          minRecoveryEndTimeline: fresh.timeline,
        });
        fetching();
        syncAndExit(machine, rewound, self, 'pg_rewind: Done!');
      });
    });
  };

/** With --stats, the commits from a position on; without --limit, what was written there. Else one record, and then the end of the log: where a shutdown checkpoint ends. */
export const pgWaldump =
  (machine: Machine): Program =>
  (self, { args }) => {
    const waldir = optionOf(args, '-p', '--path') ?? '';
    const from = optionOf(args, '-s', '--start') ?? '';
    const wal = dataDirAt(machine, waldir.replace(/\/pg_wal\/?$/, '')).wal();
    const upTo = optionOf(args, '-e', '--end');
    if (wal != null && upTo !== null && args.includes('--quiet')) {
      const why = `pg_waldump: error: error in WAL record at ${lsnText(lsnOf(wal.records.at(-1)?.start ?? 0n))}: invalid record length at ${lsnText(lsnOf(wal.end))}: wanted 24, got 0`;
      return wal.end < lsn(upTo) ? exit(self, 1, why) : exit(self, 0, '');
    }
    if (wal != null && args.includes('--stats=record')) {
      const commits = wal.records.filter(({ start, change }) => start >= lsn(from) && change.kind === 'write');
      self.print(`WAL statistics between ${from} and ${lsnText(lsnOf(wal.end))}:`);
      self.print(`Transaction/COMMIT ${commits.length} (100.00)`);
      return exit(self, 1, 'pg_waldump: error: error in WAL record: invalid record length: wanted 24, got 0');
    }
    if (wal != null && !args.includes('--limit') && !args.includes('-n')) {
      for (const line of recordLines(wal, lsn(from))) self.print(line);
      return exit(self, 1, 'pg_waldump: error: error in WAL record: invalid record length: wanted 24, got 0');
    }
    const record = wal?.records.find((one) => lsnText(lsnOf(one.start)) === from);
    if (wal == null || record === undefined)
      return exit(self, 1, `pg_waldump: fatal: could not find a valid record after ${from}`);
    const kind = record.change.kind === 'shutdown' ? 'CHECKPOINT_SHUTDOWN' : record.change.kind;
    const bytes = record.end - record.start;
    self.print(
      `rmgr: XLOG        len (rec/tot):    ${bytes}/   ${bytes}, tx:          0, lsn: ${from}, prev 0/0, desc: ${kind}`,
    );
    const end = lsnText(lsnOf(record.end));
    if (record.end === wal.end)
      exit(
        self,
        1,
        `pg_waldump: fatal: error in WAL record at ${from}: invalid record length at ${end}: wanted 24, got 0`,
      );
    else exit(self, 0, '');
  };

/** Every write is a transaction with one row, in the one table that there is. */
function recordLines(wal: Wal, from: bigint): readonly string[] {
  return wal.records
    .filter(({ start }) => start >= from)
    .flatMap(({ start, change }, at) => {
      const head = (manager: string): string =>
        `rmgr: ${manager} len (rec/tot): 59/ 59, tx: ${at + 1}, lsn: ${lsnText(lsnOf(start))}, prev 0/0, desc: `;
      if (change.kind !== 'write') return [`${head('XLOG')}${change.kind}`];
      return [
        `${head('Heap')}INSERT off 1 flags 0x00, blkref #0: rel 1663/5/16384 blk 0`,
        `${head('Transaction')}COMMIT 2030-01-01 00:00:00.000000 UTC`,
      ];
    });
}
