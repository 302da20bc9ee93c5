import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../src/sim/cluster.ts';
import { excessiveLosses } from '../../src/sim/loss.ts';

const members = ['n1', 'n2', 'n3'] as const;

/** A former primary that never rejoined stands on a history that the cluster has left: its position means nothing there. */
test('a former primary that has not rejoined is not promoted over all that was written since', async () => {
  const cluster = await simulate({ members, seed: 301, writeEveryMs: 250 }).untilSteady();
  await cluster.run(15_000);
  const former = cluster.primary() ?? '';
  cluster.network.isolate(former);
  await cluster.until(() => cluster.primary() !== null && cluster.primary() !== former, { withinMs: 60_000 });
  await cluster.run(60_000);
  const others = members.filter((name) => name !== former);
  for (const name of others) cluster.agent(name).kill({ restartAfterMs: null });
  await cluster.until(() => cluster.primaries().length === 0, { withinMs: 60_000 });
  const line = 2;
  cluster.network.heal();
  await cluster.run(60_000);
  assert.equal(cluster.primary(), null, `${former} leads: all acknowledged on timeline ${line} is lost`);
});

/** What is asked for next week is no reason to prefer its candidate today. */
test('a switchover scheduled for later does not decide the race of today', async () => {
  const cluster = await simulate({ members, seed: 303, writeEveryMs: 250 }).untilSteady();
  await cluster.run(15_000);
  const leader = cluster.primary() ?? '';
  const [candidate = '', other = ''] = members.filter((name) => name !== leader);
  const at = new Date(Date.UTC(2099, 0, 1)).toISOString();
  void cluster.ask(other, 'POST', '/switchover', JSON.stringify({ leader, candidate, scheduled_at: at }));
  await cluster.run(15_000);
  // Right after a status was written, the candidate falls behind.
  const optime = (): string => {
    const found = cluster.etcd.store.range('/service/sim/status');
    return found.kind === 'kvs' ? (found.kvs[0]?.value ?? '') : '';
  };
  const before = optime();
  await cluster.until(() => optime() !== before, { withinMs: 15_000 });
  await cluster.run(1000);
  cluster.network.cut(leader, candidate);
  cluster.network.cut(candidate, leader);
  await cluster.run(6000);
  cluster.powerOff(leader);
  await cluster.until(() => cluster.primary() !== null, { withinMs: 60_000 });
  assert.equal(cluster.primary(), other, 'the most advanced goes first');
});

/** Its diverged tail must not count as progress. */
test('a former primary with a tail of its own does not cost more than maximum_lag_on_failover allows', async () => {
  const maximumLagBytes = 8192;
  const cluster = await simulate({
    members,
    seed: 305,
    writeEveryMs: 250,
    settings: { maximum_lag_on_failover: maximumLagBytes },
  }).untilSteady();
  await cluster.run(15_000);
  const former = cluster.primary() ?? '';
  cluster.network.isolate(former);
  await cluster.until(() => cluster.primary() !== null && cluster.primary() !== former, { withinMs: 60_000 });
  await cluster.run(28_000);
  for (const name of members.filter((one) => one !== former)) {
    cluster.agent(name).kill({ restartAfterMs: null });
    cluster.postgres(name).kill();
  }
  await cluster.run(35_000);
  cluster.network.heal();
  await cluster.run(60_000);
  for (const name of members) cluster.agent(name).start();
  await cluster.untilSteady();
  await cluster.run(5000);
  assert.deepEqual(excessiveLosses(cluster.history(), { maximumLagBytes, statusAgeMs: 10_000, everyMs: 250 }), []);
});
