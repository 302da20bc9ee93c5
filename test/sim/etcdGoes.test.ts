import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action, Decision } from '../../src/model/decision.ts';
import type { Observation } from '../../src/model/observation.ts';
import { ends, keyOf, leaseOf, members, three, writeKey } from '../scenarios/stage.ts';

/**
 * etcd may go at any moment, also between a look at it and what is written after that look: each of these writes then waits for
 * an answer that does not come, and the members must be asked in time all the same.
 */
for (const [what, moments, timings] of [
  ['a short ttl', 20, { ttl: 6, loop_wait: 1, retry_timeout: 2 }],
  ['a short ttl that leaves time for few renewals', 20, { ttl: 6, loop_wait: 2, retry_timeout: 2 }],
  ['the shortest', 40, { ttl: 5, loop_wait: 2, retry_timeout: 2 }],
  ['the usual ttl', 8, { ttl: 30, loop_wait: 10, retry_timeout: 10 }],
] as const)
  test(`etcd stands still at whatever moment: the primary goes on by what the members promise; ${what}`, async () => {
    const { cluster, leader } = await three(0x3c1, { failsafe_mode: true, ...timings });
    cluster.network.tune({ delayMs: [5, 15] });
    const stepMs = (timings.loop_wait * 1_000) / moments;
    for (let i = 0; i < moments; i += 1) {
      await cluster.run(timings.ttl * 1_000 + i * stepMs);
      // A look that something else than a renewal made necessary, and what is written after it.
      writeKey(cluster, 'config', keyOf(cluster, 'config') ?? '{}');
      await cluster.run(20 + (i % 10) * 6);
      const rulesBefore = cluster.rulesOf(leader).length;
      for (const name of members) cluster.etcd.freeze(name);
      await cluster.run(timings.ttl * 1_500);
      assert.equal(cluster.primary(), leader, `${i * stepMs} ms: ${cluster.rulesOf(leader).slice(rulesBefore).join()}`);
      for (const name of members) cluster.etcd.thaw(name);
    }
    await ends(cluster, 0);
  });

test('the lease ends between a look at etcd and the renewal, and etcd goes again: what the members promised is not lost by that', async () => {
  const { cluster, leader } = await three(0x3c2, { failsafe_mode: true, ttl: 6, loop_wait: 1, retry_timeout: 2 });
  cluster.network.tune({ delayMs: [5, 15] });
  const goesOnByMembers = (dcs: Observation['dcs']['kind']): Decision | null => {
    const now = cluster.node(leader).handles()?.snapshot();
    return now?.seen.dcs.kind === dcs && now.seen.held?.byMembers === true ? now.decision : null;
  };
  // 10 to 30 ms a request: the renewal is refused, etcd is looked at, a lease granted, the key taken.
  for (let afterMs = 0; afterMs < 140; afterMs += 5) {
    cluster.etcd.shutOut.add(leader);
    await cluster.until(() => goesOnByMembers('unreachable') !== null, { withinMs: 10_000 });
    cluster.etcd.shutOut.clear();
    const renews = ({ kind }: Action): boolean => kind === 'renewLease';
    await cluster.until(() => goesOnByMembers('reachable')?.actions.some(renews) === true, { withinMs: 10_000 });
    cluster.etcd.leases.revoke(leaseOf(cluster, 'leader'));
    await cluster.run(afterMs);
    for (const name of members) cluster.etcd.freeze(name);
    await cluster.run(10_000);
    assert.equal(cluster.primary(), leader, `${afterMs} ms: ${cluster.rulesOf(leader).slice(-5).join()}`);
    for (const name of members) cluster.etcd.thaw(name);
    await cluster.untilSteady();
    await cluster.run(8_000);
  }
  await ends(cluster, 0);
});
