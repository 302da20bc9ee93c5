import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SimulatedCluster } from '../../src/sim/cluster.ts';
import { ends, keyOf, leadsElsewhere, moveTo, pause, three } from '../scenarios/stage.ts';

/** Permanent slots, those of others, and those of nobody, through what happens to a cluster. */

const ttlMs = 30_000;
const settings = { slots: { barman: null }, ignore_slots: [{ name: 'theirs' }] };
const slotsOn = (cluster: SimulatedCluster, name: string) => {
  const server = cluster.server(name);
  if (server === null) throw new Error(`${name} does not run`);
  return server.dir.slots();
};
/** Somebody makes a slot by hand, and does not use it. */
function makeSlot(cluster: SimulatedCluster, node: string, name: string): void {
  slotsOn(cluster, node).set(name, { name, active: false, restartLsn: cluster.server(node)?.wal.flushed ?? 0n });
}
/** The consumer of a slot has what was written so far. */
function consume(cluster: SimulatedCluster, node: string, name: string): bigint {
  const slot = slotsOn(cluster, node).get(name);
  const flushed = cluster.server(node)?.wal.flushed;
  if (slot === undefined || flushed === undefined) throw new Error(`no slot ${name} on ${node}`);
  slot.restartLsn = flushed;
  return flushed;
}

test('a permanent slot is everywhere, follows its consumer, and is there after a switchover and a failover', async () => {
  const { cluster, leader, others } = await three(901, settings);
  const consumed = consume(cluster, leader, 'barman');
  await cluster.run(45_000);
  for (const name of others) assert.equal(slotsOn(cluster, name).get('barman')?.restartLsn, consumed, name);
  const status: unknown = JSON.parse(keyOf(cluster, 'status') ?? '');
  assert.ok(typeof status === 'object' && status !== null && 'slots' in status && 'retain_slots' in status);
  assert.equal((status.slots as Record<string, unknown>).barman, Number(consumed));
  assert.deepEqual(status.retain_slots, ['n1', 'n2', 'n3']);
  await moveTo(cluster, leader, others[0]);
  await cluster.run(15_000);
  assert.equal(slotsOn(cluster, others[0]).get('barman')?.restartLsn, consumed);
  cluster.powerOff(others[0]);
  await cluster.until(() => leadsElsewhere(cluster, others[0]), { withinMs: 60_000 });
  const third = cluster.primary() ?? '';
  const kept = slotsOn(cluster, third).get('barman')?.restartLsn;
  assert.ok(kept !== undefined && kept !== null && kept <= consumed, 'nothing that its consumer lacks is gone');
  cluster.powerOn(others[0]);
  await ends(cluster);
});

test('a slot that nobody asked for is dropped, not in pause; one that is to be ignored survives two failovers', async () => {
  const { cluster, leader } = await three(902, settings);
  for (const name of ['n1', 'n2', 'n3']) {
    makeSlot(cluster, name, 'theirs');
    makeSlot(cluster, name, 'nobodys');
  }
  await cluster.run(ttlMs / 2);
  assert.ok(slotsOn(cluster, leader).has('nobodys'), 'not at once: its consumer may come back');
  await pause(cluster);
  await cluster.run(3 * ttlMs);
  assert.ok(slotsOn(cluster, leader).has('nobodys'), 'people are at work');
  await pause(cluster, false);
  await cluster.run(ttlMs + 15_000);
  for (const name of ['n1', 'n2', 'n3'])
    assert.deepEqual(
      [slotsOn(cluster, name).has('nobodys'), slotsOn(cluster, name).has('theirs')],
      [false, true],
      name,
    );
  let last = leader;
  for (let failovers = 0; failovers < 2; failovers += 1) {
    const gone = last;
    cluster.powerOff(gone);
    await cluster.until(() => leadsElsewhere(cluster, gone), { withinMs: 60_000 });
    last = cluster.primary() ?? '';
    cluster.powerOn(gone);
    await ends(cluster);
    await cluster.run(ttlMs + 15_000);
    assert.ok(slotsOn(cluster, last).has('theirs'));
  }
});

test('slots that were wanted, and a configuration with a mistake in it: nothing is dropped until it is mended', async () => {
  const { cluster, leader } = await three(903, settings);
  const patch = (slots: object) => cluster.ask(leader, 'PATCH', '/config', JSON.stringify({ slots }));
  void patch({ barman: { type: 'phisical' } });
  await cluster.run(3 * ttlMs);
  assert.ok(slotsOn(cluster, leader).has('barman'));
  void patch({ barman: null });
  await cluster.run(ttlMs + 25_000);
  assert.equal(slotsOn(cluster, leader).has('barman'), false, 'now nobody asks for it any more');
  await ends(cluster);
});

const cdc = { database: 'postgres', plugin: 'pgoutput' };
const withLogical = {
  slots: { cdc },
  postgresql: { use_slots: true, use_pg_rewind: true, parameters: { wal_level: 'logical', wal_log_hints: 'on' } },
};
const placeOf = (cluster: SimulatedCluster, node: string): bigint | null =>
  slotsOn(cluster, node).get('cdc')?.logical?.confirmedLsn ?? null;
const saidOf = async (cluster: SimulatedCluster, node: string): Promise<string> => {
  let body = '';
  void cluster.ask(node, 'GET', '/patroni').then((answer) => {
    body = answer?.body ?? '';
  });
  await cluster.run(100);
  return body;
};

test('a logical slot: made on the leader, taken over by both standbys, moved on with its consumer, there after a failover', async () => {
  const { cluster, leader, others } = await three(904, withLogical);
  await cluster.run(60_000);
  for (const name of ['n1', 'n2', 'n3']) assert.notEqual(placeOf(cluster, name), null, name);
  const consumed = consume(cluster, leader, 'cdc');
  const original = slotsOn(cluster, leader).get('cdc')?.logical;
  assert.ok(original !== undefined);
  original.confirmedLsn = consumed;
  await cluster.run(45_000);
  for (const name of others) {
    assert.equal(placeOf(cluster, name), consumed, name);
    assert.match(await saidOf(cluster, name), /"cdc": ?\{"type": ?"logical", ?"safe": ?true\}/);
  }
  cluster.powerOff(leader);
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 60_000 });
  const next = cluster.primary() ?? '';
  assert.equal(placeOf(cluster, next), consumed, 'its consumer goes on where it was');
  assert.deepEqual(
    cluster.journal(next).filter((entry) => entry.kind === 'note' && /not proven/.test(entry.text)),
    [],
  );
  cluster.powerOn(leader);
  await ends(cluster);
  await cluster.run(90_000);
  assert.ok((placeOf(cluster, leader) ?? 0n) <= (placeOf(cluster, next) ?? 0n), 'and none is ahead of it');
});

test('the agent or the leader dies while a standby takes a logical slot over: it comes back, and has it in the end', async () => {
  for (const [seed, delayMs] of [
    [905, 0],
    [906, 60],
    [907, 200],
    [908, 500],
  ] as const) {
    const { cluster, leader, others } = await three(seed, { ...withLogical, slots: {} });
    void cluster.ask(leader, 'PATCH', '/config', JSON.stringify({ slots: { cdc } }));
    const [standby] = others;
    const at = () => cluster.journal(standby).some((entry) => entry.kind === 'job' && entry.job === 'copySlots');
    await cluster.until(at, { withinMs: 60_000 });
    await cluster.run(delayMs);
    if (seed % 2 === 1) cluster.agent(standby).kill();
    else cluster.powerOff(leader);
    await cluster.run(45_000);
    if (seed % 2 === 0) cluster.powerOn(leader);
    await ends(cluster);
    await cluster.run(120_000);
    for (const name of ['n1', 'n2', 'n3']) assert.notEqual(placeOf(cluster, name), null, `${name} of ${seed}`);
  }
});

test('failsafe mode: etcd is away, and the slots of standbys go on with their consumers', async () => {
  const { cluster, leader, others } = await three(909, { ...settings, failsafe_mode: true });
  for (const name of ['n1', 'n2', 'n3']) cluster.etcd.kill(name);
  await cluster.run(45_000);
  const consumed = consume(cluster, leader, 'barman');
  await cluster.run(45_000);
  assert.equal(cluster.primary(), leader);
  for (const name of others) assert.equal(slotsOn(cluster, name).get('barman')?.restartLsn, consumed, name);
  for (const name of ['n1', 'n2', 'n3']) cluster.etcd.start(name);
  await ends(cluster);
});
