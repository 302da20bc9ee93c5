import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';
import { planOf, runPlan } from '../../src/sim/run.ts';
import { ends, keyOf, leadsElsewhere, moveTo, three } from '../scenarios/stage.ts';

/** Synchronous mode, quorum: commits wait for so many of all standbys, and whoever leads has heard enough of them. */

const quorum = { synchronous_mode: 'quorum' };

const syncOf = (cluster: SimulatedCluster): { leader: string; sync_standby: string | null; quorum: number } =>
  JSON.parse(keyOf(cluster, 'sync') ?? '{}');
const namesOn = (cluster: SimulatedCluster, name: string): string =>
  cluster.server(name)?.conf.get('synchronous_standby_names') ?? '';

test('all standbys are listed, one must confirm; the primary dies, and the further of the two leads', async () => {
  const { cluster, leader, others } = await three(51, quorum);
  const names = [...others].sort().join(',');
  assert.deepEqual(syncOf(cluster), { leader, sync_standby: names, quorum: 1 });
  assert.equal(namesOn(cluster, leader), `ANY 1 (${names})`);
  cluster.powerOff(leader);
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 60_000 });
  const next = cluster.primary() ?? '';
  const writtenMs = cluster.engine.now();
  await cluster.until(() => cluster.writesSince(writtenMs), { withinMs: 10_000 });
  cluster.powerOn(leader);
  await ends(cluster, 0);
  assert.deepEqual(syncOf(cluster), {
    leader: next,
    sync_standby: [leader, ...others]
      .filter((name) => name !== next)
      .sort()
      .join(','),
    quorum: 1,
  });
});

test('one of two voters is not heard: nobody leads before it, or the last primary, is back', async () => {
  const { cluster, leader, others } = await three(52, quorum);
  const [first, second] = others;
  cluster.agent(second).kill({ restartAfterMs: null });
  cluster.powerOff(leader);
  await cluster.run(60_000);
  assert.equal(cluster.primary(), null);
  assert.ok(cluster.rulesOf(first).includes('race.tooFewVotes'));
  cluster.agent(second).start();
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 30_000 });
  cluster.powerOn(leader);
  await ends(cluster, 0);
});

test('of five two must confirm: two may die at once, and nothing is lost', async () => {
  const members = ['n1', 'n2', 'n3', 'n4', 'n5'];
  const settings = { ...quorum, synchronous_node_count: 2 };
  const cluster = await simulate({ members, seed: 53, writeEveryMs: 250, settings }).untilSteady();
  await cluster.run(15_000);
  const leader = cluster.primary() ?? '';
  assert.equal(syncOf(cluster).quorum, 2);
  const [other = ''] = members.filter((name) => name !== leader);
  cluster.powerOff(leader);
  cluster.powerOff(other);
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 60_000 });
  await cluster.run(10_000);
  assert.equal(syncOf(cluster).sync_standby?.split(',').length, 2, 'who is gone has no say any more');
  cluster.powerOn(leader);
  cluster.powerOn(other);
  await ends(cluster, 0);
  assert.equal(syncOf(cluster).quorum, 2);
});

test('a switchover, and the change from one mode to the other and back: every commit is kept', async () => {
  const { cluster, leader, others } = await three(54, quorum);
  await moveTo(cluster, leader, others[0]);
  await cluster.run(5_000);
  for (const mode of [true, 'quorum', true]) {
    void cluster.ask(others[0], 'PATCH', '/config', JSON.stringify({ synchronous_mode: mode }));
    await cluster.run(15_000);
    const { sync_standby: names, quorum: needed } = syncOf(cluster);
    assert.deepEqual([names?.split(',').length, needed], mode === true ? [1, 0] : [2, 1]);
  }
  await ends(cluster, 0);
});

test('a quick promotion does not lose its list to the configuration of the standby that it was [seed 0x221]', async () => {
  const { findings } = await runPlan({ ...planOf(0x221), mode: 'sync', safetyMs: 480_000, writeEveryMs: 1000 });
  assert.deepEqual(findings, []);
});

/** The laws let such a time pass, as nobody could end that primary. Its standbys can: what they do not confirm is told to no client. [W-12] */
test('a voter stands still after its vote, and nobody ends the primary of before: not one commit is acknowledged behind the vote', async () => {
  for (const seed of [81, 82, 83, 84]) {
    const { cluster, leader, others } = await three(seed, quorum);
    cluster.agent(leader).freeze();
    cluster.guardian(leader).freeze();
    assert.ok(cluster.node(leader).signal('sentinel', 'STOP'));
    const elected = (): string | undefined => others.find((name) => keyOf(cluster, 'leader') === name);
    await cluster.until(() => elected() !== undefined, { withinMs: 60_000 });
    const electedMs = cluster.engine.now();
    for (const name of others) if (name !== elected()) cluster.agent(name).freeze();
    await cluster.until(() => cluster.primaries().length === 2, { withinMs: 60_000 });
    await cluster.run(10_000);
    assert.equal(cluster.primaries().length, 2);
    const behind = cluster
      .history()
      .filter((seen) => seen.kind === 'write' && seen.node === leader && (seen.serverMs ?? 0) > electedMs);
    assert.deepEqual(behind, []);
  }
});

/** Its agent looks once a loop_wait, and what it answers is as old as its last look. */
test('a voter that has no etcd tells what it saw last: that is no vote, before it has looked again', async () => {
  for (const seed of [61, 62, 63, 64, 65, 66]) {
    const { cluster, leader, others } = await three(seed, { ...quorum, primary_start_timeout: 0 });
    const [late, voter] = others;
    await cluster.run(1000 * (seed - 60));
    cluster.etcd.shutOut.add(voter);
    cluster.network.cut(leader, late);
    await cluster.run(1500); // acknowledged by the voter's server alone
    cluster.network.heal();
    cluster.postgres(leader).kill();
    await cluster.run(15_000);
    cluster.etcd.shutOut.clear();
    await ends(cluster, 0);
  }
});

/** A voter is heard, and this one is as far as that: but what it is elected for is in the memory of its kernel only. [seed 0x16394] */
test('whoever is elected has on its disk what it is elected for', async () => {
  const { cluster, leader, others } = await three(73, { ...quorum, primary_start_timeout: 0 });
  const [late, voter] = others;
  cluster.etcd.shutOut.add(voter);
  cluster.node(late).machine.fsyncMs = 8000;
  await cluster.run(1500);
  cluster.network.cut(leader, late); // its receiver never learns that the primary is gone
  cluster.postgres(leader).kill();
  await cluster.until(() => keyOf(cluster, 'leader') === late, { withinMs: 60_000 });
  assert.ok(cluster.rulesOf(late).includes('race.withdraw'), cluster.rulesOf(late).join(' '));
  const wal = cluster.server(late)?.wal ?? assert.fail('it does not run');
  assert.equal(wal.flushed, wal.end);
  cluster.powerOff(leader);
  cluster.powerOff(late, () => 0);
  cluster.etcd.shutOut.clear();
  cluster.node(late).machine.fsyncMs = 0.1;
  cluster.network.heal();
  cluster.powerOn(late);
  cluster.powerOn(leader);
  await ends(cluster, 0);
});

test('the agent ends in a promotion, and the next one begins without etcd: commits wait for whom they were to wait [seed 0x15e]', async () => {
  const { cluster, leader, others } = await three(0x15e, quorum);
  cluster.postgresWorld.tuning.promoteMs = [6_000, 6_000];
  cluster.powerOff(leader);
  const signalled = (): string | undefined =>
    others.find((name) =>
      cluster.journal(name).some((entry) => entry.kind === 'job' && entry.step === 'promotion signalled'),
    );
  await cluster.until(() => signalled() !== undefined, { withinMs: 60_000 });
  const next = signalled() ?? '';
  for (const name of others) cluster.etcd.freeze(name);
  cluster.agent(next).kill();
  await cluster.until(() => cluster.primary() === next, { withinMs: 10_000 });
  assert.notEqual(namesOn(cluster, next), '');
  await cluster.run(3_000);
  for (const name of others) cluster.etcd.thaw(name);
  cluster.powerOn(leader);
  await ends(cluster, 0);
});
