import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { LogicalSlot } from '../../../src/model/job.ts';
import type { RunningPrimary, RunningStandby } from '../../../src/model/postgres.ts';
import { replicationStateOf } from '../../../src/model/replicationState.ts';
import { type Lsn, lsn, lsnText, timeline } from '../../../src/model/units.ts';
import { leaveRootForGood } from '../../support/unprivileged.ts';
import { makeFolder, makeNode, noPremise, world } from './node.ts';

leaveRootForGood(fileURLToPath(import.meta.url));

/** Logical slots on real servers: copied to a standby, moved on there, and used after its promotion. */

const parameters = { wal_level: 'logical', hot_standby_feedback: 'on' };
const cdc: LogicalSlot = { kind: 'logical', name: 'cdc', database: 'postgres', plugin: 'test_decoding' };

async function until<T>(look: () => Promise<T | null | undefined>, what: string, limitMs = 10_000): Promise<T> {
  const endMs = world.clock.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined) return found;
    if (world.clock.now() > endMs) throw new Error(`${what}: not within ${limitMs} ms`);
    await world.clock.sleep(20);
  }
}

describe('logical slots', () => {
  const folder = makeFolder();
  const n1 = makeNode(folder.path, 'n1', 19_472, parameters);
  const n2 = makeNode(folder.path, 'n2', 19_473, parameters);
  before(async () => {
    assert.equal((await n1.perform({ kind: 'bootstrap' })).error, null);
    assert.deepEqual(await n1.postgres.createSlot('n2'), { kind: 'done' });
    assert.equal((await n2.perform({ kind: 'clone', from: n1.upstream(), premise: noPremise })).error, null);
    assert.equal((await n2.perform({ kind: 'startStandby', upstream: n1.upstream('n2') })).error, null);
    await n1.sql('CREATE TABLE public.t (id int PRIMARY KEY)');
  });
  after(async () => {
    await n1.end();
    await n2.end();
    folder.remove();
  });

  const standby = async (): Promise<RunningStandby | null> => {
    const seen = await n2.postgres.look();
    return seen.kind === 'running' && seen.role === 'standby' ? seen : null;
  };
  const primary = async (node = n1): Promise<RunningPrimary> => {
    const seen = await node.postgres.look();
    assert.ok(seen.kind === 'running' && seen.role === 'primary');
    return seen;
  };
  const slotOf = (seen: RunningStandby | RunningPrimary | null, name = 'cdc') =>
    seen?.slots.find((slot) => slot.name === name);
  const replayed = (to: Lsn) =>
    until(async () => {
      const seen = await standby();
      return seen !== null && seen.replayedLsn >= to ? seen : null;
    }, 'it is replayed');
  const insert = (from: number, to: number) => n1.sql(`INSERT INTO public.t SELECT generate_series(${from}, ${to})`);
  /** What the consumer of the slot gets, and confirms. */
  const consume = async (node: typeof n1): Promise<readonly number[]> => {
    const rows = await node.sql(
      "SELECT string_agg(substring(data from 'id\\[integer\\]:(\\d+)'), ' ') FROM pg_logical_slot_get_changes('cdc', NULL, NULL) WHERE data LIKE 'table %'",
    );
    return rows.split(' ').filter(Boolean).map(Number);
  };
  const copy = (slots: readonly LogicalSlot[] = [cdc]) =>
    n2.perform({ kind: 'copySlots', from: n1.upstream(), upstream: n1.upstream('n2'), slots, premise: noPremise });

  test('one is made on the primary, once', async () => {
    const kind = { database: 'postgres', plugin: 'test_decoding', failover: false };
    assert.deepEqual(await n1.postgres.createSlot('cdc', kind), { kind: 'done' });
    assert.deepEqual(await n1.postgres.createSlot('cdc', kind), { kind: 'done' });
    assert.equal((await n1.postgres.createSlot('other', { ...kind, plugin: 'no_such_plugin' })).kind, 'failed');
    const slot = slotOf(await primary());
    assert.deepEqual([slot?.kind, slot?.database, slot?.plugin], ['logical', 'postgres', 'test_decoding']);
    assert.ok(typeof slot?.catalogXmin === 'number');
  });

  test('what is not as it shall be is not copied, and the standby is not stopped over it', async () => {
    const before = (await standby())?.pid;
    n2.notes.length = 0;
    assert.match((await copy([{ ...cdc, plugin: 'pgoutput' }])).error ?? '', /none of the logical slots/);
    assert.match(
      n2.notes.join(),
      /cdc is not copied: on the primary it is of database postgres and plugin test_decoding/,
    );
    assert.match((await copy([{ ...cdc, name: 'nosuch' }])).error ?? '', /none of the logical slots/);
    assert.match(n2.notes.join(), /nosuch is not copied: the primary has no such slot/);
    assert.equal((await standby())?.pid, before);
  });

  test('one whose WAL goes between the look at it and the stop is removed again', async () => {
    for (let times = 0; times < 3; times += 1) await n1.sql('SELECT pg_switch_wal(); CHECKPOINT');
    const { flushLsn } = await primary();
    await replayed(flushLsn);
    const premise = async () => {
      await n2.sql('CHECKPOINT');
      return null;
    };
    const job = { kind: 'copySlots', from: n1.upstream(), upstream: n1.upstream('n2'), slots: [cdc] } as const;
    const result = await n2.perform({ ...job, premise: noPremise }, { premise });
    assert.deepEqual([result.ended, result.error], ['failed', 'removed again, as their WAL had gone meanwhile: cdc']);
    await until(async () => (slotOf(await standby()) === undefined ? true : null), 'it is gone');
    // Its consumer catches up.
    await until(async () => {
      await n1.sql('CHECKPOINT');
      assert.deepEqual(await consume(n1), []);
      const text = `SELECT restart_lsn > '${lsnText(flushLsn)}' FROM pg_replication_slots WHERE slot_name = 'cdc'`;
      return (await n1.sql(text)) === 't' ? true : null;
    }, 'the consumer has caught up');
  });

  test('the standby takes it over in one short stop, and has it as it is on the primary', async () => {
    await insert(1, 10);
    assert.deepEqual(await consume(n1), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await insert(11, 20);
    // What the slot needs is not in the newest segments; a restartpoint would take it away.
    for (let times = 0; times < 3; times += 1) await n1.sql('SELECT pg_switch_wal(); CHECKPOINT');
    await replayed((await primary()).flushLsn);
    assert.equal((await copy()).error, null);
    const copied = await until(async () => slotOf(await standby()), 'the copy');
    const [oldest, needed] = (
      await n2.sql(`SELECT min(substr(name, 9)) || ' ' ||
        (SELECT lpad(upper(to_hex(div(restart_lsn - '0/0', 16777216)::bigint)), 16, '0') FROM pg_replication_slots WHERE slot_name = 'cdc')
        FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'`)
    ).split(' ');
    assert.ok(
      oldest !== undefined && needed !== undefined && oldest <= needed,
      `it begins at ${oldest}, needed is ${needed}`,
    );
    const original = slotOf(await primary());
    assert.deepEqual([copied.database, copied.plugin, copied.active], ['postgres', 'test_decoding', false]);
    assert.ok(copied.confirmedFlushLsn !== null && original?.confirmedFlushLsn != null);
    assert.ok(copied.confirmedFlushLsn <= original.confirmedFlushLsn, 'never ahead of what its consumer has');
  });

  test('the primary hears of it, and keeps the catalog rows that it needs', async () => {
    const held = await until(async () => slotOf(await primary(), 'n2')?.catalogXmin ?? null, 'the catalog xmin');
    const needed = slotOf(await standby())?.catalogXmin;
    assert.ok(needed != null && held <= needed);
  });

  test('it is moved on to where the consumer is, beside the loop [lesson 83]', async () => {
    assert.deepEqual(await consume(n1), [11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    const to = slotOf(await primary())?.confirmedFlushLsn ?? lsn('0/0');
    await replayed(to);
    assert.deepEqual(await n2.postgres.advanceSlot('cdc', to, 'postgres'), { kind: 'done' });
    const moved = await until(async () => {
      const slot = slotOf(await standby());
      return slot?.confirmedFlushLsn != null && slot.confirmedFlushLsn >= to ? slot : null;
    }, 'it is moved on');
    assert.equal(moved.confirmedFlushLsn, to);
  });

  test('a slot that does not move is told once, and the loop goes on', async () => {
    n2.notes.length = 0;
    for (let times = 0; times < 3; times += 1) {
      await n2.postgres.advanceSlot('cdc', lsn('0/1'), 'no_such_database');
      await until(async () => (n2.notes.length > 0 ? true : null), 'a note');
    }
    assert.equal(n2.notes.length, 1);
    assert.match(n2.notes.join(), /cdc was not moved on to 0\/1: database "no_such_database" does not exist/);
  });

  test('the primary is gone: after the promotion its consumer misses nothing, and gets nothing twice that it confirmed here', async () => {
    await insert(21, 30);
    await n1.sql('ALTER TABLE public.t ADD COLUMN more int DEFAULT 1');
    await n1.sql('VACUUM FULL pg_catalog.pg_attribute');
    await insert2(31, 40);
    await replayed((await primary()).flushLsn);
    await n1.stop();
    const mine = timeline(1);
    const promoted = await n2.perform({ kind: 'promote', premise: noPremise, mine, taken: mine });
    assert.equal(promoted.error, null);
    const all = await consume(n2);
    assert.deepEqual(all, [21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40]);
    assert.deepEqual(await consume(n2), []);
  });

  const insert2 = (from: number, to: number) =>
    n1.sql(`INSERT INTO public.t (id) SELECT generate_series(${from}, ${to})`);
});

describe('a standby without an upstream', () => {
  const folder = makeFolder();
  const archive = `${folder.path}/%f`;
  const n1 = makeNode(folder.path, 'n1', 19_474, { archive_mode: 'on', archive_command: `cp %p ${archive}` });
  const n2 = makeNode(folder.path, 'n2', 19_475);
  Object.assign(n2.settings.postgres.recovery, { restore_command: `cp ${archive} %p` });
  after(async () => {
    await n1.end();
    await n2.end();
    folder.remove();
  });

  test('it follows by the archive, takes no slot, and nothing streams to it [B-34]', async () => {
    assert.equal((await n1.perform({ kind: 'bootstrap' })).error, null);
    assert.equal((await n2.perform({ kind: 'clone', from: n1.upstream(), premise: noPremise })).error, null);
    assert.equal((await n2.perform({ kind: 'startStandby', upstream: null })).error, null);
    await n1.sql('CREATE TABLE public.t AS SELECT 1 AS id');
    await n1.sql('SELECT pg_switch_wal()');
    await until(
      async () => ((await n2.sql("SELECT to_regclass('public.t')::text")) === 'public.t' ? true : null),
      'the table is there',
    );
    const [primary, standby] = [await n1.postgres.look(), await n2.postgres.look()];
    assert.ok(standby.kind === 'running' && standby.role === 'standby' && primary.kind === 'running');
    assert.deepEqual([standby.receiver, standby.upstream], [null, null]);
    assert.deepEqual([primary.slots, primary.senders], [[], []]);
    assert.equal(replicationStateOf(standby, n2.settings.postgres), 'in archive recovery');
  });
});
