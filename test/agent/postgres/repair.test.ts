import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { standIn } from '../../../src/agent/postgres/jobs/taken.ts';
import type { Divergence } from '../../../src/model/job.ts';
import type { LocalPostgres, RunningStandby } from '../../../src/model/postgres.ts';
import { lsn, timeline } from '../../../src/model/units.ts';
import { leaveRootForGood } from '../../support/unprivileged.ts';
import { makeFolder, makeNode, noPremise, stopFast, world } from './node.ts';
import { done, streams, until } from './waits.ts';

leaveRootForGood(fileURLToPath(import.meta.url));

const isDetached = (seen: LocalPostgres): seen is RunningStandby =>
  seen.kind === 'running' && seen.role === 'standby' && seen.detached === true;

describe('what keeps a standby from following, on real servers', () => {
  const folder = makeFolder();
  const n1 = makeNode(folder.path, 'n1', 19_452);
  const n2 = makeNode(folder.path, 'n2', 19_453);
  const { dataDir } = n2.settings.local.postgres;
  after(async () => {
    await n1.end();
    await n2.end();
    folder.remove();
  });

  test("a data directory with the file system's own folder in it, and things set aside, is copied into and streams", async () => {
    await done(n1.perform({ kind: 'bootstrap' }));
    mkdirSync(`${dataDir}/lost+found`, { recursive: true, mode: 0o700 });
    mkdirSync(`${dataDir}/.set-aside.old`, { mode: 0o700 });
    await done(n2.perform({ kind: 'clone', from: n1.upstream(), premise: noPremise }));
    assert.ok(!readdirSync(dataDir).includes('.clone.new'));
    await done(n2.perform({ kind: 'startStandby', upstream: n1.upstream() }));
    await streams(n2);
  });

  test('a promotion that was killed half way leaves nothing behind that would keep the server from starting', async () => {
    await done(n2.perform(stopFast));
    const left = `${dataDir}/pg_wal/00000002.history`;
    writeFileSync(left, standIn(timeline(1)), { mode: 0o600 });
    await done(n2.perform({ kind: 'startStandby', upstream: n1.upstream() }));
    await streams(n2);
    assert.ok(!existsSync(left));
    // And one that was killed while the server went on.
    writeFileSync(left, standIn(timeline(1)), { mode: 0o600 });
    await done(n2.perform({ kind: 'follow', upstream: n1.upstream() }));
    assert.ok(!existsSync(left));
    await streams(n2);
  });

  test('a standby waits for a timeline of which nothing is here, and on which the leader never was: it forgets that one, and streams', async () => {
    const history = `${dataDir}/pg_wal/00000002.history`;
    const check = { kind: 'checkDivergence', from: n1.upstream(), leaderTimeline: timeline(1) } as const;
    assert.deepEqual((await n2.perform(check)).divergence, { kind: 'none' });
    /** Whether what its leader writes now arrives within a second: its walreceiver begins anew every 0.2 s. */
    const receives = async (): Promise<boolean> => {
      const before = lsn(await n1.sql('SELECT pg_current_wal_flush_lsn()'));
      await n1.sql('CREATE TABLE public.told (a int)');
      await n1.sql('DROP TABLE public.told');
      await world.clock.sleep(1_000);
      const seen = await n2.postgres.look();
      return seen.kind === 'running' && seen.role === 'standby' && seen.receivedLsn > before;
    };
    // It turns to that timeline where it ends, at the next look around; what its leader writes before that takes it past.
    for (let tries = 0; ; tries += 1) {
      const end = await n2.sql('SELECT pg_last_wal_replay_lsn()');
      writeFileSync(history, `1\t${end}\tno recovery target specified\n`, { mode: 0o600 });
      const receiver = Number(await n2.sql('SELECT pid FROM pg_stat_wal_receiver'));
      if (receiver > 1) process.kill(receiver, 'SIGTERM');
      await world.clock.sleep(500);
      if (!(await receives())) break;
      assert.ok(tries < 10, 'it never waited');
    }
    const astray = [timeline(2)];
    for (let nth = 0; nth < 2; nth += 1)
      assert.deepEqual((await n2.perform(check)).divergence, { kind: 'none', astray }, 'as often as it is asked');
    await done(n2.perform(stopFast));
    assert.ok(existsSync(history), 'who stops it for another reason forgets nothing');
    await done(n2.perform({ ...stopFast, forgets: astray }));
    assert.ok(!existsSync(history));
    await done(n2.perform({ kind: 'startStandby', upstream: n1.upstream() }));
    await streams(n2);
    // One of which something is here is a history that left, and no mistake.
    const segment = `${dataDir}/pg_wal/000000020000000000000001`;
    writeFileSync(history, `1\t0/1\tno recovery target specified\n`, { mode: 0o600 });
    writeFileSync(segment, '', { mode: 0o600 });
    assert.deepEqual((await n2.perform(check)).divergence, { kind: 'none' });
    await done(n2.perform({ ...stopFast, forgets: astray }));
    assert.ok(existsSync(history));
    rmSync(history);
    rmSync(segment);
    await done(n2.perform({ kind: 'startStandby', upstream: n1.upstream() }));
    await streams(n2);
  });

  test('a promotion that fails before its signal takes back what stood in for others, and says why', async () => {
    const promotion = { kind: 'promote', premise: noPremise, mine: timeline(1), taken: timeline(3) } as const;
    const refused = await n2.perform(promotion, { announceTimeline: () => Promise.resolve('etcd does not answer') });
    assert.match(refused.error ?? '', /timeline 4 could not be announced: etcd does not answer/);
    const thrown = await n2.perform(promotion, { premise: () => Promise.reject(new Error('the disk is full')) });
    assert.match(thrown.error ?? '', /the disk is full/);
    assert.deepEqual(
      readdirSync(`${dataDir}/pg_wal`).filter((name) => name.endsWith('.history')),
      [],
    );
    await streams(n2);
  });

  test('replay stands still: the walreceiver of a standby that is to receive from nobody is ended, and what came is kept', async () => {
    const { recovery } = n2.settings.postgres;
    const delayed = async (by: string) => {
      Object.assign(n2.settings.postgres, { recovery: { ...recovery, recovery_min_apply_delay: by } });
      await n2.postgres.applyConfiguration(true);
    };
    const holds = [
      [() => n2.sql('SELECT pg_wal_replay_pause()'), () => n2.sql('SELECT pg_wal_replay_resume()')],
      [() => delayed('1h'), () => delayed('0')],
    ] as const;
    for (const [hold, release] of holds) {
      await hold();
      await n1.sql('CREATE TABLE public.held (a int)');
      await n1.sql('DROP TABLE public.held');
      const flushed = await n1.sql('SELECT pg_current_wal_flush_lsn()');
      const hasAll = (seen: LocalPostgres) =>
        seen.kind === 'running' && seen.role === 'standby' && seen.receivedLsn >= lsn(flushed);
      await until(n2, hasAll, 'received');
      await done(n2.perform({ kind: 'follow', upstream: null, endReceiver: true }));
      await until(n2, isDetached, 'detached');
      const kept = `SELECT pg_last_wal_receive_lsn() >= '${flushed}' AND pg_last_wal_replay_lsn() < '${flushed}'`;
      assert.equal(await n2.sql(kept), 't');
      await release();
      await until(n2, (seen) => isDetached(seen) && seen.replayedLsn >= seen.receivedLsn, 'replayed');
      await world.clock.sleep(200);
      assert.ok(isDetached(await n2.postgres.look()), 'whoever replays asks nobody for more');
      await done(n2.perform({ kind: 'follow', upstream: n1.upstream() }));
      await streams(n2);
    }
  });

  test('a setting raised at the primary: the standby pauses, is resumed, ends, and starts with the larger value [lessons 92, 93]', async () => {
    const { commandLine } = n1.settings.postgres;
    const raised = commandLine.map(([name, value]) => [name, name === 'max_connections' ? '40' : value] as const);
    Object.assign(n1.settings.postgres, { commandLine: raised });
    await done(n1.perform(stopFast));
    await done(n1.perform({ kind: 'startPrimary', premise: noPremise, limitMs: 20_000 }));
    await until(n2, (seen) => seen.kind === 'running' && seen.role === 'standby' && seen.replayPaused, 'paused');
    assert.equal((await n2.postgres.resumeReplay()).kind, 'done');
    await until(n2, (seen) => seen.kind === 'stopped', 'ended');
    await done(n2.perform({ kind: 'startStandby', upstream: n1.upstream() }));
    await streams(n2);
    assert.equal(await n2.sql('SHOW max_connections'), '40');
  });

  test('a standby whose slot the leader does not have, or whose login it refuses, says which of it keeps it from streaming', async () => {
    const check = { kind: 'checkDivergence', from: n1.upstream(), leaderTimeline: null } as const;
    const notStreaming = () =>
      until(
        n2,
        (seen) =>
          seen.kind === 'running' &&
          seen.role === 'standby' &&
          seen.receiver === null &&
          seen.upstream?.slot === 'nobody_made_it', // the reload is read by each process in its own time
        'no stream',
      );
    await done(n2.perform({ kind: 'follow', upstream: n1.upstream('nobody_made_it') }));
    await notStreaming();
    const divergence: Divergence = {
      kind: 'none',
      hindrance: { kind: 'slotLost', slot: 'nobody_made_it', status: 'absent' },
    };
    assert.deepEqual((await n2.perform(check)).divergence, divergence);
    const { replication } = n2.settings.local.postgres;
    Object.assign(n2.settings.local.postgres, { replication: { ...replication, username: 'nobody' } });
    const refused = (await n2.perform(check)).divergence;
    assert.ok(refused?.kind === 'unknown' && refused.refused === true, JSON.stringify(refused));
    assert.match(refused.why, /role "nobody" does not exist/);
    assert.ok(!refused.why.includes('secret'));
    Object.assign(n2.settings.local.postgres, { replication });
    await done(n2.perform({ kind: 'follow', upstream: n1.upstream() }));
    await streams(n2);
    assert.deepEqual((await n2.perform(check)).divergence, { kind: 'none' });
  });

  test('the WAL that comes next is gone at the primary: the check says so, and only then', async () => {
    const check = { kind: 'checkDivergence', from: n1.upstream(), leaderTimeline: null } as const;
    await streams(n2);
    assert.deepEqual((await n2.perform(check)).divergence, { kind: 'none' });
    await done(n2.perform(stopFast));
    await n1.sql("ALTER SYSTEM SET max_wal_size = '32MB'");
    await n1.sql("ALTER SYSTEM SET min_wal_size = '32MB'");
    await n1.sql('SELECT pg_reload_conf()');
    for (let i = 0; i < 6; i++) {
      await n1.sql('CREATE TABLE IF NOT EXISTS public.t (a int)');
      await n1.sql('INSERT INTO public.t SELECT 1');
      await n1.sql('SELECT pg_switch_wal()');
      await n1.sql('CHECKPOINT');
    }
    await done(n2.perform({ kind: 'startStandby', upstream: n1.upstream() }));
    await until(n2, (seen) => seen.kind === 'running', 'runs');
    const found = (await n2.perform(check)).divergence;
    assert.ok(found?.kind === 'none' && /^[0-9A-F]{24}$/.test(found.walGone ?? ''), JSON.stringify(found));
  });
});
