import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFailsafe } from '../../src/codec/dcs/failsafe.ts';
import { pid } from '../../src/model/units.ts';
import type { SimulatedCluster } from '../../src/sim/cluster.ts';
import { places } from '../../src/sim/settings.ts';
import { ends, keyOf } from '../scenarios/stage.ts';
import { begunByFirst, dies, first, joins, killEtcd, msUntil, said, second, startEtcd, stops, third } from './stage.ts';

/** Failsafe mode, as Patroni's acceptance scenarios ask for it: etcd is down, members die, etcd is back. */

/** What the scenarios set, so that they need not wait long; their limits are for this. */
const brisk = { failsafe_mode: true, ttl: 20, loop_wait: 2, retry_timeout: 3 };
const listed = (cluster: SimulatedCluster): string =>
  Object.keys(readFailsafe(keyOf(cluster, 'failsafe') ?? '') ?? {}).join();
const isDemoted = (cluster: SimulatedCluster, name: string): boolean => cluster.server(name)?.inRecovery !== false;
const tellsFailsafe = async (cluster: SimulatedCluster, name: string): Promise<boolean> =>
  (await said(cluster, name, '/patroni')).fields.failsafe_mode_is_active === true;

test('a single node goes on as the primary without etcd, and says within 12 s that it does so by failsafe mode [B-18]', async () => {
  const cluster = await begunByFirst(1018, { settings: { failsafe_mode: true } }, [second, third]);
  assert.equal(listed(cluster), first);
  killEtcd(cluster);
  const tookMs = await msUntil(cluster, 12_000, () => tellsFailsafe(cluster, first));
  assert.ok(tookMs <= 12_000, `${tookMs} ms`);
  for (let i = 0; i < 12; i += 1) {
    await cluster.run(5000);
    assert.equal((await said(cluster, first, '/primary')).status, 200);
    assert.ok(await tellsFailsafe(cluster, first));
  }
  assert.ok(cluster.writesSince(cluster.engine.now() - 1000));
  startEtcd(cluster);
  await msUntil(cluster, 12_000, async () => !(await tellsFailsafe(cluster, first)));
  assert.ok(!cluster.rulesOf(first).includes('lease.runningOut'));
});

/** A copy that somebody made by hand: no agent was there, and nobody knows of it. */
async function restoredByHand(seed: number): Promise<SimulatedCluster> {
  const cluster = await begunByFirst(seed, { settings: brisk }, [second, third]);
  killEtcd(cluster);
  await cluster.run(20_000);
  startEtcd(cluster);
  await cluster.run(20_000);
  const { machine } = cluster.node(second);
  const args = ['-D', places.dataDir, '-d', `host=${first} port=5432`, '-R'];
  const executable = `${places.binDir}/pg_basebackup`;
  const program = machine.programFor(executable, args);
  assert.ok(program !== null);
  machine.processes.spawn({ parent: pid(1), executable, start: { args, env: {}, input: '' }, cwd: '/', program });
  await cluster.run(5000);
  assert.equal(listed(cluster), first);
  return cluster;
}

test('etcd is back, the leader dies, and a new node with a copy of its data comes that is not on the list: it stays a replica [B-19]', async () => {
  const cluster = await restoredByHand(1019);
  dies(cluster, first);
  await joins(cluster, second);
  await cluster.until(() => keyOf(cluster, 'leader') === null, { withinMs: 30_000 });
  await cluster.run(120_000);
  assert.deepEqual(cluster.primaries(), []);
  assert.equal(cluster.server(second)?.inRecovery, true);
  assert.equal((await said(cluster, second, '/replica')).status, 200);
  assert.equal(cluster.rulesOf(second).at(-1), 'race.notListed');
  await joins(cluster, first);
  await cluster.until(() => cluster.primary() === first, { withinMs: 30_000 });
  await cluster.until(() => listed(cluster) === `${first},${second}`, { withinMs: 30_000 });
  assert.deepEqual(cluster.violations(), []);
});

test('the same after a leader that gave its key back as it stopped: that none is left is sure, and the new node leads [B-19]', async () => {
  const cluster = await restoredByHand(1119);
  await stops(cluster, first);
  await joins(cluster, second);
  await cluster.until(() => cluster.primary() === second, { withinMs: 30_000 });
  await joins(cluster, first);
  await cluster.until(() => listed(cluster) === `${first},${second}`, { withinMs: 30_000 });
  assert.deepEqual(cluster.violations(), []);
});

/** Two members, no etcd, and then the replica is killed: its word is missing. */
async function aloneInTheDark(seed: number, settings: Readonly<Record<string, unknown>>): Promise<SimulatedCluster> {
  const cluster = await begunByFirst(seed, { settings }, [third]);
  assert.equal(listed(cluster), `${first},${second}`);
  killEtcd(cluster);
  await cluster.run(60_000);
  assert.equal(cluster.primary(), first);
  dies(cluster, second);
  return cluster;
}

test('etcd is down, and the replica is killed: the primary is demoted within 12 s [B-20]', async () => {
  const cluster = await aloneInTheDark(1020, brisk);
  await cluster.until(() => isDemoted(cluster, first), { withinMs: 12_000 });
  await cluster.until(() => cluster.server(first)?.inRecovery === true, { withinMs: 5000 });
  await cluster.run(30_000);
  assert.deepEqual(cluster.primaries(), []);
  assert.deepEqual(cluster.violations(), []);
});

test('with a ttl of 30 s it goes on for what was promised last, and no longer: a replica that comes back meanwhile costs no write [B-20]', async () => {
  const settings = { failsafe_mode: true };
  const cluster = await aloneInTheDark(1120, settings);
  await cluster.until(() => isDemoted(cluster, first), { withinMs: 20_000 });
  const other = await aloneInTheDark(1121, settings);
  await other.run(3000);
  await joins(other, second);
  await other.run(60_000);
  assert.equal(other.primary(), first);
  assert.ok(!other.rulesOf(first).includes('lease.runningOut'));
});

test('then the primary dies as well, etcd comes back, and the replica that was on the list is promoted within 25 s [B-22]', async () => {
  const cluster = await aloneInTheDark(1022, brisk);
  await cluster.until(() => cluster.server(first)?.inRecovery === true, { withinMs: 20_000 });
  dies(cluster, first);
  await cluster.run(10_000);
  startEtcd(cluster);
  const sinceMs = cluster.engine.now();
  await joins(cluster, second);
  await cluster.until(() => cluster.primary() === second, { withinMs: 25_000 });
  assert.ok(cluster.engine.now() - sinceMs <= 25_000, `${cluster.engine.now() - sinceMs} ms`);
  await joins(cluster, first);
  await joins(cluster, third);
  await ends(cluster);
});

const cdc = { database: 'postgres', plugin: 'pgoutput' };

test('three members, one of them behind another: without etcd the primary stays, and permanent slots of both kinds go on everywhere [B-21]', async () => {
  const settings = {
    failsafe_mode: true,
    slots: { barman: null, cdc },
    postgresql: { use_slots: true, use_pg_rewind: true, parameters: { wal_level: 'logical', wal_log_hints: 'on' } },
  };
  const cluster = await begunByFirst(1021, { settings, tags: { [third]: { replicatefrom: second } } });
  const slotOn = (node: string, name: string) => cluster.server(node)?.dir.slots().get(name);
  const place = (node: string, name: string): bigint | null => {
    const slot = slotOn(node, name);
    return slot?.logical === undefined ? (slot?.restartLsn ?? null) : slot.logical.confirmedLsn;
  };
  /** Their consumers have what was written so far. */
  const consume = (): bigint => {
    const flushed = cluster.server(first)?.wal.flushed ?? 0n;
    for (const name of ['barman', 'cdc']) {
      const slot = slotOn(first, name);
      assert.ok(slot !== undefined);
      slot.restartLsn = flushed;
      if (slot.logical !== undefined) slot.logical.confirmedLsn = flushed;
    }
    return flushed;
  };
  const everywhere = (at: bigint): boolean =>
    [second, third].every((node) => ['barman', 'cdc'].every((name) => place(node, name) === at));
  await cluster.until(() => [second, third].every((node) => place(node, 'cdc') !== null), { withinMs: 120_000 });
  assert.equal(cluster.server(third)?.receiver?.host, second);
  killEtcd(cluster);
  await msUntil(cluster, 12_000, () => tellsFailsafe(cluster, first));
  for (let i = 0; i < 3; i += 1) {
    await cluster.run(20_000);
    const consumed = consume();
    await cluster.until(() => everywhere(consumed), { withinMs: 20_000 });
    assert.equal(cluster.primary(), first);
  }
  startEtcd(cluster);
  await cluster.run(30_000);
  assert.equal(keyOf(cluster, 'leader'), first);
  assert.deepEqual(cluster.violations(0), []);
  assert.deepEqual(cluster.corrupted(), []);
});
