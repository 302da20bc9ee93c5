import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';

const members = ['n1', 'n2', 'n3'] as const;
const three = (seed: number): Promise<SimulatedCluster> => simulate({ members, seed }).untilSteady();

/** The first primary is whoever won the race. */
function leaderOf(cluster: SimulatedCluster): string {
  const leader = cluster.primary();
  if (leader === null) throw new Error('there is no one primary');
  return leader;
}
const lawful = (cluster: SimulatedCluster): void => assert.deepEqual(cluster.violations(), []);

test('three members bootstrap: one primary, two that stream from it', async () => {
  const cluster = await three(7);
  assert.equal(cluster.timeline(), 1);
  await cluster.run(30_000);
  assert.ok(cluster.history().some((seen) => seen.kind === 'write' && seen.outcome === 'acknowledged'));
  lawful(cluster);
});

test('a crashed primary is restarted in place while its lease lasts', async () => {
  const cluster = await three(7);
  const leader = leaderOf(cluster);
  await cluster.run(20_000);
  cluster.mark();
  cluster.postgres(leader).kill('SIGKILL');
  await cluster.until(() => cluster.primary() === leader, { withinMs: 30_000 });
  await cluster.run(2000);
  assert.ok(cluster.rulesOf(leader).includes('primary.crashed'), cluster.rulesOf(leader).join());
  assert.equal(cluster.timeline(), 1);
  await cluster.untilSteady();
  lawful(cluster);
});

test('when the power of the primary goes, a standby is promoted; when it is back, it rejoins', async () => {
  const cluster = await three(8);
  const leader = leaderOf(cluster);
  await cluster.run(20_000);
  cluster.powerOff(leader);
  await cluster.until(() => cluster.primary() !== null, { withinMs: 60_000 });
  assert.notEqual(cluster.primary(), leader);
  assert.equal(cluster.timeline(), 2);
  cluster.powerOn(leader);
  await cluster.untilSteady();
  lawful(cluster);
});

test('a primary that is cut off stops before its lease ends; the others elect a new one, and it rejoins after the cut', async () => {
  const cluster = await three(9);
  const leader = leaderOf(cluster);
  await cluster.run(20_000);
  cluster.network.isolate(leader);
  await cluster.until(() => cluster.server(leader) === null || cluster.server(leader)?.inRecovery === true, {
    withinMs: 30_000,
  });
  await cluster.until(() => cluster.primary() !== null, { withinMs: 30_000 });
  assert.notEqual(cluster.primary(), leader);
  await cluster.run(10_000);
  cluster.network.heal();
  await cluster.untilSteady();
  lawful(cluster);
});

test('an agent that dies is started again and takes its PostgreSQL over without a restart', async () => {
  const cluster = await three(10);
  const leader = leaderOf(cluster);
  await cluster.run(15_000);
  const before = cluster.server(leader);
  cluster.agent(leader).kill();
  await cluster.run(60_000);
  assert.equal(cluster.primary(), leader);
  assert.equal(cluster.server(leader), before);
  lawful(cluster);
});

test('an agent that is killed for good is guarded: PostgreSQL stops before another is promoted', async () => {
  const cluster = await three(11);
  const leader = leaderOf(cluster);
  await cluster.run(15_000);
  cluster.agent(leader).kill({ restartAfterMs: null });
  await cluster.until(() => cluster.primary() !== null && cluster.primary() !== leader, { withinMs: 60_000 });
  await cluster.run(10_000);
  assert.equal(cluster.server(leader), null);
  lawful(cluster);
});

test('agent and guardian frozen together: the sentinel stops PostgreSQL before another is promoted', async () => {
  const cluster = await three(12);
  const leader = leaderOf(cluster);
  await cluster.run(15_000);
  cluster.agent(leader).freeze();
  cluster.guardian(leader).freeze();
  await cluster.until(() => cluster.primary() !== null && cluster.primary() !== leader, { withinMs: 60_000 });
  await cluster.run(5000);
  cluster.agent(leader).thaw();
  cluster.guardian(leader).thaw();
  await cluster.untilSteady();
  lawful(cluster);
});

test('an etcd member that dies or freezes is not noticed by anybody', async () => {
  const cluster = await three(13);
  const leader = leaderOf(cluster);
  await cluster.run(10_000);
  cluster.etcd.kill('n2');
  await cluster.run(60_000);
  cluster.etcd.start('n2');
  await cluster.run(5000);
  cluster.etcd.freeze(cluster.etcd.leader() ?? 'n1');
  await cluster.run(60_000);
  assert.equal(cluster.primary(), leader);
  assert.equal(cluster.timeline(), 1);
  lawful(cluster);
});

test('one seed gives one story, byte for byte', async () => {
  const story = async (seed: number): Promise<string> => {
    const cluster = await three(seed);
    cluster.postgres(leaderOf(cluster)).kill('SIGKILL');
    await cluster.run(40_000);
    return cluster.story();
  };
  const first = await story(21);
  assert.equal(await story(21), first);
  assert.notEqual(await story(22), first);
});

for (const loopWaitS of [1, 10])
  test(`an idle cluster looks once a loop_wait of ${loopWaitS} s, and no more often`, async () => {
    const settings = { ttl: 30, loop_wait: loopWaitS, retry_timeout: 10 };
    const cluster = await simulate({ members: ['n1', 'n2', 'n3'], seed: 12, settings }).untilSteady();
    await cluster.run(30_000);
    const cycles = () => [...cluster.nodes.values()].map((node) => node.handles()?.snapshot()?.cycle ?? 0);
    const before = cycles();
    await cluster.run(120_000);
    for (const [index, now] of cycles().entries()) {
      const looked = now - (before[index] ?? 0);
      assert.ok(looked <= 120 / loopWaitS + 6, `${looked} cycles in 120 s`);
    }
  });
