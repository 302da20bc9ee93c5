import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { LocalPostgres, RunningPrimary, RunningStandby } from '../../../src/model/postgres.ts';
import { later, timeline } from '../../../src/model/units.ts';
import { leaveRootForGood } from '../../support/unprivileged.ts';
import { makeFolder, makeNode, noPremise, stopFast, type TestNode, world } from './node.ts';

leaveRootForGood(fileURLToPath(import.meta.url));

const primaryOf = (seen: LocalPostgres): RunningPrimary => {
  assert.ok(
    seen.kind === 'running' && seen.role === 'primary',
    JSON.stringify(seen, (_, v) => (typeof v === 'bigint' ? String(v) : v)),
  );
  return seen;
};
const standbyOf = (seen: LocalPostgres): RunningStandby => {
  assert.ok(
    seen.kind === 'running' && seen.role === 'standby',
    JSON.stringify(seen, (_, v) => (typeof v === 'bigint' ? String(v) : v)),
  );
  return seen;
};
async function until<T>(look: () => Promise<T | null>, what: string, limitMs = 10_000): Promise<T> {
  const endMs = world.clock.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (world.clock.now() > endMs) throw new Error(`${what}: not within ${limitMs} ms`);
    await world.clock.sleep(20);
  }
}
const streams = (node: TestNode, id: number) =>
  until(async () => {
    const seen = await node.postgres.look();
    return seen.kind === 'running' &&
      seen.role === 'standby' &&
      seen.receiver?.status === 'streaming' &&
      seen.timeline === id
      ? seen
      : null;
  }, `${node.name} streams on timeline ${id}`);

/** A segment that waits for the archiver, as the server left it; the command copies it beside the data directories. */
function readyToArchive({ settings }: TestNode): string {
  const wal = `${settings.local.postgres.dataDir}/pg_wal`;
  const segment = readdirSync(wal).findLast((name) => /^[0-9A-F]{24}$/.test(name)) ?? '';
  writeFileSync(`${wal}/archive_status/${segment}.ready`, '');
  Object.assign(settings.postgres.parameters, { archive_mode: 'on', archive_command: 'cp %p ../../%f' });
  return segment;
}

describe('the life of two servers, by the shipped jobs', () => {
  const folder = makeFolder();
  const n1 = makeNode(folder.path, 'n1', 19_432);
  const n2 = makeNode(folder.path, 'n2', 19_433);
  before(async () => assert.equal((await n1.postgres.look()).kind, 'noData'));
  after(async () => {
    await n1.end();
    await n2.end();
    folder.remove();
  });

  test('bootstrap makes a primary with its roles', async () => {
    const result = await n1.perform({ kind: 'bootstrap' });
    assert.deepEqual(result, { ended: 'done', error: null, divergence: null, stage: null });
    const seen = primaryOf(await n1.postgres.look());
    assert.equal(seen.timeline, 1);
    assert.equal(seen.control.checksums, true);
    assert.equal(
      await n1.sql("SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname !~ '^pg_'"),
      'admin postgres replicator',
    );
  });

  test('a clone from it streams, with its slot', async () => {
    assert.deepEqual(await n1.postgres.createSlot('n2'), { kind: 'done' });
    assert.deepEqual(await n1.postgres.createSlot('n2'), { kind: 'done' });
    const cloned = await n2.perform({ kind: 'clone', from: n1.upstream(), premise: noPremise });
    assert.equal(cloned.error, null);
    const files = await n2.postgres.look();
    assert.ok(files.kind === 'stopped' && files.standbySignal && files.backupLabel);
    assert.equal((await n2.perform({ kind: 'startStandby', upstream: n1.upstream('n2') })).error, null);
    const seen = await streams(n2, 1);
    assert.deepEqual(seen.upstream, { host: '127.0.0.1', port: 19_432, slot: 'n2' });
    const sender = primaryOf(await n1.postgres.look()).senders[0];
    assert.equal(sender?.applicationName, 'n2');
    assert.equal(primaryOf(await n1.postgres.look()).slots[0]?.active, true);
  });

  test('nothing is copied over existing data', async () => {
    await n2.perform(stopFast);
    const again = await n2.perform({ kind: 'clone', from: n1.upstream(), premise: noPremise });
    assert.match(again.error ?? '', /not empty/);
    assert.equal((await n2.perform({ kind: 'startStandby', upstream: n1.upstream('n2') })).error, null);
    await streams(n2, 1);
  });

  test('a postmaster that is killed is felt by event, and restarted in place on its timeline', async () => {
    const { pid } = primaryOf(await n1.postgres.look());
    n1.wakes.length = 0;
    const atMs = world.clock.now();
    world.processes.signal(pid, 'KILL');
    await until(async () => (n1.wakes.length > 0 ? true : null), 'a wake');
    assert.ok(world.clock.now() - atMs < 500);
    const stopped = await until(async () => {
      const seen = await n1.postgres.look();
      return seen.kind === 'stopped' ? seen : null;
    }, 'stopped');
    assert.equal(stopped.crashed, true);
    assert.equal(stopped.control.state, 'in production');
    assert.equal((await n1.perform({ kind: 'startPrimary', premise: noPremise, limitMs: 20_000 })).error, null);
    assert.equal(primaryOf(await n1.postgres.look()).timeline, 1);
    await streams(n2, 1);
  });

  test('lock files of a dead server whose pid belongs to somebody else by now do not stop a start [lesson 10]', async () => {
    // Not this process: PostgreSQL knows that its own parents are no server.
    const other = spawn('sleep', ['60']);
    const { pid } = primaryOf(await n1.postgres.look());
    const { dataDir } = n1.settings.local.postgres;
    const lock = `${n1.settings.postgres.parameters.unix_socket_directories}/.s.PGSQL.19432.lock`;
    world.processes.signal(pid, 'KILL');
    await until(async () => ((await n1.postgres.look()).kind === 'stopped' ? true : null), 'stopped');
    for (const path of [`${dataDir}/postmaster.pid`, lock]) {
      const file = await world.files.read(path);
      assert.ok(file.kind === 'text');
      await world.files.write(path, file.text.replace(/^\d+/, String(other.pid)), 0o600);
    }
    assert.equal((await n1.perform({ kind: 'crashRecovery' })).error, null);
    const file = await world.files.read(lock);
    if (file.kind === 'text') await world.files.write(lock, file.text.replace(/^\d+/, String(other.pid)), 0o600);
    assert.equal((await n1.perform({ kind: 'startPrimary', premise: noPremise, limitMs: 20_000 })).error, null);
    await streams(n2, 1);
    other.kill();
  });

  test('empty lock files, of a server that was killed as it began, do not stop a start', async () => {
    const { pid } = primaryOf(await n1.postgres.look());
    const { dataDir } = n1.settings.local.postgres;
    const lock = `${n1.settings.postgres.parameters.unix_socket_directories}/.s.PGSQL.19432.lock`;
    world.processes.signal(pid, 'KILL');
    await until(async () => ((await n1.postgres.look()).kind === 'stopped' ? true : null), 'stopped');
    assert.equal((await n1.perform({ kind: 'clearOrphans' })).error, null);
    for (const path of [`${dataDir}/postmaster.pid`, lock]) await world.files.write(path, '', 0o600);
    assert.equal((await n1.perform({ kind: 'startPrimary', premise: noPremise, limitMs: 20_000 })).error, null);
    await streams(n2, 1);
  });

  test('a start whose premise is gone does not happen; a standby feels the end of its stream', async () => {
    await streams(n2, 1);
    n2.wakes.length = 0;
    await n1.perform(stopFast);
    await until(() => Promise.resolve(n2.wakes.includes('streamEnded') ? true : null), 'the end of the stream');
    const result = await n1.perform(
      { kind: 'startPrimary', premise: noPremise, limitMs: 20_000 },
      { premise: () => Promise.resolve('the lease is gone') },
    );
    assert.match(result.error ?? '', /the lease is gone/);
    assert.equal((await n1.postgres.look()).kind, 'stopped');
  });

  test('switchover: a clean stop, a promotion, and the old primary follows without a rewind [lesson 53]', async () => {
    const stopped = await n1.postgres.look();
    assert.ok(stopped.kind === 'stopped' && stopped.control.state === 'shut down');
    const received = standbyOf(await n2.postgres.look()).receivedLsn;
    assert.ok(received > stopped.control.checkpoint);
    assert.equal(
      (await n2.perform({ kind: 'promote', premise: noPremise, mine: timeline(1), taken: timeline(1) })).error,
      null,
    );
    const promoted = primaryOf(await n2.postgres.look());
    assert.equal(promoted.timeline, 2);
    assert.equal((await n2.perform({ kind: 'checkpoint' })).error, null);
    assert.equal(primaryOf(await n2.postgres.look()).checkpointPending, false);
    assert.equal((await n2.postgres.localHistory(promoted.timeline))[0]?.timeline, 1);
    const verdict = await n1.perform({ kind: 'checkDivergence', from: n2.upstream(), leaderTimeline: null });
    assert.deepEqual(verdict.divergence, { kind: 'none' });
    assert.equal((await n1.perform({ kind: 'startStandby', upstream: n2.upstream() })).error, null);
    await streams(n1, 2);
    assert.deepEqual(
      (await n1.perform({ kind: 'checkDivergence', from: n2.upstream(), leaderTimeline: null })).divergence,
      { kind: 'none' },
    );
  });

  test('a primary that went on alone has diverged: crash recovery, rewind, and it streams again [lessons 57, 60]', async () => {
    await n2.sql('CREATE TABLE public.kept (a int)');
    await world.clock.sleep(200);
    // n2 goes on alone, dies, and n1 takes over without what n2 wrote last.
    assert.equal((await n1.perform({ kind: 'follow', upstream: null })).error, null);
    await until(async () => (standbyOf(await n1.postgres.look()).detached === true ? true : null), 'no receiver');
    assert.equal(standbyOf(await n1.postgres.look()).receiver, null);
    // What is written beside that brings no upstream back; and an agent that begins now does not vouch for what another wrote.
    assert.equal((await n1.postgres.applyConfiguration(true)).kind, 'done');
    assert.equal(await n1.sql('SHOW primary_conninfo'), '');
    const next = n1.life();
    assert.equal(standbyOf(await next.look()).detached, false);
    await next.close();
    await n2.sql('CREATE TABLE public.lost AS SELECT generate_series(1, 1000) AS a');
    world.processes.signal(primaryOf(await n2.postgres.look()).pid, 'KILL');
    // Somebody else began timeline 3, and n1 has no history file of it.
    const taken = { mine: timeline(2), taken: timeline(3) };
    assert.equal((await n1.perform({ kind: 'promote', premise: noPremise, ...taken })).error, null);
    assert.equal(primaryOf(await n1.postgres.look()).timeline, 4);
    const files = await n1.sql(
      "select string_agg(name, ' ' order by name) from pg_ls_waldir() where name like '%.history'",
    );
    // Whoever follows from timeline 2 asks for the file of 3 on its way.
    assert.equal(files, '00000002.history 00000003.history 00000004.history');
    assert.equal((await n1.perform({ kind: 'checkpoint' })).error, null);
    await n1.sql('CREATE TABLE public.after_fork (a int)');
    await until(async () => ((await n2.postgres.look()).kind === 'stopped' ? true : null), 'n2 is down');
    const early = await n2.perform({ kind: 'checkDivergence', from: n1.upstream(), leaderTimeline: null });
    assert.equal(early.divergence?.kind, 'unknown');
    assert.equal((await n2.perform({ kind: 'clearOrphans' })).error, null);
    assert.equal((await n2.perform({ kind: 'crashRecovery' })).error, null);
    const verdict = await n2.perform({ kind: 'checkDivergence', from: n1.upstream(), leaderTimeline: null });
    assert.ok(verdict.divergence?.kind === 'diverged');
    assert.ok((verdict.divergence.commits ?? 0) >= 1, 'the table that is lost was one transaction, at least');
    const segment = readyToArchive(n2);
    let archivedBefore = false;
    const premise = async () => {
      archivedBefore = existsSync(`${folder.path}/${segment}`);
      return null;
    };
    const rewound = await n2.perform({ kind: 'rewind', from: n1.upstream(), premise: noPremise }, { premise });
    assert.equal(rewound.error, null);
    assert.ok(existsSync(`${folder.path}/${segment}`), 'archived before it could be taken away');
    assert.ok(archivedBefore, 'and the premise asked after that: an archive may take its time');
    Object.assign(n2.settings.postgres.parameters, { archive_mode: 'off' });
    assert.equal((await n2.perform({ kind: 'startStandby', upstream: n1.upstream() })).error, null);
    await streams(n2, 4);
    assert.equal(
      await n2.sql("SELECT to_regclass('public.lost') IS NULL AS a, to_regclass('public.kept') IS NOT NULL AS b"),
      't,t',
    );
  });

  test('a stop that a busy backend resists escalates within its budget', async () => {
    const busy = n1.sql('DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$').catch((error: Error) => error.message);
    await world.clock.sleep(200);
    const now = world.clock.now();
    const result = await n1.perform({
      ...stopFast,
      mode: 'immediate',
      budget: { immediateAtMs: null, killAtMs: later(now, 300) },
    });
    assert.equal(result.ended, 'done');
    assert.ok(world.clock.now() - now < 2_000);
    const seen = await n1.postgres.look();
    assert.ok(seen.kind === 'stopped' && seen.orphans.length === 0 && !seen.crashed);
    await busy;
  });

  test('an interrupted clone is found as half a copy by whoever looks next, and made room for', async () => {
    assert.equal((await n1.perform({ kind: 'startPrimary', premise: noPremise, limitMs: 20_000 })).error, null);
    await n1.sql('CREATE TABLE public.big AS SELECT repeat(md5(a::text), 30) AS t FROM generate_series(1, 60000) AS a');
    await n2.perform(stopFast);
    assert.equal(
      (await n2.perform({ kind: 'removeData', why: 'test', premise: noPremise, force: true, leader: null })).error,
      null,
    );
    assert.equal((await n2.postgres.look()).kind, 'noData');
    const abort = new AbortController();
    const settings = n2.settings.postgres as { basebackup: readonly (readonly [string, string | null])[] };
    settings.basebackup = [['max-rate', '4M']];
    const cloning = n2.perform({ kind: 'clone', from: n1.upstream(), premise: noPremise }, { signal: abort.signal });
    // What is copied confirms no commit: neither of its two walsenders has the member's name, which commits may wait for.
    const names = () => n1.sql("SELECT string_agg(application_name, '|') FROM pg_stat_replication");
    const endMs = world.clock.now() + 20_000;
    let seen = '';
    while (seen.split('|').length < 2 && world.clock.now() < endMs) {
      await world.clock.sleep(50);
      seen = await names();
    }
    assert.equal(seen, 'pg_basebackup n2|pg_basebackup n2');
    abort.abort();
    assert.equal((await cloning).ended, 'cancelled');
    assert.deepEqual(await n2.postgres.look(), { kind: 'partialData', left: 'basebackup' });
    settings.basebackup = [];
    assert.equal(
      (
        await n2.perform({
          kind: 'removeData',
          why: 'an interrupted basebackup',
          premise: noPremise,
          force: true,
          leader: null,
        })
      ).error,
      null,
    );
    assert.equal((await n2.perform({ kind: 'clone', from: n1.upstream(), premise: noPremise })).error, null);
    assert.equal((await n2.perform({ kind: 'startStandby', upstream: n1.upstream() })).error, null);
    await streams(n2, 4);
  });
});
