import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTags } from '../../src/codec/config/tags.ts';
import { needIn } from '../../src/model/need.ts';
import { simulate } from '../../src/sim/cluster.ts';
import { rollBackDisk } from '../../src/sim/rolledBack.ts';
import type { SimulatedCluster } from '../../src/sim/words.ts';

/** The disk of a primary no longer has what it had said to have. PostgreSQL does not see it, and positions tell it for a moment only. */

const members = ['n1', 'n2', 'n3'] as const;
const settings = { ttl: 30, loop_wait: 5, retry_timeout: 5 };
const acknowledged = (cluster: SimulatedCluster): number =>
  cluster.history().filter((seen) => seen.kind === 'write' && seen.outcome === 'acknowledged').length;

for (const mode of [null, true, 'quorum'] as const)
  test(`agent and server of a primary die, and its disk is rolled back: a standby that has more takes over, and nothing is lost (synchronous_mode ${mode})`, async () => {
    const cluster = await simulate({
      members,
      seed: 61,
      settings: { ...settings, synchronous_mode: mode },
      writeEveryMs: 100,
    }).untilSteady();
    await cluster.run(20_000);
    const old = cluster.primary() ?? '';
    const before = acknowledged(cluster);
    cluster.mark();
    cluster.agent(old).kill({ restartAfterMs: 200 });
    assert.ok(rollBackDisk(cluster, old, 12) > 5);
    await cluster.run(2_000);
    await cluster.untilSteady();
    assert.notEqual(cluster.primary(), old);
    await cluster.run(10_000);
    assert.ok(cluster.journal(old).some((entry) => entry.kind === 'decided' && entry.rule === 'primary.rolledBack'));
    assert.deepEqual(cluster.corrupted(), []);
    assert.deepEqual(cluster.violations(0), []);
    assert.ok(acknowledged(cluster) > before + 20);
  });

test('the server of a primary dies alone, and its disk is rolled back: its agent asks how far the others are, and gives way', async () => {
  const cluster = await simulate({ members, seed: 62, settings, writeEveryMs: 100 }).untilSteady();
  await cluster.run(20_000);
  const old = cluster.primary() ?? '';
  assert.ok(rollBackDisk(cluster, old, 300) > 100);
  await cluster.run(2_000);
  await cluster.untilSteady();
  assert.notEqual(cluster.primary(), old);
  await cluster.run(10_000);
  assert.deepEqual(cluster.corrupted(), []);
  assert.deepEqual(cluster.violations(0), []);
});

test('the power goes, and the disk is rolled back: the node comes back as a standby, and whoever has more takes over', async () => {
  const cluster = await simulate({ members, seed: 63, settings, writeEveryMs: 100 }).untilSteady();
  await cluster.run(20_000);
  const old = cluster.primary() ?? '';
  cluster.powerOff(old);
  assert.ok(rollBackDisk(cluster, old, 50) > 10);
  cluster.powerOn(old);
  await cluster.run(10_000);
  await cluster.untilSteady();
  assert.notEqual(cluster.primary(), old);
  await cluster.run(10_000);
  assert.deepEqual(cluster.corrupted(), []);
});

/** Both standbys are tagged, so that nobody may take over: the primary goes on with what its disk has left. */
async function stranded(seed: number) {
  const cluster = await simulate({ members, seed, settings, writeEveryMs: 500 }).untilSteady();
  const leader = cluster.primary() ?? '';
  const others = members.filter((name) => name !== leader);
  for (const name of others) {
    cluster.node(name).edit((file) => ({ ...file, tags: readTags({ nofailover: true }, () => {}) }));
    cluster.node(name).signal('agent', 'HUP');
  }
  await cluster.run(30_000);
  assert.ok(rollBackDisk(cluster, leader, 60) > 20);
  await cluster.until(() => cluster.primary() === leader, { withinMs: 30_000 });
  return { cluster, leader, others };
}
const needOf = (cluster: SimulatedCluster, name: string): string | null =>
  needIn(cluster.node(name).handles()?.snapshot()?.decision.because ?? []);

test('whoever is ahead may not lead: it finds out, follows nobody for the whole reign, loses nothing, and says what to do', async () => {
  const { cluster, leader, others } = await stranded(64);
  const [one = '', other = ''] = others;
  await cluster.until(() => others.every((name) => needOf(cluster, name) !== null), { withinMs: 20_000 });
  const remedy = new RegExp(
    `disk of ${leader} was rolled back.*failover --candidate ${one}, then reinit all others.*reinit ${one}`,
  );
  assert.match(needOf(cluster, one) ?? '', remedy);
  const had = cluster.server(one)?.wal.end ?? 0n;
  await cluster.run(60_000);
  assert.ok((cluster.server(leader)?.wal.end ?? 0n) > had, 'no position tells it any more');
  // Another agent knows it of the one before, and so does a server that is started again.
  cluster.agent(one).kill();
  cluster.postgres(other).kill();
  await cluster.run(30_000);
  for (const name of others) {
    assert.match(needOf(cluster, name) ?? '', /was rolled back/);
    assert.equal(cluster.server(name)?.receiver ?? null, null);
    assert.equal(cluster.server(name)?.wal.end, had);
  }
  for (const name of others) void cluster.ask(name, 'POST', '/reinitialize', '{}');
  await cluster.untilSteady();
  await cluster.run(20_000);
  assert.deepEqual(cluster.corrupted(), []);
  assert.deepEqual(
    others.map((name) => needOf(cluster, name)),
    [null, null],
  );
});

test('people keep what is ahead: it is promoted by name, and the old primary does not follow what it is no beginning of', async () => {
  const { cluster, leader, others } = await stranded(65);
  const [one = '', other = ''] = others;
  await cluster.until(() => others.every((name) => needOf(cluster, name) !== null), { withinMs: 20_000 });
  cluster.node(one).edit((file) => ({ ...file, tags: readTags({}, () => {}) }));
  cluster.node(one).signal('agent', 'HUP');
  await cluster.run(10_000);
  void cluster.ask(leader, 'POST', '/failover', JSON.stringify({ candidate: one }));
  await cluster.until(() => cluster.primary() === one, { withinMs: 60_000 });
  await cluster.until(() => needOf(cluster, leader) !== null, { withinMs: 120_000 });
  assert.match(needOf(cluster, leader) ?? '', /rewind failed .* fresh copy \(reinit\)/);
  assert.equal(cluster.server(other)?.receiver?.status, 'streaming', 'as far as the new primary, by the same history');
  assert.deepEqual(cluster.corrupted(), []);
  void cluster.ask(leader, 'POST', '/reinitialize', '{"force": true}');
  await cluster.untilSteady();
  assert.deepEqual(cluster.corrupted(), []);
});
