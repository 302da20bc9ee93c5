import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';

const members = ['n1', 'n2', 'n3'] as const;
const three = async (seed: number): Promise<readonly [SimulatedCluster, leader: string]> => {
  const cluster = await simulate({ members, seed, writeEveryMs: 250 }).untilSteady();
  await cluster.run(15_000);
  return [cluster, cluster.primary() ?? ''];
};
const changeSomething = (cluster: SimulatedCluster, leader: string): void =>
  void cluster.ask(
    members.find((name) => name !== leader) ?? '',
    'PATCH',
    '/config',
    JSON.stringify({ postgresql: { parameters: { work_mem: '5MB' } } }),
  );
const otherLeads = (cluster: SimulatedCluster, leader: string) => () =>
  cluster.primary() !== null && cluster.primary() !== leader;

test('the disk of the primary hangs under its loop: the others take over', async () => {
  const [cluster, leader] = await three(403);
  const { machine } = cluster.node(leader);
  const usualMs = machine.fsyncMs;
  machine.fsyncMs = 600_000;
  changeSomething(cluster, leader);
  await cluster.until(otherLeads(cluster, leader), { withinMs: 60_000 });
  assert.ok(cluster.rulesOf(leader).includes('guard.missing'), cluster.rulesOf(leader).join(' '));
  await cluster.run(30_000);
  machine.fsyncMs = usualMs;
  await cluster.untilSteady(700_000); // the writes that hang come back after their ten minutes
  await cluster.run(5000);
  assert.deepEqual(cluster.violations(), []);
});

test('the disk of the primary neither reads nor writes: its loop goes on, and the others take over', async () => {
  const [cluster, leader] = await three(404);
  const { machine } = cluster.node(leader);
  machine.diskHangs = true;
  changeSomething(cluster, leader);
  const cycles = cluster.node(leader).handles()?.snapshot()?.cycle ?? 0;
  await cluster.until(otherLeads(cluster, leader), { withinMs: 60_000 });
  const snapshot = cluster.node(leader).handles()?.snapshot();
  assert.ok((snapshot?.cycle ?? 0) > cycles + 3);
  machine.diskHangs = false;
  await cluster.untilSteady();
  await cluster.run(5000);
  assert.deepEqual(cluster.violations(), []);
});

test('the disk of the primary hangs for 8 s: it goes on leading, its server is not restarted, and nobody is promoted', async () => {
  const [cluster, leader] = await three(405);
  const before = cluster.server(leader);
  const { machine } = cluster.node(leader);
  machine.diskHangs = true;
  changeSomething(cluster, leader);
  await cluster.run(8000);
  machine.diskHangs = false;
  await cluster.run(30_000);
  assert.equal(cluster.primary(), leader);
  assert.equal(cluster.server(leader), before);
  assert.equal(cluster.timeline(), 1);
  assert.deepEqual(cluster.violations(), []);
});

test('the primary is cut off while its disk hangs: its own fast stop finds the server without the disk', async () => {
  const [cluster, leader] = await three(407);
  cluster.node(leader).machine.diskHangs = true;
  cluster.network.isolate(leader);
  await cluster.until(() => !cluster.primaries().includes(leader), { withinMs: 26_000 });
  assert.ok(cluster.rulesOf(leader).includes('lease.runningOut'), cluster.rulesOf(leader).join(' '));
  const strikes = cluster.journal(leader).filter((entry) => entry.kind === 'guard' && /dead-man/.test(entry.step));
  assert.deepEqual(strikes, [], 'no guard had to act');
  await cluster.until(otherLeads(cluster, leader), { withinMs: 30_000 });
  cluster.node(leader).machine.diskHangs = false;
  cluster.network.heal();
  await cluster.untilSteady();
  await cluster.run(5000);
  assert.deepEqual(cluster.violations(), []);
});

test('a node whose disk hangs says so: unresponsive, and never stopped', async () => {
  const [cluster, leader] = await three(406);
  cluster.node(leader).machine.diskHangs = true;
  cluster.node(leader).handles()?.wake('test');
  await cluster.run(4000);
  const seen = cluster.node(leader).handles()?.snapshot()?.seen.postgres;
  assert.ok(seen?.kind === 'unresponsive', seen?.kind);
  assert.equal(seen.believed, 'primary');
  assert.match(seen.why, /the disk does not answer for \d+ ms/);
  const asked = cluster.ask(leader, 'GET', '/patroni');
  await cluster.run(1000);
  const told = await asked;
  assert.match(told?.body ?? '', /"state": "unknown"/);
});
