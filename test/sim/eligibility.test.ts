import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTags } from '../../src/codec/config/tags.ts';
import { leaseId } from '../../src/model/units.ts';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';
import { etcdctlDelete } from '../../src/sim/etcdctl.ts';
import { excessiveLosses } from '../../src/sim/loss.ts';

const members = ['n1', 'n2', 'n3'] as const;

function keyOf({ etcd }: SimulatedCluster, name: string) {
  const found = etcd.store.range(`/service/sim/${name}`);
  return found.kind === 'kvs' ? (found.kvs[0] ?? null) : null;
}

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

test('a renewal that was proven just before the key was deleted by hand counts, although its holder hears of it after', async () => {
  let heardAfter = 0;
  for (let afterMs = 40; afterMs <= 200; afterMs += 40) {
    const cluster = await simulate({ members: ['n1', 'n2', 'n3'], seed: 33, writeEveryMs: 250 }).untilSteady();
    const leader = cluster.primary() ?? '';
    await cluster.run(15_000);
    cluster.network.tune({ delayMs: [30, 40] });
    const lease = keyOf(cluster, 'leader')?.lease ?? leaseId(0n);
    const given = (): number => cluster.etcd.leases.given(lease)?.atMs ?? 0;
    const before = given();
    await cluster.until(() => given() > before, { withinMs: 12_000 });
    const deadline = (): number => cluster.node(leader).handles()?.fenceDeadlineMs() ?? 0;
    const deadlineBefore = deadline();
    await cluster.run(afterMs);
    etcdctlDelete(cluster, 'leader');
    await cluster.until(() => keyOf(cluster, 'leader') === null, { withinMs: 1000 });
    const unheard = deadline() === deadlineBefore;
    await cluster.until(() => deadline() > deadlineBefore || !unheard, { withinMs: 400 }).catch(() => {});
    if (unheard && deadline() > deadlineBefore) heardAfter += 1;
    // It sees nothing more, and writes for as long as it may.
    cluster.network.isolate(leader);
    await cluster.run(40_000);
    assert.deepEqual(cluster.violations(), [], `deleted after ${afterMs} ms`);
  }
  assert.ok(heardAfter > 0);
});

/** Its member key lags behind its file: what it may do counts from its reload on, for itself and for the law that judges it. */
test('a standby whose nofailover is taken off while nobody leads takes the key at once, and no law minds', async () => {
  const cluster = await simulate({ members, seed: 304, writeEveryMs: 250 }).untilSteady();
  const leader = cluster.primary() ?? '';
  const standbys = members.filter((name) => name !== leader);
  const tag = (name: string, tags: Readonly<Record<string, unknown>>): void => {
    cluster.node(name).edit((file) => ({ ...file, tags: readTags(tags, assert.fail) }));
    cluster.node(name).signal('agent', 'HUP');
  };
  for (const name of standbys) tag(name, { nofailover: true });
  await cluster.run(30_000);
  cluster.powerOff(leader);
  await cluster.run(90_000);
  assert.equal(keyOf(cluster, 'leader'), null, 'nobody may lead');
  const [able = ''] = standbys;
  tag(able, {});
  await cluster.until(() => cluster.primary() === able, { withinMs: 15_000 });
  assert.deepEqual(cluster.violations(), []);
});
