import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { makeGuardPeer } from '../../src/agent/guard/peer.ts';
import {
  bootIdPath,
  guardFile,
  readGuardState,
  readIdentity,
  sentinelPidFile,
  socketFile,
} from '../../src/codec/guard.ts';
import { allPids, readProc, signal } from '../../src/lab/procfs.ts';
import type { GuardState } from '../../src/model/guard.ts';
import { type Pid, pid as pidOf } from '../../src/model/units.ts';
import type { Command } from '../../src/model/world.ts';
import { makeClock } from '../../src/world/clock.ts';
import { makeProcesses } from '../../src/world/processes.ts';
import { makeSockets } from '../../src/world/sockets.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const binDir = '/usr/lib/postgresql/15/bin';
export const clock = makeClock();
export const processes = makeProcesses();
const sockets = makeSockets();
export const bootId = readFileSync(bootIdPath, 'utf8').trim();

/** PostgreSQL refuses to run as root. */
const isRoot = process.getuid?.() === 0;
const id = (flag: string): number =>
  Number(execFileSync('id', [flag, isRoot ? 'postgres' : String(process.getuid?.())]));
const [uid, gid] = [id('-u'), id('-g')];
const asUser = (command: readonly string[]): readonly [string, string[]] => {
  const all = isRoot
    ? ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--', ...command]
    : [...command];
  const [program = '', ...args] = all;
  return [program, args];
};
const env = { PATH: process.env.PATH ?? '', LC_ALL: 'C' };

/** Whatever works in the shop still, after a test that failed half way, goes with it. */
export function endShop(shop: string): void {
  for (const proc of allPids().map(readProc)) {
    if (proc !== null && proc.pid !== process.pid && proc.argv.some((word) => word.includes(shop)))
      signal(proc.pid, 'SIGKILL');
  }
  rmSync(shop, { recursive: true, force: true, maxRetries: 5 });
}

/** A folder of PostgreSQL's user with the built guardian, the sentinel and an empty cluster to copy from. */
export async function makeShop(): Promise<string> {
  const shop = mkdtempSync(join(tmpdir(), 'guardian-'));
  chmodSync(shop, 0o755);
  await build({
    absWorkingDir: root,
    entryPoints: ['bin/guardian.ts'],
    outfile: join(shop, 'guardian.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['koffi'],
    logLevel: 'error',
  });
  for (const name of ['koffi', '@koromix'])
    cpSync(join(root, 'node_modules', name), join(shop, 'node_modules', name), { recursive: true });
  cpSync(join(root, 'src/guardian/sentinel.sh'), join(shop, 'sentinel.sh'));
  chmodSync(join(shop, 'sentinel.sh'), 0o755);
  chownSync(shop, uid, gid);
  run([`${binDir}/initdb`, '-D', `${shop}/empty`, '-N', '-A', 'trust', '-U', 'postgres', '--wal-segsize=1']);
  return shop;
}

export const run = (command: readonly string[]): string => {
  const [program, args] = asUser(command);
  return execFileSync(program, args, { encoding: 'utf8', env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
};

/** One data directory with everything that may run on it. */
export function makeMachine(shop: string, name: string) {
  const home = join(shop, name);
  const dataDir = join(home, 'data');
  const stateDir = join(home, 'state');
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  for (const path of [home, stateDir]) chownSync(path, uid, gid);
  run(['cp', '-a', `${shop}/empty`, dataDir]);
  writeFileSync(
    join(dataDir, 'postgresql.auto.conf'),
    `listen_addresses = ''\nunix_socket_directories = '${home}'\nshared_buffers = '1MB'\nfsync = off\n`,
  );
  writeFileSync(join(stateDir, 'deadline'), `none ${bootId}\n`);
  chownSync(join(stateDir, 'deadline'), uid, gid);
  const started: ChildProcess[] = [];

  function start(command: readonly string[]): ChildProcess {
    const [program, args] = asUser(command);
    const child = spawn(program, args, { env, cwd: '/', detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
    started.push(child);
    return child;
  }
  const psqlAt = (port: number, sql: string): string =>
    run([`${binDir}/psql`, '-h', home, '-p', String(port), '-U', 'postgres', '-Atqc', sql, 'postgres']).trim();
  const psql = (sql: string): string => psqlAt(5432, sql);
  const up = (): boolean => {
    try {
      return psql('select 1') === '1';
    } catch {
      return false;
    }
  };
  /** Says so of itself: cheaper to read than to start a client. */
  const isReady = (): boolean => {
    const path = join(dataDir, 'postmaster.pid');
    return existsSync(path) && readFileSync(path, 'utf8').trimEnd().endsWith('ready');
  };
  const here = (): readonly Pid[] =>
    processes
      .withWorkingDirectory(dataDir)
      .filter(({ executable }) => executable?.endsWith('/postgres') === true)
      .map(({ pid }) => pid);
  const sentinel = (args: readonly string[]): ChildProcess => start([join(shop, 'sentinel.sh'), ...args]);

  return {
    home,
    dataDir,
    stateDir,
    psql,
    psqlAt,
    up,
    /** PostgreSQL's processes on the data directory. */
    here,
    start,
    async startPostgres(): Promise<ChildProcess> {
      const child = start([`${binDir}/postgres`, '-D', dataDir]);
      await until('PostgreSQL answers', () => isReady() && up());
      return child;
    },
    async startUnderSentinel(graceMs: number): Promise<ChildProcess> {
      const child = sentinel([stateDir, dataDir, String(graceMs), '--', `${binDir}/postgres`, '-D', dataDir]);
      await until('PostgreSQL answers', () => isReady() && up());
      return child;
    },
    sentinel,
    sentinelPid: (): Pid | null => {
      const path = sentinelPidFile(stateDir);
      return existsSync(path) ? (readIdentity(readFileSync(path, 'utf8'))?.pid ?? null) : null;
    },
    /** How an agent would start the guardian. */
    launchGuardian(): Command {
      const args = ['--data-dir', dataDir, '--state-dir', stateDir, '--bin-dir', binDir, '--agent-version', '1'];
      const [program, all] = asUser([process.execPath, join(shop, 'guardian.mjs'), ...args]);
      return { program, args: all, env };
    },
    /** A backend that never looks up from its work. */
    async startBusyBackend(): Promise<void> {
      start([
        `${binDir}/psql`,
        '-h',
        home,
        '-U',
        'postgres',
        '-qc',
        `set application_name = 'busy'; do $$ begin loop end loop; end $$`,
        'postgres',
      ]);
      await until(
        'the backend is busy',
        () =>
          psql(`select count(*) from pg_stat_activity where application_name = 'busy' and state = 'active'`) === '1',
      );
    },
    async startGuardian(more: readonly string[] = []): Promise<ChildProcess> {
      const child = start([
        process.execPath,
        join(shop, 'guardian.mjs'),
        '--data-dir',
        dataDir,
        '--state-dir',
        stateDir,
        '--bin-dir',
        binDir,
        ...more,
      ]);
      const began = new Promise<void>((resolve) =>
        child.stdout?.on('data', (text) => /the guardian begins/.test(String(text)) && resolve()),
      );
      await began;
      return child;
    },
    async talk() {
      const connected = await sockets.connect(socketFile(stateDir), 1_000);
      assert.equal(connected.kind, 'connected', JSON.stringify(connected));
      assert.ok(connected.kind === 'connected');
      return makeGuardPeer({ clock }, connected.connection, { note: () => undefined, closed: () => undefined });
    },
    held: (): GuardState | null => readGuardState(readFileSync(guardFile(stateDir), 'utf8')),
    log: (): string => {
      const path = join(stateDir, 'guardian.log');
      return existsSync(path) ? readFileSync(path, 'utf8') : '';
    },
    /** Nothing that was started here is left. */
    async end(): Promise<void> {
      for (const child of started) for (const pid of child.pid === undefined ? [] : [child.pid]) kill(pid, 'SIGKILL');
      for (const pid of here()) kill(pid, 'SIGKILL');
      await until('nothing is left', () => here().length === 0);
      rmSync(home, { recursive: true, force: true });
    },
  };
}
export type Machine = ReturnType<typeof makeMachine>;

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone already
  }
}

/** The pid of a program that runs as PostgreSQL's user: setpriv becomes it, so it is the child's own. */
export const pidOfChild = (child: ChildProcess): Pid => {
  assert.ok(child.pid !== undefined);
  return pidOf(child.pid);
};

/** Waits for what must come; gives how long it took. A look may start a process or read all of /proc: not too often. */
export async function until(what: string, holds: () => boolean, limitMs = 20_000): Promise<number> {
  const beganMs = clock.now();
  while (!holds()) {
    if (clock.now() - beganMs > limitMs) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await clock.sleep(20);
  }
  return clock.now() - beganMs;
}

export const deadlineIn = (ms: number, term = '7') => {
  const nowMs = clock.now();
  return { ask: 'deadline' as const, deadlineMs: nowMs + ms, ttlMs: ms, sentMs: nowMs, lease: '7587895', term };
};
