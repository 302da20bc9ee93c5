import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTags } from '../../src/codec/config/tags.ts';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';
import { dataDirAt } from '../../src/sim/postgres/dataDir.ts';
import { planOf, runPlan } from '../../src/sim/run.ts';
import { asked, dataDir, ends, keyOf, leadsElsewhere, moveTo, othersThan, settles, three } from '../scenarios/stage.ts';

/** Synchronous mode, priority: no acknowledged commit is ever lost, and commits go on. */

const on = { synchronous_mode: true };
const strict = { ...on, synchronous_mode_strict: true };

const syncOf = (cluster: SimulatedCluster): { leader: string; sync_standby: string | null } =>
  JSON.parse(keyOf(cluster, 'sync') ?? '{}');
const namesOn = (cluster: SimulatedCluster, name: string): string =>
  cluster.server(name)?.conf.get('synchronous_standby_names') ?? '';

test('a standby is waited for, then named in /sync, and leads when the primary dies, though the other is as far', async () => {
  const { cluster, leader } = await three(31, on);
  const { leader: named, sync_standby: standby } = syncOf(cluster);
  assert.equal(named, leader);
  assert.ok(standby !== null && standby !== leader);
  assert.equal(namesOn(cluster, leader), standby);
  cluster.powerOff(leader);
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 60_000 });
  assert.equal(cluster.primary(), standby);
  await cluster.run(5_000);
  cluster.powerOn(leader);
  await ends(cluster, 0);
  assert.deepEqual(syncOf(cluster).leader, standby);
});

test('the synchronous standby dies: commits go on with the other, which is fit to lead from then on', async () => {
  const { cluster, leader } = await three(32, on);
  const standby = syncOf(cluster).sync_standby ?? '';
  const other = othersThan(leader).find((name) => name !== standby) ?? '';
  cluster.network.isolate(standby);
  await cluster.until(() => syncOf(cluster).sync_standby === other, { withinMs: 5_000 });
  const movedMs = cluster.engine.now();
  await cluster.until(() => cluster.writesSince(movedMs), { withinMs: 1_000 });
  cluster.network.heal();
  await cluster.run(3_000);
  assert.equal(syncOf(cluster).sync_standby, other, 'who is waited for stays');
  cluster.powerOff(leader);
  await cluster.until(() => cluster.primary() === other, { withinMs: 60_000 });
  cluster.powerOn(leader);
  await ends(cluster, 0);
});

test('alone, a primary goes on, and nobody but itself may lead; strict, no commit is acknowledged [lesson 70]', async () => {
  for (const [settings, seed] of [
    [on, 33],
    [strict, 34],
  ] as const) {
    const { cluster, leader, others } = await three(seed, settings);
    const before = syncOf(cluster).sync_standby;
    for (const name of others) cluster.postgres(name).kill();
    for (const name of others) cluster.agent(name).kill({ restartAfterMs: null });
    await cluster.run(60_000);
    const aloneMs = cluster.engine.now();
    await cluster.run(20_000);
    assert.equal(cluster.writesSince(aloneMs), settings === on, JSON.stringify(settings));
    assert.equal(syncOf(cluster).sync_standby, settings === on ? null : before);
    cluster.powerOff(leader);
    for (const name of others) cluster.powerOff(name);
    for (const name of others) cluster.powerOn(name);
    await cluster.run(60_000);
    assert.equal(cluster.primary(), settings === on ? null : before, 'who was not waited for does not lead');
    cluster.powerOn(leader);
    await ends(cluster, 0);
  }
});

test('a switchover goes to who was waited for alone, and loses nothing', async () => {
  const { cluster, leader } = await three(35, on);
  const standby = syncOf(cluster).sync_standby ?? '';
  const other = othersThan(leader).find((name) => name !== standby) ?? '';
  const request = JSON.stringify({ leader, candidate: other });
  assert.equal(await asked(cluster, leader, 'POST', '/switchover', request), 412);
  await moveTo(cluster, leader, standby);
  await ends(cluster, 0);
  assert.equal(syncOf(cluster).leader, standby);
});

test('two are waited for; switched off, the key is gone and nobody is waited for', async () => {
  const { cluster, leader, others } = await three(36, { ...on, synchronous_node_count: 2 });
  assert.equal(syncOf(cluster).sync_standby, [...others].sort().join(','));
  assert.equal(namesOn(cluster, leader), `2 (${[...others].sort().join(',')})`);
  void cluster.ask(leader, 'PATCH', '/config', JSON.stringify({ synchronous_mode: null }));
  await cluster.until(() => keyOf(cluster, 'sync') === null && namesOn(cluster, leader) === '', { withinMs: 30_000 });
  await ends(cluster, 0);
});

test('what somebody wrote into /sync, or into the server, is put right without a promise that nobody keeps', async () => {
  const { cluster, leader, others } = await three(37, on);
  const standby = syncOf(cluster).sync_standby ?? '';
  const other = others.find((name) => name !== standby) ?? '';
  const lie = { fromMs: cluster.engine.now(), untilMs: 0 };
  for (const text of [JSON.stringify({ leader, quorum: 0, sync_standby: `${standby},${other}` }), 'garbage']) {
    cluster.etcd.store.txn([], [{ op: 'put', key: '/service/sim/sync', value: text }], [], () => true);
    await cluster.until(() => keyOf(cluster, 'sync') !== text && syncOf(cluster).sync_standby === standby, {
      withinMs: 40_000,
    });
    lie.untilMs ||= cluster.engine.now();
  }
  await settles(cluster);
  // For as long as it stood there, what somebody wrote let one be elected that nobody waited for; nobody else, and no longer.
  assert.deepEqual(
    cluster
      .violations(0)
      .filter(
        (one) =>
          one.kind !== 'exposed' ||
          one.exposure.member !== other ||
          one.exposure.atMs < lie.fromMs ||
          one.exposure.atMs > lie.untilMs,
      ),
    [],
  );
  assert.deepEqual(cluster.corrupted(), []);
});

test('ALTER SYSTEM says otherwise: it is put right, and commits go on', async () => {
  for (const names of ['', 'ghost']) {
    // With one standby alone nothing else is ever wanted, and nothing else is written.
    const cluster = await simulate({ members: ['n1', 'n2'], seed: 39, writeEveryMs: 250, settings: on }).untilSteady();
    await cluster.run(10_000);
    const leader = cluster.primary() ?? '';
    dataDirAt(cluster.node(leader).machine, dataDir).put(
      'postgresql.auto.conf',
      `synchronous_standby_names = '${names}'\n`,
    );
    cluster.server(leader)?.postmaster.signal('HUP');
    await cluster.run(10_000);
    assert.notEqual(syncOf(cluster).sync_standby, null);
    assert.equal(namesOn(cluster, leader), syncOf(cluster).sync_standby, `after "${names}"`);
    const putRightMs = cluster.engine.now();
    await cluster.until(() => cluster.writesSince(putRightMs), { withinMs: 3_000 });
    // For a moment commits waited for nobody, as somebody had wanted.
    assert.deepEqual(
      cluster.violations(0).filter(({ kind }) => kind !== 'exposed'),
      [],
    );
  }
});

test('a list that a frozen postmaster has not read yet is not taken for the one it goes by [seed 0x9a]', async () => {
  const { findings } = await runPlan({ ...planOf(0x9a), mode: 'sync', safetyMs: 480_000, writeEveryMs: 1000 });
  assert.deepEqual(findings, []);
});

test('the mode goes off and on again while the leader has no etcd: /sync lets nobody lead that was not waited for', async () => {
  const { cluster, leader, others } = await three(0x7c3, { ...on, failsafe_mode: true });
  const named = syncOf(cluster).sync_standby ?? '';
  const away = others.find((name) => name !== named) ?? '';
  const mode = () => cluster.node(leader).handles()?.snapshot()?.seen.settings.cluster.synchronousMode;
  void cluster.ask(away, 'PATCH', '/config', '{"synchronous_mode": false}');
  await cluster.until(() => mode() === 'off', { withinMs: 30_000 });
  cluster.etcd.shutOut.add(leader);
  await cluster.run(5_000);
  // The one in /sync hears no more of the leader.
  cluster.network.cut(leader, named);
  cluster.network.cut(named, leader);
  void cluster.ask(named, 'PATCH', '/config', '{"synchronous_mode": true}');
  await cluster.run(12_000);
  cluster.powerOff(leader);
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 90_000 });
  cluster.etcd.shutOut.clear();
  cluster.powerOn(leader);
  await ends(cluster, 0);
});

test('nosync comes to the standby that is named: it stays until another has all, so that somebody may lead at every moment', async () => {
  const { cluster, leader } = await three(0x5e6, on);
  const standby = syncOf(cluster).sync_standby ?? '';
  const other = othersThan(leader).find((name) => name !== standby) ?? '';
  cluster.node(standby).edit((file) => ({ ...file, tags: readTags({ nosync: true }, assert.fail) }));
  cluster.node(standby).signal('agent', 'HUP');
  const seen = new Set<string | null>();
  await cluster.until(
    () => {
      seen.add(syncOf(cluster).sync_standby);
      return syncOf(cluster).sync_standby === other;
    },
    { withinMs: 5_000 },
  );
  assert.ok(!seen.has(null) && !seen.has(''), [...seen].join(' | '));
  await cluster.run(3_000);
  assert.deepEqual([syncOf(cluster).sync_standby, namesOn(cluster, leader)], [other, other]);
  cluster.postgres(other).kill();
  cluster.agent(other).kill({ restartAfterMs: 30_000 });
  await cluster.until(() => syncOf(cluster).sync_standby === null, { withinMs: 10_000 });
  await cluster.run(2_000);
  assert.equal(namesOn(cluster, leader), '', 'nobody waits for who asked not to be waited for');
  await ends(cluster, 0);
});
