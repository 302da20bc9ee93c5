import assert from 'node:assert/strict';
import { test } from 'node:test';
import { etcdctlDelete } from '../../src/sim/etcdctl.ts';
import { ends, jobsOf, keyOf, leadsElsewhere, members, revokeLeaseOf, three } from './stage.ts';

/** The primary is gone, or is about to be: who comes after it, and who need not. */

/** Whoever is first to look sees an empty list, and must not take that for being alone. */
test('the member keys go with the leader key: those that were known are asked all the same, and the furthest wins [lesson 35]', async () => {
  for (const seed of [541, 542, 543]) {
    const { cluster, leader, others } = await three(seed);
    const [behind, further] = others;
    cluster.network.cut(leader, behind);
    await cluster.run(3000);
    cluster.powerOff(leader);
    await cluster.run(5000);
    assert.ok(etcdctlDelete(cluster, ...members.map((name) => `members/${name}`)));
    revokeLeaseOf(cluster, 'leader');
    await cluster.until(() => cluster.primary() !== null, { withinMs: 30_000 });
    assert.equal(cluster.primary(), further, `seed ${seed}`);
    cluster.powerOn(leader);
    await ends(cluster);
  }
});

test('the primary crashes again while it recovers: it comes back as the primary it was, on its timeline [lesson 44]', async () => {
  const { cluster, leader } = await three(544);
  cluster.postgresWorld.tuning.crashRecoveryMs = [3000, 3000];
  cluster.postgres(leader).kill();
  await cluster.until(() => cluster.server(leader)?.phase === 'starting', { withinMs: 10_000 });
  await cluster.run(1000);
  cluster.postgres(leader).kill();
  await cluster.until(() => cluster.primaries().length > 0, { withinMs: 20_000 });
  assert.equal(cluster.primary(), leader);
  assert.equal(cluster.timeline(), 1);
  cluster.postgresWorld.tuning.crashRecoveryMs = [50, 900];
  await ends(cluster, 0);
});

/** A new session to the new server, and no word of the old one's backends. */
test('the postmaster is killed, and its backends live on: none of their answers counts, and they go before the next start [lesson 13]', async () => {
  const { cluster, leader } = await three(545);
  cluster.postgresWorld.tuning.orphanMs = [300_000, 300_000];
  const fromMs = cluster.engine.now();
  const before = cluster.server(leader);
  cluster.postgres(leader).kill();
  await cluster.until(() => cluster.primary() === leader && cluster.server(leader) !== before, { withinMs: 10_000 });
  cluster.postgresWorld.tuning.orphanMs = [0, 8];
  await cluster.run(1000);
  const jobs = jobsOf(cluster, leader, fromMs).map(({ job, outcome }) => `${job} ${outcome}`);
  assert.deepEqual(jobs.slice(0, 2), ['clearOrphans done', 'startPrimary done']);
  assert.ok(cluster.journal(leader).some((one) => one.kind === 'changed' && one.to === 'stopped'));
  await ends(cluster, 0);
});

test('a switchover to a member that fell behind is given up, though another has everything: the key stays [lesson 36]', async () => {
  const { cluster, leader, others } = await three(546);
  const [candidate, other] = others;
  void cluster.ask(other, 'POST', '/switchover', JSON.stringify({ leader, candidate }));
  await cluster.until(() => cluster.server(leader)?.phase === 'stopping', { withinMs: 15_000 });
  cluster.network.cut(leader, candidate); // the other way its answers come, and say that it has not everything
  await cluster.until(() => cluster.primaries().length === 0, { withinMs: 5000 });
  await cluster.until(() => cluster.primaries().length > 0, { withinMs: 20_000 });
  assert.equal(cluster.primary(), leader);
  assert.equal(cluster.timeline(), 1);
  assert.ok(!leadsElsewhere(cluster, leader));
  await ends(cluster, 0);
});

test('the server of the winner dies while it is promoted: it gives the key back, and another leads', async () => {
  const { cluster, leader, others } = await three(549);
  cluster.postgresWorld.tuning.promoteMs = [3000, 3000];
  cluster.powerOff(leader);
  const winner = (): string | undefined => others.find((name) => cluster.rulesOf(name).includes('leading.promote'));
  await cluster.until(() => winner() !== undefined, { withinMs: 60_000 });
  const first = winner() ?? '';
  await cluster.run(1000);
  cluster.postgresWorld.tuning.promoteMs = [100, 300];
  cluster.postgres(first).kill();
  await cluster.until(() => cluster.rulesOf(first).includes('leading.promoteFailed'), { withinMs: 15_000 });
  await cluster.until(() => cluster.primary() !== null, { withinMs: 60_000 });
  cluster.powerOn(leader);
  await ends(cluster);
});

/** Down to the last write: the standby that is up first lacks what the former leader has, and is within the lag limit. */
test('all power goes, and comes back one by one: whoever is up first waits for those that are starting, and nothing is lost', async () => {
  const { cluster, leader, others } = await three(551);
  const [behind, other] = others;
  cluster.network.cut(leader, behind);
  cluster.network.cut(leader, other);
  await cluster.run(2000);
  for (const name of [leader, behind, other]) cluster.powerOff(name);
  cluster.network.heal();
  for (const name of [behind, other]) cluster.powerOn(name);
  await cluster.until(() => [behind, other].every((name) => cluster.server(name)?.phase === 'ready'), {
    withinMs: 30_000,
  });
  cluster.postgresWorld.tuning.crashRecoveryMs = [3000, 3000];
  cluster.powerOn(leader);
  await cluster.until(() => cluster.server(leader)?.phase === 'starting', { withinMs: 10_000 });
  revokeLeaseOf(cluster, 'leader');
  await cluster.until(() => keyOf(cluster, 'leader') === null, { withinMs: 1000 });
  await cluster.until(() => cluster.primary() !== null, { withinMs: 60_000 });
  assert.equal(cluster.primary(), leader);
  await ends(cluster, 0);
});
