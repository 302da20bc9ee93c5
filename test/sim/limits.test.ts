import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';

const members = ['n1', 'n2', 'n3'] as const;

/** What takes too long, and what must not hold up what. */
async function three(
  seed: number,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<readonly [SimulatedCluster, leader: string, candidate: string, other: string]> {
  const cluster = await simulate({ members, seed, writeEveryMs: 250, settings }).untilSteady();
  await cluster.run(15_000);
  const leader = cluster.primary() ?? '';
  const [candidate = '', other = ''] = members.filter((name) => name !== leader);
  return [cluster, leader, candidate, other];
}
async function ends(cluster: SimulatedCluster): Promise<void> {
  cluster.network.heal();
  await cluster.untilSteady();
  await cluster.run(5000);
  assert.deepEqual(cluster.violations(), []);
  assert.deepEqual(cluster.corrupted(), []);
}
const leadsElsewhere = (cluster: SimulatedCluster, leader: string): boolean =>
  cluster.primary() !== null && cluster.primary() !== leader;

test('primary_start_timeout: a crash recovery that takes too long is given up for a standby', async () => {
  const [cluster, leader] = await three(302, { primary_start_timeout: 5 });
  cluster.postgresWorld.tuning.crashRecoveryMs = [600_000, 600_000];
  cluster.postgres(leader).kill();
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 20_000 });
  cluster.postgresWorld.tuning.crashRecoveryMs = [50, 900];
  await cluster.untilSteady(700_000);
  await ends(cluster);
});

test('primary_start_timeout: with nobody to take over, the recovery is waited for', async () => {
  const [cluster, leader, candidate, other] = await three(306, { primary_start_timeout: 5 });
  cluster.powerOff(candidate);
  cluster.powerOff(other);
  cluster.postgresWorld.tuning.crashRecoveryMs = [60_000, 60_000];
  cluster.etcd.start(candidate);
  cluster.powerOn(candidate);
  cluster.agent(candidate).kill({ restartAfterMs: null });
  await cluster.run(2000);
  cluster.postgres(leader).kill();
  await cluster.until(() => cluster.primary() === leader, { withinMs: 90_000 });
  assert.equal(cluster.timeline(), 1);
});

test('primary_start_timeout 0: a crashed primary is not started where a standby can take over, and is where none can [B-10]', async () => {
  const [cluster, leader, candidate, other] = await three(307, { primary_start_timeout: 0 });
  cluster.postgres(leader).kill();
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 5000 });
  await ends(cluster);

  const [alone, first] = await three(308, { primary_start_timeout: 0 });
  for (const name of members.filter((one) => one !== first)) alone.agent(name).kill({ restartAfterMs: null });
  await alone.run(12_000);
  alone.postgres(first).kill();
  await alone.until(() => alone.primary() === first, { withinMs: 5000 });
  assert.equal(alone.timeline(), 1);
  assert.ok(candidate !== '' && other !== '');
});

test('a primary that goes down again and again gives way, also when each start went well', async () => {
  const [cluster, leader] = await three(309);
  for (let crashes = 0; crashes < 3; crashes++) {
    cluster.postgres(leader).kill();
    await cluster.run(100);
    await cluster.until(() => cluster.primary() === leader, { withinMs: 20_000 });
    await cluster.run(40_000);
  }
  cluster.postgres(leader).kill();
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 10_000 });
  await ends(cluster);
});

test('a switchover is not held up by a third member that was cut off a moment ago', async () => {
  const [cluster, leader, candidate, other] = await three(304);
  cluster.network.isolate(other);
  await cluster.run(3000);
  void cluster.ask(candidate, 'POST', '/switchover', JSON.stringify({ leader, candidate }));
  await cluster.until(() => cluster.primary() === candidate, { withinMs: 5000 });
  await ends(cluster);
  assert.deepEqual(cluster.violations(0), []);
});

test('the stop of an agent is not held up by a member that was cut off a moment ago, and loses nothing', async () => {
  const [cluster, leader, , other] = await three(310);
  cluster.network.isolate(other);
  await cluster.run(3000);
  cluster.node(leader).restartAgentAfterMs = 20_000;
  cluster.node(leader).signal('agent', 'TERM');
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 5000 });
  await ends(cluster);
  assert.deepEqual(cluster.violations(0), []);
});

test('a switchover whose candidate is cut off on the way is given up within seconds, and nothing is lost', async () => {
  const [cluster, leader, candidate, other] = await three(311);
  void cluster.ask(other, 'POST', '/switchover', JSON.stringify({ leader, candidate }));
  await cluster.until(() => cluster.server(leader)?.phase === 'stopping', { withinMs: 15_000 });
  cluster.network.cut(leader, candidate);
  cluster.network.cut(candidate, leader);
  await cluster.until(() => cluster.primary() === leader, { withinMs: 15_000 });
  assert.equal(cluster.timeline(), 1);
  await ends(cluster);
  assert.deepEqual(cluster.violations(0), []);
});

test('a leader is restarted by request though its postmaster is frozen, as the primary it is', async () => {
  const [cluster, leader] = await three(312);
  cluster.node(leader).signal('postgres', 'STOP');
  await cluster.run(1000);
  const before = cluster.server(leader);
  void cluster.ask(leader, 'POST', '/restart', '{}');
  await cluster.until(() => cluster.server(leader) !== null && cluster.server(leader) !== before, { withinMs: 20_000 });
  await cluster.until(() => cluster.primary() === leader, { withinMs: 10_000 });
  assert.equal(cluster.timeline(), 1);
  await ends(cluster);
});
