import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Acts, actsOn } from './acts.ts';
import { makeStage, type Stage } from './stage.ts';

/** A consumer of a permanent logical slot, and a permanent physical one, through a switchover and a failover: no row is missed. */
const ttlMs = 6_000;
let stage: Stage;
let acts: Acts;
before(async () => {
  const dcs = {
    slots: { barman: null, cdc: { database: 'postgres', plugin: 'test_decoding' } },
    postgresql: { parameters: { wal_level: 'logical', max_replication_slots: 8 } },
  };
  stage = await makeStage({ ttlS: ttlMs / 1_000, witnesses: false, extraConfig: () => ({ bootstrap: { dcs } }) });
  acts = actsOn(stage);
});
after(() => stage?.end());

/** All that the consumer ever had, wherever it was connected; what is delivered again does no harm. */
const had = new Set<number>();
let written = 0;
async function write(node: string, count: number): Promise<void> {
  await stage.sql(node, `insert into orders select generate_series(${written + 1}, ${written + count})`);
  written += count;
}
async function consume(node: string): Promise<void> {
  const text = await stage.sql(
    node,
    "select substring(data from 'id\\[integer\\]:(\\d+)') from pg_logical_slot_get_changes('cdc', null, null) where data like 'table public.orders: INSERT%'",
  );
  for (const id of text.split('\n')) if (id !== '') had.add(Number(id));
}
const missed = (): readonly number[] =>
  Array.from({ length: written }, (_, index) => index + 1).filter((id) => !had.has(id));
const slotsOf = async (node: string): Promise<string> =>
  stage.sql(
    node,
    "select string_agg(slot_name, ' ' order by slot_name) from pg_replication_slots where slot_name in ('barman', 'cdc')",
  );
const confirmedOn = (node: string): Promise<string> =>
  stage.sql(node, "select confirmed_flush_lsn - '0/0'::pg_lsn from pg_replication_slots where slot_name = 'cdc'");
const saysSafe = async (node: string): Promise<boolean> =>
  /"cdc": ?\{"type": ?"logical", ?"safe": ?true\}/.test(
    (await stage.lab.node(node).exec(['curl', '-sS', 'http://localhost:8008/patroni'])).stdout,
  );
/**
 * Both standbys have both slots, and the logical one could be used there. Its consumer goes on meanwhile: a standby that was made after the slot
 * has none of the WAL that it began with.
 */
async function ready(): Promise<void> {
  const leader = await stage.healthy();
  for (const { name } of stage.lab.nodes) {
    await stage.until(
      async () => {
        await consume(leader);
        return (await slotsOf(name)) === 'barman cdc';
      },
      60_000,
      `the slots of ${name}`,
    );
    if (name !== leader) await stage.until(() => saysSafe(name), 30_000, `the copy on ${name} is safe`);
  }
}

test('both slots are on every member, and the copies of the logical one are proven to be safe', async () => {
  const leader = await stage.healthy();
  await stage.sql(leader, 'create table orders (id int primary key)');
  await ready();
  await write(leader, 100);
  await consume(leader);
  assert.deepEqual(missed(), []);
});

test('a switchover: the consumer goes on at the new leader, and misses nothing', async () => {
  const leader = await stage.healthy();
  const [next = ''] = await stage.standbys();
  await write(leader, 100);
  const moved = await stage.ctl(leader, ['switchover', '--candidate', next, '--force']);
  assert.equal(moved.code, 0, moved.stderr + moved.stdout);
  await stage.until(async () => (await stage.sql(next, 'select pg_is_in_recovery()')) === 'f', 20_000, `${next} leads`);
  await write(next, 50);
  await consume(next);
  assert.deepEqual(missed(), []);
  await ready();
});

test('the power of the leader goes: the consumer goes on at the one that takes over, and misses nothing', async () => {
  const leader = await stage.healthy();
  await write(leader, 50);
  await consume(leader);
  await write(leader, 50);
  await acts.rowArrives();
  await stage.lab.node(leader).powerOff();
  const next = await stage.until(
    async () => {
      const { leader: now } = await stage.lab.status();
      return now !== null && now !== leader && (await stage.sql(now, 'select pg_is_in_recovery()')) === 'f' && now;
    },
    ttlMs + 30_000,
    'another member leads',
  );
  assert.equal(await slotsOf(next), 'barman cdc');
  assert.deepEqual(stage.journal(next, /not proven to be safe/), []);
  await write(next, 50);
  await consume(next);
  assert.deepEqual(missed(), []);
  await stage.lab.node(leader).powerOn();
  await ready();
  assert.ok(
    Number(await confirmedOn(leader)) <= Number(await confirmedOn(next)),
    'the one that came back is not ahead',
  );
});
