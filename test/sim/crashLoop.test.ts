import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SimulatedCluster } from '../../src/sim/cluster.ts';
import { asked, ends, jobsOf, keyOf, leadsElsewhere, members, three } from '../scenarios/stage.ts';

/** What ends one primary ends the next: the same query comes again, wherever the clients are. */

/** Kills whoever accepts writes a moment after it does, for so long; who that was, and when. */
async function poison(cluster: SimulatedCluster, forMs: number): Promise<readonly { name: string; atMs: number }[]> {
  const endMs = cluster.engine.now() + forMs;
  const killed: { name: string; atMs: number }[] = [];
  while (cluster.engine.now() < endMs) {
    await cluster.run(100);
    const name = cluster.primary();
    if (name === null) continue;
    await cluster.run(200);
    if (cluster.primary() !== name) continue;
    cluster.postgres(name).kill();
    killed.push({ name, atMs: cluster.engine.now() });
  }
  return killed;
}

const handovers = (killed: readonly { name: string }[]): number =>
  killed.filter(({ name }, n) => n > 0 && name !== killed[n - 1]?.name).length;

test('every primary crashes a moment after it is up: the lead is handed on while somebody is better, and then starts wait, longer each time', async () => {
  const { cluster } = await three(0x7b1);
  const fullSpeed = await poison(cluster, 60_000);
  assert.ok(handovers(fullSpeed) <= 2, `the lead was handed on ${handovers(fullSpeed)} times`);
  const killed = await poison(cluster, 240_000);
  assert.equal(handovers(killed), 0, 'nobody is better');
  assert.ok(killed.length >= 6 && killed.length <= 16, `crashed ${killed.length} times in four minutes`);
  const gaps = killed.slice(1).map(({ atMs }, n) => atMs - (killed[n]?.atMs ?? 0));
  assert.ok(Math.max(...gaps) < 36_000, `there is a primary every half minute: ${gaps.map(Math.round).join(', ')}`);
  const last = killed.at(-1)?.name ?? '';
  assert.ok(cluster.rulesOf(last).includes('primary.crashesAgain'));
  assert.equal(keyOf(cluster, 'leader'), last, 'its lease goes on meanwhile');
  // Whatever it was is over.
  await cluster.until(() => cluster.primary() !== null, { withinMs: 40_000 });
  await cluster.run(601_000);
  for (const name of members)
    assert.deepEqual(cluster.node(name).handles()?.snapshot()?.decision.memory.crashes, [], `${name} has no past`);
  await ends(cluster);
});

test('one server crashes again and again, and the others do not: the lead goes to one of them, and stays', async () => {
  const { cluster, leader } = await three(0x7b2);
  for (let crash = 0; crash < 4; crash++) {
    await cluster.until(() => cluster.primary() === leader, { withinMs: 20_000 });
    await cluster.run(500);
    cluster.postgres(leader).kill();
  }
  await cluster.until(() => cluster.primary() !== null && cluster.primary() !== leader, { withinMs: 20_000 });
  const next = cluster.primary();
  await cluster.run(120_000);
  assert.equal(cluster.primary(), next);
  await ends(cluster);
});

test('what ends the server ends its agent, too: the next one knows how often it went down here', async () => {
  const { cluster, leader } = await three(0x7b3);
  const counted = (name: string): number =>
    cluster.node(name).handles()?.snapshot()?.decision.memory.crashes.length ?? 0;
  for (let crash = 0; crash < 4; crash++) {
    await cluster.until(() => cluster.primary() === leader, { withinMs: 20_000 });
    await cluster.run(500);
    cluster.postgres(leader).kill();
    await cluster.run(crash * 30); // the agent has counted it, or not
    cluster.agent(leader).kill({ restartAfterMs: 300 });
    await cluster.run(200);
  }
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 20_000 });
  await cluster.run(1_000); // its agent is back
  assert.equal(counted(leader), 4);
  const next = cluster.primary();
  await cluster.run(60_000);
  cluster.agent(leader).kill({ restartAfterMs: 300 });
  await cluster.run(5_000);
  assert.equal(counted(leader), 4, 'a standby, too, has not forgotten');
  assert.equal(cluster.primary(), next);
  await cluster.run(601_000);
  assert.equal(counted(leader), 0);
  await ends(cluster);
});

for (const phase of ['starting', 'ready'] as const)
  test(`server and agent end together, each time as the server is ${phase}: somebody else leads at last`, async () => {
    const { cluster, leader } = await three(0x7c1);
    const isOver = (): boolean => leadsElsewhere(cluster, leader);
    cluster.postgres(leader).kill();
    await cluster.run(500);
    let deaths = 0;
    while (!isOver()) {
      await cluster.until(() => cluster.server(leader)?.phase === phase || isOver(), { withinMs: 60_000 });
      if (isOver()) break;
      deaths += 1;
      assert.ok(deaths <= 6, `down ${deaths} times`);
      cluster.postgres(leader).kill();
      cluster.agent(leader).kill({ restartAfterMs: 300 });
      await cluster.run(250);
    }
    await ends(cluster);
  });

test('promotions that never reach their server, since pre_promote says no, make it no server that goes down', async () => {
  const { cluster, leader, others } = await three(0x7b9);
  const hook = (program: string | null) => JSON.stringify({ postgresql: { pre_promote: program } });
  assert.equal(await asked(cluster, leader, 'PATCH', '/config', hook('/no/such/program')), 200);
  await cluster.run(15_000);
  cluster.powerOff(leader);
  await cluster.until(
    () =>
      others.every((name) =>
        jobsOf(cluster, name).some(({ job, outcome }) => job === 'promote' && outcome === 'failed'),
      ),
    { withinMs: 180_000 },
  );
  await cluster.run(1000);
  for (const name of others) {
    assert.ok(cluster.rulesOf(name).includes('leading.promoteFailed'));
    assert.deepEqual(cluster.node(name).handles()?.snapshot()?.decision.memory.crashes, [], name);
  }
  assert.equal(await asked(cluster, others[0], 'PATCH', '/config', hook(null)), 200);
  await cluster.until(() => cluster.primary() !== null, { withinMs: 120_000 });
  cluster.powerOn(leader);
  await ends(cluster);
});
