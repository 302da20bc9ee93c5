import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../src/sim/cluster.ts';

const members = ['n1', 'n2', 'n3'] as const;

for (const [before, after] of [
  [60, 20],
  [20, 60],
] as const)
  test(`with the ttl changed from ${before} to ${after} s, no guard lets PostgreSQL outlive the leader key`, async () => {
    // Killed for good at many instants after the change: before the key moves to its new lease, and after.
    for (const afterMs of [2000, 7000, 12_000, 25_000, 45_000]) {
      const settings = { ttl: before, loop_wait: 5, retry_timeout: 5 };
      const cluster = await simulate({ members, seed: afterMs, settings, writeEveryMs: 250 }).untilSteady();
      const leader = cluster.primary() ?? '';
      await cluster.run(8000);
      void cluster.ask('n1', 'PATCH', '/config', JSON.stringify({ ttl: after }));
      await cluster.run(afterMs);
      cluster.agent(leader).kill({ restartAfterMs: null });
      await cluster.until(() => cluster.server(leader) === null && cluster.primary() !== null, { withinMs: 90_000 });
      await cluster.run(5000);
      assert.deepEqual(cluster.violations(), [], `agent killed ${afterMs} ms after the change`);
    }
  });

test('an agent that is killed after the ttl was changed takes its lease over when it is back', async () => {
  const settings = { ttl: 45, loop_wait: 5, retry_timeout: 5 };
  const cluster = await simulate({ members, seed: 3, settings }).untilSteady();
  const leader = cluster.primary() ?? '';
  await cluster.run(8000);
  void cluster.ask('n1', 'PATCH', '/config', JSON.stringify({ ttl: 25 }));
  await cluster.run(14_000);
  cluster.mark();
  cluster.agent(leader).kill();
  await cluster.run(30_000);
  assert.equal(cluster.timeline(), 1);
  assert.ok(!cluster.rulesOf(leader).includes('primary.unleased'), cluster.rulesOf(leader).join());
});

test('a ttl raised to many times the lease that is held: renewals keep to that lease until the key has moved', async () => {
  for (const loopWaitS of [1, 5, 20]) {
    const settings = { ttl: 6, loop_wait: 1, retry_timeout: 2 };
    const cluster = await simulate({ members, seed: 7 + loopWaitS, settings, writeEveryMs: 250 }).untilSteady();
    const leader = cluster.primary() ?? '';
    await cluster.run(8000);
    cluster.mark();
    void cluster.ask('n1', 'PATCH', '/config', JSON.stringify({ ttl: 60, loop_wait: loopWaitS, retry_timeout: 20 }));
    await cluster.run(60_000);
    assert.equal(cluster.primary(), leader);
    assert.ok(!cluster.rulesOf(leader).includes('lease.runningOut'), cluster.rulesOf(leader).join());
  }
});
