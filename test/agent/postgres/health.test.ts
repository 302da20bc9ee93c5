import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Health } from '../../../src/model/health.ts';
import type { LocalPostgres } from '../../../src/model/postgres.ts';
import { later } from '../../../src/model/units.ts';
import type { SqlSession } from '../../../src/model/world.ts';
import { freePort } from '../../support/ports.ts';
import { leaveRootForGood } from '../../support/unprivileged.ts';
import { makeFolder, makeNode, noPremise, type TestNode, world } from './node.ts';

leaveRootForGood(fileURLToPath(import.meta.url));

/** What a fresh connection finds of a real server whose disk, postmaster or sessions are in the way. */

const loopWaitMs = 500;
const folder = makeFolder();
let node: TestNode;

const start = { kind: 'startPrimary', premise: noPremise, limitMs: 60_000 } as const;
const pidOf = (seen: LocalPostgres) => ('pid' in seen ? seen.pid : assert.fail(seen.kind));

/** Looks as the loop does, until its health is so. */
async function until(
  holds: (health: Health | null) => boolean,
  what: string,
  limitMs = 60_000,
): Promise<LocalPostgres> {
  const endMs = world.clock.now() + limitMs;
  for (;;) {
    const seen = await node.postgres.look();
    if (holds(node.postgres.health())) return seen;
    const told = JSON.stringify(node.postgres.health());
    assert.ok(world.clock.now() < endMs, `${what}: not within ${limitMs} ms, but ${seen.kind}, ${told}`);
    await world.clock.sleep(100);
  }
}
const kindOf = (health: Health | null): string | null => health?.hindrance?.kind ?? null;
const good = (why: string) => until((health) => health?.provenMs != null && health.hindrance === null, why);

async function session(): Promise<SqlSession> {
  const { port, superuser, database } = node.settings.local.postgres;
  const { username: user, password } = superuser;
  const target = { host: '127.0.0.1', port, user, password, database, ssl: {}, applicationName: 'test' };
  const connected = await world.sql.connect(target, 5_000);
  assert.ok(connected.kind === 'connected', JSON.stringify(connected));
  return connected.session;
}

/**
 * Whoever flushes next is stopped at the end of its system call, with the lock of the WAL in its hands, as if the disk had not
 * answered yet; unlike one that hangs in the kernel it can be killed.
 */
async function stallFlushes(seen: LocalPostgres): Promise<ChildProcess> {
  const postmaster = pidOf(seen);
  const pids = [postmaster, ...world.processes.children(postmaster).map(({ pid }) => pid)];
  const calls = 'fdatasync,fsync';
  const inject = `inject=${calls}:signal=STOP`;
  const of = pids.flatMap((pid) => ['-p', String(pid)]);
  const args = ['-f', '-o', '/dev/null', '-e', `trace=${calls}`, '-e', inject, ...of];
  const tracer = spawn('setpriv', ['--pdeathsig', 'KILL', 'strace', '-qq', ...args], { stdio: 'ignore' });
  const isTraced = (pid: number): boolean => {
    try {
      return !/^TracerPid:\s*0$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return true; // a session that has ended meanwhile flushes nothing
    }
  };
  for (let tries = 0; !pids.every(isTraced); tries += 1) {
    assert.ok(tries < 100, 'strace did not attach within 10 s');
    await world.clock.sleep(100);
  }
  return tracer;
}

async function flushAgain(tracer: ChildProcess, seen: LocalPostgres): Promise<void> {
  const isOver = tracer.exitCode !== null || tracer.signalCode !== null; // it ends with the last whom it traced
  const closed = once(tracer, 'close');
  if (tracer.kill('SIGTERM') && !isOver) await closed;
  // Whom strace let go of with its signal may come to stand still only after this: let go on until nothing is in the way.
  await until((health) => {
    for (const { pid } of world.processes.children(pidOf(seen))) world.processes.signal(pid, 'CONT');
    return health === null || health.hindrance === null;
  }, 'flushed again');
}

describe('the health of a real primary', { concurrency: false }, () => {
  before(async () => {
    node = makeNode(folder.path, 'one', await freePort(24_000), {}, { loopWaitMs });
    assert.equal((await node.perform({ kind: 'bootstrap' })).error, null);
  });
  after(async () => {
    await node.end();
    folder.remove();
  });

  test('an idle one is tried once a loop_wait, and one that writes is not', async () => {
    await good('a primary at rest');
    const flushed = async () => BigInt(await node.sql("SELECT pg_current_wal_flush_lsn() - '0/0'"));
    await node.postgres.touchWal();
    const before = await flushed();
    const sinceMs = world.clock.now();
    while (world.clock.now() - sinceMs < 4_000) {
      await node.postgres.look();
      await world.clock.sleep(20);
    }
    const bytes = Number((await flushed()) - before);
    // Each is a message and a commit of some 130 bytes; PostgreSQL's own snapshot of what runs may come between.
    assert.ok(bytes > 130 && bytes < 10 * 200, `${bytes} bytes in 4 s`);
  });

  test('every connection taken, the reserved ones too: too many connections', async () => {
    const taken: SqlSession[] = [];
    for (;;) {
      const one = await session().catch(() => null);
      if (one === null) break;
      taken.push(one);
    }
    assert.ok(taken.length > 20, `${taken.length}`);
    await until((health) => kindOf(health) === 'too many connections', 'no room');
    for (const one of taken) one.close();
    await good('room again');
  });

  test('a lock that new sessions need is no disk', async () => {
    const holder = await session();
    for (const text of ['BEGIN', 'LOCK TABLE pg_catalog.pg_authid IN ACCESS EXCLUSIVE MODE']) {
      const locked = await holder.query({ name: 'test', text }, 5_000);
      assert.equal(locked.kind, 'rows', JSON.stringify(locked));
    }
    await until((health) => ['no answer', 'slow'].includes(kindOf(health) ?? ''), 'locked out');
    const endMs = world.clock.now() + 5_000;
    while (world.clock.now() < endMs) {
      await node.postgres.look();
      assert.ok(
        ['no answer', 'slow', null].includes(kindOf(node.postgres.health())),
        kindOf(node.postgres.health()) ?? '',
      );
      await world.clock.sleep(200);
    }
    holder.close();
    await good('the lock is gone');
  });

  test('a frozen postmaster is seen in the process table, while its sessions answer', async () => {
    const seen = await good('before');
    assert.ok(world.processes.signal(pidOf(seen), 'STOP'));
    const frozen = await until((health) => kindOf(health) === 'postmaster frozen', 'frozen');
    assert.equal(frozen.kind, 'running');
    world.processes.signal(pidOf(seen), 'CONT');
    await good('thawed');
  });

  test('flushes that hang: a commit is seen to wait for them; the end of the stall is seen, too', async () => {
    const seen = await good('before');
    const tracer = await stallFlushes(seen);
    try {
      const stalled = await until((health) => kindOf(health) === 'fsync stalled', 'stalled');
      assert.equal(stalled.kind, 'running');
      assert.match(node.postgres.health()?.hindrance?.why ?? '', /a commit waits for (IO|LWLock):WAL/i);
    } finally {
      await flushAgain(tracer, seen);
    }
    await good('flushed again');
  });

  test('every process of it frozen: it is let go on to stop in order', async () => {
    const seen = await good('before');
    const pids = [pidOf(seen), ...world.processes.children(pidOf(seen)).map(({ pid }) => pid)];
    for (const pid of pids) world.processes.signal(pid, 'STOP');
    await until((health) => kindOf(health) === 'postmaster frozen', 'all frozen');
    const nowMs = world.clock.now();
    const budget = { immediateAtMs: later(nowMs, 20_000), killAtMs: later(nowMs, 25_000) };
    const stop = { kind: 'stop', mode: 'fast', why: 'test', checkpointFirst: false, budget, successors: [] } as const;
    const result = await node.perform({ ...stop, thawBeforeMs: later(nowMs, 20_000) });
    assert.deepEqual([result.ended, result.stage], ['done', 'fast'], JSON.stringify(result));
    const after = await node.postgres.look();
    assert.ok(after.kind === 'stopped' && after.control.state === 'shut down', after.kind);
    assert.equal(node.postgres.health(), null);
  });

  test('flushes that hang do not keep it from being stopped', async () => {
    assert.equal((await node.perform(start)).error, null);
    const seen = await good('started again');
    const tracer = await stallFlushes(seen);
    try {
      await until((health) => kindOf(health) === 'fsync stalled', 'stalled');
      const nowMs = world.clock.now();
      const budget = { immediateAtMs: later(nowMs, 1_000), killAtMs: later(nowMs, 2_000) };
      const result = await node.perform({ kind: 'stop', mode: 'fast', why: 'test', checkpointFirst: false, budget });
      assert.equal(result.ended, 'done', JSON.stringify(result));
      assert.equal((await node.postgres.look()).kind, 'stopped');
    } finally {
      await flushAgain(tracer, seen);
    }
  });
});
