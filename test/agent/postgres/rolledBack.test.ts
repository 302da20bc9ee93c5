import assert from 'node:assert/strict';
import { cpSync, renameSync, rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RunningStandby } from '../../../src/model/postgres.ts';
import { leaveRootForGood } from '../../support/unprivileged.ts';
import { makeFolder, makeNode, noPremise, world } from './node.ts';

leaveRootForGood(fileURLToPath(import.meta.url));

/** What real servers show when the primary's disk was put back: from before, and while it goes on over the same positions. */
describe('the disk of a primary is put back to an earlier moment', () => {
  const folder = makeFolder();
  const n1 = makeNode(folder.path, 'n1', 19_490);
  const n2 = makeNode(folder.path, 'n2', 19_491);
  const { dataDir } = n1.settings.local.postgres;
  const crash = () =>
    n1.perform({
      kind: 'stop',
      mode: 'immediate',
      budget: { immediateAtMs: null, killAtMs: null },
      checkpointFirst: false,
      why: 'a crash',
    });
  const start = (mustReach?: { member: string; lsn: RunningStandby['replayedLsn'] }) =>
    n1.perform({ kind: 'startPrimary', premise: noPremise, limitMs: 20_000, ...(mustReach ? { mustReach } : {}) });
  const check = () => n2.perform({ kind: 'checkDivergence', from: n1.upstream(), leaderTimeline: null });
  async function until(
    holds: (seen: RunningStandby) => boolean | Promise<boolean>,
    what: string,
  ): Promise<RunningStandby> {
    const endMs = world.clock.now() + 15_000;
    for (;;) {
      const seen = await n2.postgres.look();
      if (seen.kind === 'running' && seen.role === 'standby' && (await holds(seen))) return seen;
      if (world.clock.now() > endMs) throw new Error(`${what}: not within 15 s`);
      await world.clock.sleep(20);
    }
  }
  const insert = (rows: number, text: string) =>
    n1.sql(`INSERT INTO public.rows SELECT g, '${text}' FROM pg_catalog.generate_series(1, ${rows}) g`);
  const caughtUp = async () => {
    const at = BigInt(await n1.sql("SELECT (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint"));
    return until(({ replayedLsn }) => replayedLsn >= at, 'replayed');
  };

  before(async () => {
    assert.equal((await n1.perform({ kind: 'bootstrap' })).error, null);
    await n1.sql('CREATE TABLE public.rows (id int, text text)');
    assert.equal((await n2.perform({ kind: 'clone', from: n1.upstream(), premise: noPremise })).error, null);
    assert.equal((await n2.perform({ kind: 'startStandby', upstream: n1.upstream() })).error, null);
    await until(({ receiver }) => receiver?.status === 'streaming', 'streams');
  });
  after(async () => {
    await n1.end();
    await n2.end();
    folder.remove();
  });

  test('a standby that is as far as its primary, or behind, is not ahead of it; and a primary whose disk is whole reaches it', async () => {
    await insert(500, 'first');
    assert.deepEqual((await check()).divergence, { kind: 'none' });
    const { replayedLsn } = await caughtUp();
    await crash();
    assert.equal((await start({ member: 'n2', lsn: replayedLsn })).error, null);
    assert.deepEqual((await check()).divergence, { kind: 'none' });
  });

  test('the start in place is left, since the standby has more', async () => {
    await until(({ receiver }) => receiver?.status === 'streaming', 'streams');
    await crash();
    cpSync(dataDir, `${dataDir}.before`, { recursive: true });
    assert.equal((await start()).error, null);
    await insert(3_000, 'lost');
    const { replayedLsn } = await caughtUp();
    await crash();
    rmSync(dataDir, { recursive: true });
    renameSync(`${dataDir}.before`, dataDir);
    const left = await start({ member: 'n2', lsn: replayedLsn });
    assert.deepEqual([left.ended, left.behind], ['failed', { member: 'n2', lsn: replayedLsn }]);
    assert.match(
      left.error ?? '',
      /n2 has replayed .* of timeline 1, and the WAL in .* ends before that: its disk was rolled back/,
    );
    assert.equal((await n1.postgres.look()).kind, 'stopped');
  });

  test('it goes on all the same: its standby streams from it, and sees by what it says, and by asking, that it is behind', async () => {
    assert.equal((await start()).error, null);
    const seen = await until(
      ({ receiver, replayedLsn }) => (receiver?.latestEndLsn ?? replayedLsn) < replayedLsn,
      'says to be behind',
    );
    const { divergence } = await check();
    assert.ok(
      divergence?.kind === 'ahead',
      JSON.stringify(divergence, (_, v) => (typeof v === 'bigint' ? String(v) : v)),
    );
    assert.equal(divergence.myLsn, seen.replayedLsn);
    assert.ok(divergence.leaderLsn < seen.replayedLsn);
  });

  test('it writes over the same positions: replay stands, and that is told', async () => {
    const { replayedLsn } = await until(() => true, 'runs');
    await insert(6_000, 'another');
    const seen = await until(({ cannotReplay }) => cannotReplay === true, 'cannot replay');
    assert.equal(seen.replayedLsn, replayedLsn);
    assert.deepEqual((await check()).divergence?.kind, 'none', 'no position tells it any more');
  });

  test('with no upstream its receiver is gone, and nothing of what it has', async () => {
    assert.equal((await n2.perform({ kind: 'follow', upstream: null, endReceiver: true })).error, null);
    await until(({ detached, receiver }) => detached === true && receiver === null, 'follows nobody');
    assert.equal(await n2.sql("SELECT count(*) FROM public.rows WHERE text = 'lost'"), '3000');
  });
});
