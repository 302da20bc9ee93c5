import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFailsafe } from '../../src/codec/dcs/failsafe.ts';
import type { SimulatedCluster } from '../../src/sim/cluster.ts';
import { asked, ends, keyOf, leadsElsewhere, members, moveTo, three } from '../scenarios/stage.ts';

/** Failsafe mode: a primary without etcd goes on while all members promise not to take its place. */

const on = { failsafe_mode: true };

/** The longest time without an acknowledged write since then, in ms. */
function longestGap(cluster: SimulatedCluster, sinceMs: number): number {
  const ends = cluster
    .history()
    .flatMap((seen) => (seen.kind === 'write' && seen.outcome === 'acknowledged' ? [seen.endedMs ?? 0] : []))
    .filter((atMs) => atMs >= sinceMs)
    .sort((a, b) => a - b);
  return Math.max(...[sinceMs, ...ends, cluster.engine.now()].map((atMs, i, all) => atMs - (all[i - 1] ?? sinceMs)));
}

const killEtcd = (cluster: SimulatedCluster): void => {
  for (const name of members) cluster.etcd.kill(name);
};
const startEtcd = (cluster: SimulatedCluster): void => {
  for (const name of members) cluster.etcd.start(name);
};

const listed = (cluster: SimulatedCluster): string =>
  Object.keys(readFailsafe(keyOf(cluster, 'failsafe') ?? '') ?? {}).join();

test('etcd is away for ten minutes: not a write waits, and nobody else leads', async () => {
  const { cluster, leader } = await three(801, on);
  assert.equal(listed(cluster), 'n1,n2,n3');
  const sinceMs = cluster.engine.now();
  killEtcd(cluster);
  await cluster.run(600_000);
  assert.equal(cluster.primary(), leader);
  assert.ok(longestGap(cluster, sinceMs) < 2_000, `a gap of ${longestGap(cluster, sinceMs)} ms`);
  startEtcd(cluster);
  await cluster.run(60_000);
  assert.equal(cluster.primary(), leader);
  assert.ok(longestGap(cluster, sinceMs) < 2_000, `a gap of ${longestGap(cluster, sinceMs)} ms after it came back`);
  await ends(cluster, 0);
});

test('one member is cut off, too: the primary steps down before anybody could take its place', async () => {
  const { cluster, leader, others } = await three(802, on);
  killEtcd(cluster);
  await cluster.run(60_000);
  assert.equal(cluster.primary(), leader);
  cluster.network.isolate(others[0]);
  await cluster.until(() => cluster.server(leader)?.inRecovery !== false, { withinMs: 30_000 });
  assert.ok(cluster.rulesOf(leader).includes('lease.runningOut'), cluster.rulesOf(leader).join());
  startEtcd(cluster);
  await ends(cluster);
});

test('the leader alone has no etcd: its key goes, nobody races, and it takes the key again when it can', async () => {
  const { cluster, leader, others } = await three(803, on);
  const sinceMs = cluster.engine.now();
  cluster.etcd.shutOut.add(leader);
  await cluster.until(() => keyOf(cluster, 'leader') === null, { withinMs: 60_000 });
  await cluster.run(120_000);
  assert.equal(cluster.primary(), leader);
  assert.equal(keyOf(cluster, 'leader'), null);
  for (const name of others) assert.ok(cluster.rulesOf(name).includes('race.promised'), cluster.rulesOf(name).join());
  cluster.etcd.shutOut.clear();
  await cluster.until(() => keyOf(cluster, 'leader') === leader, { withinMs: 5_000 });
  await cluster.run(60_000);
  assert.ok(longestGap(cluster, sinceMs) < 2_000, `a gap of ${longestGap(cluster, sinceMs)} ms`);
  await ends(cluster, 0);
});

test('the leader has no etcd and dies: whoever promised leads when the promise is over, and owes nothing any more [lesson 110]', async () => {
  const { cluster, leader } = await three(804, on);
  cluster.etcd.shutOut.add(leader);
  await cluster.run(90_000);
  assert.equal(cluster.primary(), leader);
  const diedMs = cluster.engine.now();
  cluster.powerOff(leader);
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 60_000 });
  const tookMs = cluster.engine.now() - diedMs;
  assert.ok(tookMs > 15_000 && tookMs < 40_000, `${tookMs} ms`);
  const next = cluster.primary();
  await cluster.run(60_000);
  assert.equal(cluster.primary(), next);
  cluster.etcd.shutOut.clear();
  cluster.powerOn(leader);
  await ends(cluster);
});

test('the agents of those who promised begin anew: what was promised is kept, and the primary goes on', async () => {
  const { cluster, leader, others } = await three(805, on);
  const sinceMs = cluster.engine.now();
  cluster.etcd.shutOut.add(leader);
  await cluster.until(() => keyOf(cluster, 'leader') === null, { withinMs: 60_000 });
  for (const name of others) cluster.agent(name).kill({ restartAfterMs: 500 });
  await cluster.run(60_000);
  assert.equal(cluster.primary(), leader);
  assert.ok(longestGap(cluster, sinceMs) < 2_000, `a gap of ${longestGap(cluster, sinceMs)} ms`);
  cluster.etcd.shutOut.clear();
  await ends(cluster, 0);
});

test('the agent of the primary begins anew while etcd is away: it knows whom to ask, and goes on', async () => {
  const { cluster, leader } = await three(806, on);
  const sinceMs = cluster.engine.now();
  killEtcd(cluster);
  await cluster.run(60_000);
  cluster.agent(leader).kill({ restartAfterMs: 500 });
  await cluster.run(120_000);
  assert.equal(cluster.primary(), leader);
  assert.ok(longestGap(cluster, sinceMs) < 2_000, `a gap of ${longestGap(cluster, sinceMs)} ms`);
  startEtcd(cluster);
  await ends(cluster, 0);
});

test('its load balancer finds the primary again, which goes on by promises after its agent began anew', async () => {
  const { cluster, leader } = await three(812, on);
  killEtcd(cluster);
  await cluster.run(60_000);
  cluster.agent(leader).kill({ restartAfterMs: 500 });
  await cluster.run(6_000);
  for (let i = 0; i < 10; i += 1) {
    assert.equal(await asked(cluster, leader, 'GET', '/primary'), 200);
    await cluster.run(5_000);
  }
  startEtcd(cluster);
  await ends(cluster, 0);
});

test('a standby that claims to be the primary without etcd takes no promise away from the one that is', async () => {
  const { cluster, leader, others } = await three(813, on);
  const [one, other] = others;
  cluster.etcd.shutOut.add(leader);
  await cluster.run(80_000);
  const claim = JSON.stringify({ name: other, conn_url: '', api_url: '', slots: {} });
  assert.equal(await asked(cluster, one, 'POST', '/failsafe', claim), 409);
  // Only what was promised stands against it now.
  cluster.network.isolate(leader);
  await cluster.run(60_000);
  assert.ok(leadsElsewhere(cluster, leader));
  cluster.etcd.shutOut.clear();
  await ends(cluster);
});

test('whoever is not on the list is not asked, and does not lead', async () => {
  const { cluster, leader, others } = await three(807, on);
  const [outside, inside] = others;
  // As if it had joined when the leader could not write any more.
  cluster.etcd.shutOut.add(leader);
  const list = JSON.stringify({ [leader]: `http://${leader}:8008/patroni`, [inside]: `http://${inside}:8008/patroni` });
  cluster.etcd.store.txn([], [{ op: 'put', key: '/service/sim/failsafe', value: list }], [], () => true);
  cluster.agent(inside).kill({ restartAfterMs: null });
  await cluster.until(() => cluster.server(leader)?.inRecovery !== false, { withinMs: 60_000 });
  cluster.powerOff(leader);
  await cluster.run(90_000);
  assert.equal(cluster.primary(), null);
  assert.ok(cluster.rulesOf(outside).includes('race.notListed'), cluster.rulesOf(outside).join());
  cluster.agent(inside).start();
  await cluster.until(() => cluster.primary() === inside, { withinMs: 60_000 });
  cluster.etcd.shutOut.clear();
  cluster.powerOn(leader);
  await ends(cluster);
});

test('the mode is switched off while the leader has no etcd: nobody promises any more, and it steps down', async () => {
  const { cluster, leader, others } = await three(808, on);
  cluster.etcd.shutOut.add(leader);
  await cluster.run(90_000);
  assert.equal(cluster.primary(), leader);
  void cluster.ask(others[0], 'PATCH', '/config', '{"failsafe_mode": false}');
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 90_000 });
  await cluster.until(() => keyOf(cluster, 'failsafe') === null, { withinMs: 30_000 });
  cluster.etcd.shutOut.clear();
  await ends(cluster);
});

test('a switchover right after an outage goes as fast as ever: what is promised is over when its holder says so', async () => {
  const { cluster, leader, others } = await three(809, on);
  cluster.etcd.shutOut.add(leader);
  await cluster.run(60_000);
  cluster.etcd.shutOut.clear();
  await cluster.until(() => keyOf(cluster, 'leader') === leader, { withinMs: 5_000 });
  const askedMs = cluster.engine.now();
  await moveTo(cluster, leader, others[0]);
  assert.ok(cluster.engine.now() - askedMs < 5_000, `${cluster.engine.now() - askedMs} ms`);
  await ends(cluster, 0);
});

test('garbage in /failsafe, or the key deleted by hand, is put right', async () => {
  const { cluster } = await three(810, on);
  for (const write of [{ op: 'put', value: 'garbage' } as const, { op: 'delete' } as const]) {
    cluster.etcd.store.txn([], [{ ...write, key: '/service/sim/failsafe' }], [], () => true);
    await cluster.until(() => listed(cluster) === 'n1,n2,n3', { withinMs: 30_000 });
    await cluster.run(1_000); // its leader has the answer
  }
  killEtcd(cluster);
  await cluster.run(90_000);
  assert.equal(cluster.primaries().length, 1);
  startEtcd(cluster);
  await ends(cluster, 0);
});

test('etcd comes and goes: the primary goes on through all of it', async () => {
  const { cluster, leader } = await three(811, on);
  const sinceMs = cluster.engine.now();
  for (let i = 0; i < 12; i += 1) {
    killEtcd(cluster);
    await cluster.run(5_000 + i * 7_000);
    startEtcd(cluster);
    await cluster.run(300 * i);
  }
  await cluster.run(30_000);
  assert.equal(cluster.primary(), leader);
  assert.ok(longestGap(cluster, sinceMs) < 2_000, `a gap of ${longestGap(cluster, sinceMs)} ms`);
  await ends(cluster, 0);
});

for (const [mode, settings, seed] of [
  ['off', {}, 815],
  ['on', { synchronous_mode: true }, 818],
  ['strict', { synchronous_mode: true, synchronous_mode_strict: true }, 819],
  ['quorum', { synchronous_mode: 'quorum', synchronous_mode_strict: true }, 820],
] as const)
  test(`the server of the primary dies while etcd is away: it starts in place by what all promise; synchronous mode ${mode}`, () =>
    startsInPlace(settings, seed));

/** The second time it dies so soon that nobody was asked for a promise yet. */
async function startsInPlace(settings: Readonly<Record<string, unknown>>, seed: number): Promise<void> {
  const { cluster, leader } = await three(seed, { ...on, ...settings });
  for (const awayMs of [60_000, 500]) {
    killEtcd(cluster);
    await cluster.run(awayMs);
    const sinceMs = cluster.engine.now();
    cluster.postgres(leader).kill();
    await cluster.run(60_000);
    assert.equal(cluster.primary(), leader);
    assert.ok(
      longestGap(cluster, sinceMs) < 15_000,
      `a gap of ${longestGap(cluster, sinceMs)} ms, etcd away for ${awayMs}`,
    );
    assert.equal(cluster.timeline(), 1);
    startEtcd(cluster);
    await cluster.untilSteady();
    await cluster.run(20_000);
  }
  await ends(cluster, 0);
}

test('the leader has no etcd, and its postmaster is frozen: it asks for no more promises, and another leads', async () => {
  const { cluster, leader } = await three(817, on);
  cluster.etcd.shutOut.add(leader);
  await cluster.run(70_000);
  assert.equal(cluster.primary(), leader);
  cluster.node(leader).signal('postgres', 'STOP');
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 110_000 });
  cluster.etcd.shutOut.clear();
  await ends(cluster);
});

test('who promised begins anew just as it loses sight of the primary: what the agent before it said still binds', async () => {
  const { cluster, leader, others } = await three(818, on);
  cluster.etcd.shutOut.add(leader);
  await cluster.run(70_000);
  assert.equal(keyOf(cluster, 'leader'), null);
  const [out] = others;
  cluster.network.cut(leader, out);
  cluster.network.cut(out, leader);
  const cutMs = cluster.engine.now();
  cluster.agent(out).kill({ restartAfterMs: 500 });
  await cluster.until(() => keyOf(cluster, 'leader') !== null, { withinMs: 60_000 });
  assert.ok(cluster.engine.now() - cutMs > 15_000, `${cluster.engine.now() - cutMs} ms`);
  cluster.etcd.shutOut.clear();
  await ends(cluster);
});

test('who asks for an hour is refused: nobody is kept from leading by one request', async () => {
  const { cluster, leader, others } = await three(0x8f5, on);
  const forMs = (ms: number) =>
    asked(cluster, others[0], 'POST', '/failsafe', JSON.stringify({ name: leader, matriarch: { ttl_ms: ms } }));
  assert.equal(await forMs(3_600_000), 400);
  assert.equal(await forMs(60_001), 400);
  cluster.powerOff(leader);
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 60_000 });
  cluster.powerOn(leader);
  await ends(cluster);
});

test('the ttl is lowered out of sight of a primary without etcd, which asks by the one that it knows: it is promised to', async () => {
  const { cluster, leader, others } = await three(0x8f6, { ...on, ttl: 60 });
  cluster.etcd.shutOut.add(leader);
  await cluster.run(20_000);
  assert.equal(await asked(cluster, others[0], 'PATCH', '/config', '{"ttl": 20}'), 200);
  await cluster.run(180_000);
  assert.equal(cluster.primary(), leader);
  assert.equal(keyOf(cluster, 'leader'), null);
  cluster.etcd.shutOut.clear();
  await ends(cluster, 0);
});
