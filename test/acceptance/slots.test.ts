import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SimulatedCluster } from '../../src/sim/cluster.ts';
import type { SimSlot } from '../../src/sim/postgres/dataDir.ts';
import { ends, jobsOf, keyOf, leadsElsewhere, members } from '../scenarios/stage.ts';
import { begunByFirst, first, joins, said, second, stops, tagged, third } from './stage.ts';

/** Replication slots, and where copies and streams come from, as Patroni's acceptance scenarios ask for it. */

const ttlMs = 30_000;
const cdc = { database: 'postgres', plugin: 'pgoutput' };
const logicalWal = {
  use_slots: true,
  use_pg_rewind: true,
  parameters: { wal_level: 'logical', wal_log_hints: 'on' },
};
const slotsOn = (cluster: SimulatedCluster, name: string): ReadonlyMap<string, SimSlot> =>
  cluster.server(name)?.dir.slots() ?? new Map();
const namesOn = (cluster: SimulatedCluster, name: string): string => [...slotsOn(cluster, name).keys()].sort().join();
const placeOf = (cluster: SimulatedCluster, node: string, name: string): bigint | null => {
  const slot = slotsOn(cluster, node).get(name);
  return slot?.logical === undefined ? (slot?.restartLsn ?? null) : slot.logical.confirmedLsn;
};
const statusKey = (cluster: SimulatedCluster): { slots: Record<string, number>; retain_slots: string[] } =>
  JSON.parse(keyOf(cluster, 'status') ?? '{}');
const lawful = (cluster: SimulatedCluster): void => {
  assert.deepEqual(cluster.violations(), []);
  assert.deepEqual(cluster.corrupted(), []);
};
/** Their consumers have what was written so far. */
function consume(cluster: SimulatedCluster, node: string, ...names: string[]): bigint {
  const flushed = cluster.server(node)?.wal.flushed ?? 0n;
  for (const name of names) {
    const slot = slotsOn(cluster, node).get(name);
    assert.ok(slot !== undefined, `no slot ${name} on ${node}`);
    slot.restartLsn = flushed;
    if (slot.logical !== undefined) slot.logical.confirmedLsn = flushed;
  }
  return flushed;
}

test('permanent slots: on leader and standbys, moved on with their consumers, in /status, kept apart from those that are retained; none where nofailover is set [B-31]', async () => {
  const settings = { member_slots_ttl: 60, slots: { barman: null, cdc, [third]: null }, postgresql: logicalWal };
  const cluster = await begunByFirst(1031, { settings, tags: { [third]: { nofailover: true } } });
  await cluster.until(() => namesOn(cluster, second) === 'barman,cdc,n1,n3', { withinMs: 60_000 });
  assert.equal(namesOn(cluster, first), 'barman,cdc,n2,n3');
  const consumed = consume(cluster, first, 'barman', 'cdc');
  await cluster.until(() => ['barman', 'cdc'].every((name) => placeOf(cluster, second, name) === consumed), {
    withinMs: 25_000,
  });
  await cluster.run(2 * ttlMs);
  assert.equal(namesOn(cluster, third), '', 'it never leads');
  assert.deepEqual(Object.keys(statusKey(cluster).slots).sort(), ['barman', 'cdc', 'n1', 'n2', 'n3']);
  assert.deepEqual(
    statusKey(cluster).retain_slots,
    ['n1', 'n2'],
    'n3 stands in the configuration, and is kept by that',
  );
  await stops(cluster, third);
  await cluster.run(150_000);
  assert.ok(slotsOn(cluster, first).has('n3'), 'its member is gone for longer than member_slots_ttl');
  lawful(cluster);
});

test('a slot of a member that streams from another: in use there alone, idle and moved on at the leader [B-31]', async () => {
  const settings = { slots: { [third]: null } };
  const cluster = await begunByFirst(1131, { settings, tags: { [third]: { replicatefrom: second } } });
  await cluster.until(() => cluster.server(third)?.receiver?.host === second, { withinMs: 30_000 });
  await cluster.run(20_000);
  const before = placeOf(cluster, first, third) ?? 0n;
  assert.equal(slotsOn(cluster, second).get(third)?.active, true);
  assert.equal(slotsOn(cluster, first).get(third)?.active, false);
  await cluster.run(30_000);
  assert.ok((placeOf(cluster, first, third) ?? 0n) > before, 'it holds no WAL back');
  lawful(cluster);
});

test('after a failover the permanent slots are on the new leader; what comes back keeps none that holds up vacuum [B-31]', async () => {
  const settings = { slots: { barman: null, cdc }, postgresql: logicalWal };
  const cluster = await begunByFirst(1231, { settings });
  await cluster.until(() => [second, third].every((name) => slotsOn(cluster, name).has('cdc')), { withinMs: 120_000 });
  const consumed = consume(cluster, first, 'barman', 'cdc');
  await cluster.run(25_000);
  assert.notEqual(slotsOn(cluster, first).get(second)?.feedback, undefined, 'its standbys tell it what they need');
  await stops(cluster, first);
  await cluster.until(() => leadsElsewhere(cluster, first), { withinMs: 10_000 });
  const next = cluster.primary() ?? '';
  for (const name of ['barman', 'cdc']) assert.equal(placeOf(cluster, next, name), consumed, name);
  await joins(cluster, first);
  await ends(cluster);
  await cluster.run(30_000);
  const idle = [...slotsOn(cluster, first).values()].filter(({ active, logical }) => !active && logical === undefined);
  assert.deepEqual(idle.map(({ name }) => name).sort(), ['barman', ...members.filter((name) => name !== first)].sort());
  assert.deepEqual(
    idle.filter(({ feedback }) => feedback !== undefined),
    [],
  );
});

test('slots that are to be ignored, by any of their attributes, survive two failovers; one that nobody named is dropped [B-32]', async () => {
  const theirs = ['ignored0', 'ignored1', 'ignored2', 'ignored3'];
  const ignore_slots = [
    { name: 'ignored0', database: 'postgres', plugin: 'test_decoding', type: 'logical' },
    { name: 'ignored1', database: 'postgres', plugin: 'test_decoding' },
    { name: 'ignored2', database: 'postgres' },
    { name: 'ignored3' },
    { plugin: 'wal2json', type: 'logical' },
  ];
  const cluster = await begunByFirst(1032, { settings: { ignore_slots, postgresql: logicalWal } }, [third]);
  const make = (node: string, name: string, plugin = 'test_decoding'): void => {
    const flushed = cluster.server(node)?.wal.flushed ?? 0n;
    const logical = { database: 'postgres', plugin, confirmedLsn: flushed };
    cluster.server(node)?.dir.slots().set(name, { name, active: false, restartLsn: flushed, logical });
  };
  const left = (node: string): string =>
    [...slotsOn(cluster, node).values()]
      .flatMap(({ name, logical }) => (logical === undefined ? [] : [name]))
      .sort()
      .join();
  const all = [...theirs, 'unnamed'].join();
  const makeAll = (node: string): void => {
    for (const name of theirs) make(node, name);
    make(node, 'unnamed', 'wal2json');
  };
  const failover = async (from: string, to: string): Promise<void> => {
    await stops(cluster, from);
    await cluster.until(() => cluster.primary() === to, { withinMs: 30_000 });
  };
  makeAll(first);
  make(first, 'nobodys');
  await cluster.run(ttlMs + 15_000);
  assert.equal(left(first), all, 'and nothing else');
  await failover(first, second);
  makeAll(second);
  await joins(cluster, first);
  await cluster.run(ttlMs + 15_000);
  for (const name of [first, second]) assert.equal(left(name), all, name);
  await failover(second, first);
  await joins(cluster, second);
  await cluster.run(ttlMs + 15_000);
  for (const name of [first, second]) assert.equal(left(name), all, name);
  lawful(cluster);
});

test('nostream: its first copy comes from the leader, then all from the archive, as it says; no slot is for it, no logical one on it or below [B-34]', async () => {
  const recovery_conf = { restore_command: 'cp /archive/%f %p' };
  const settings = { slots: { cdc }, postgresql: { ...logicalWal, recovery_conf } };
  const tags = { [second]: { nostream: true }, [third]: { replicatefrom: second } };
  const cluster = await begunByFirst(1034, { settings, tags });
  await cluster.run(3 * ttlMs);
  const [copied] = jobsOf(cluster, second).filter(({ job }) => job === 'clone');
  assert.match(copied?.step ?? '', new RegExp(first));
  assert.equal(cluster.server(second)?.inRecovery, true);
  assert.equal(cluster.server(second)?.receiver, null);
  const stateOf = async (name: string) => (await said(cluster, name, '/patroni')).fields.replication_state;
  const inKey = (name: string): unknown => JSON.parse(keyOf(cluster, `members/${name}`) ?? '{}').replication_state;
  assert.deepEqual([await stateOf(second), inKey(second)], ['in archive recovery', 'in archive recovery']);
  assert.deepEqual([await stateOf(third), inKey(third)], ['streaming', 'streaming']);
  assert.equal(cluster.server(third)?.receiver?.host, second);
  assert.ok(slotsOn(cluster, first).has('cdc'));
  for (const name of members) assert.ok(!slotsOn(cluster, name).has(second), `no slot for it on ${name}`);
  for (const name of [second, third]) assert.ok(!slotsOn(cluster, name).has('cdc'), `no logical slot on ${name}`);
  lawful(cluster);
});

test('nostream, by a reload: a standby that streams leaves its upstream, and its slot goes; taken back, it streams again [B-34]', async () => {
  const cluster = await begunByFirst(1134, { settings: { member_slots_ttl: 0 } });
  const retag = async (tags: object): Promise<void> => {
    cluster.node(second).edit((file) => ({ ...file, ...tagged(tags) }));
    void cluster.ask(second, 'POST', '/reload');
    await cluster.run(2 * ttlMs);
  };
  assert.equal(cluster.server(second)?.receiver?.status, 'streaming');
  await retag({ nostream: true });
  assert.equal(cluster.server(second)?.receiver, null);
  assert.ok(!slotsOn(cluster, first).has(second));
  await retag({});
  assert.equal(cluster.server(second)?.receiver?.status, 'streaming');
  lawful(cluster);
});

test('clonefrom: a new member is copied from the replica that offers itself, whether it then streams from that one or from the leader [B-35]', async () => {
  for (const [seed, ofThird, upstream] of [
    [1035, { replicatefrom: second }, second],
    [1135, {}, first],
  ] as const) {
    const cluster = await begunByFirst(seed, { tags: { [second]: { clonefrom: true }, [third]: ofThird } });
    const copies = jobsOf(cluster, third).filter(({ job }) => job === 'clone');
    assert.deepEqual(
      copies.map(({ step, outcome }) => [step.includes(second), outcome]),
      [[true, 'done']],
    );
    await cluster.until(() => cluster.server(third)?.receiver?.status === 'streaming', { withinMs: 30_000 });
    assert.equal(cluster.server(third)?.receiver?.host, upstream);
    lawful(cluster);
  }
});
