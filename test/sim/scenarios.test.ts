import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';
import { restless } from '../../src/sim/restless.ts';

const members = ['n1', 'n2', 'n3'] as const;
const three = async (seed: number): Promise<readonly [SimulatedCluster, leader: string]> => {
  const cluster = await simulate({ members, seed, writeEveryMs: 250 }).untilSteady();
  const leader = cluster.primary();
  if (leader === null) throw new Error('there is no one primary');
  await cluster.run(15_000);
  return [cluster, leader];
};

/** Lawful, steady again, and nothing silently different. */
async function ends(cluster: SimulatedCluster): Promise<void> {
  await cluster.untilSteady();
  await cluster.run(5000);
  assert.deepEqual(cluster.violations(), []);
  assert.deepEqual(cluster.corrupted(), []);
}
const downMs = (cluster: SimulatedCluster): number => {
  const acknowledged = cluster
    .history()
    .flatMap((seen) => (seen.kind === 'write' && seen.serverMs !== null ? [seen.serverMs] : []))
    .sort((a, b) => a - b);
  return Math.max(...acknowledged.slice(1).map((at, i) => at - (acknowledged[i] ?? at)));
};

test('the power of the primary goes: exactly one new primary, within ttl and a few seconds', async () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const [cluster, leader] = await three(seed);
    cluster.powerOff(leader);
    // Where the leader of etcd went with it, every lease is given its time anew.
    await cluster.until(() => cluster.primary() !== null, { withinMs: 35_000 });
    await cluster.run(10_000);
    assert.deepEqual(cluster.primaries().length, 1);
    assert.equal(cluster.timeline(), 2);
    cluster.powerOn(leader);
    await ends(cluster);
  }
});

test('the primary is cut off: it stops by itself before the next one is promoted [lesson 27]', async () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const [cluster, leader] = await three(seed);
    cluster.network.isolate(leader);
    await cluster.until(() => !cluster.primaries().includes(leader), { withinMs: 26_000 });
    assert.deepEqual(cluster.primaries(), []);
    // Where the leader of etcd was cut off with it, every lease was given its time anew.
    await cluster.until(() => cluster.primary() !== null, { withinMs: 23_000 });
    assert.notEqual(cluster.primary(), leader);
    // Alone, it serves reads as a standby, and no guard kills it for the deadline that has passed.
    await cluster.run(20_000);
    assert.equal(cluster.server(leader)?.inRecovery, true);
    const alone = cluster.server(leader);
    await cluster.run(20_000);
    assert.equal(cluster.server(leader), alone);
    cluster.network.heal();
    await ends(cluster);
  }
});

test('etcd loses its majority for a minute: the primary steps down, and leads again when etcd is back', async () => {
  const [cluster] = await three(31);
  cluster.etcd.kill('n1');
  cluster.etcd.kill('n2');
  await cluster.until(() => cluster.primaries().length === 0, { withinMs: 30_000 });
  await cluster.run(30_000);
  assert.deepEqual(cluster.primaries(), []);
  cluster.etcd.start('n1');
  cluster.etcd.start('n2');
  await cluster.until(() => cluster.primary() !== null, { withinMs: 30_000 });
  await ends(cluster);
});

test('etcd loses its majority for 10 s: the primary goes on without a pause', async () => {
  const [cluster, leader] = await three(32);
  cluster.etcd.freeze('n1');
  cluster.etcd.freeze('n3');
  await cluster.run(10_000);
  cluster.etcd.thaw('n1');
  cluster.etcd.thaw('n3');
  await cluster.run(30_000);
  assert.equal(cluster.primary(), leader);
  assert.equal(cluster.timeline(), 1);
  assert.ok(downMs(cluster) < 1500, `${downMs(cluster)} ms`);
  await ends(cluster);
});

test('the agent is frozen for good: the guardian stops PostgreSQL at the deadline', async () => {
  const [cluster, leader] = await three(33);
  cluster.agent(leader).freeze();
  await cluster.until(() => cluster.server(leader) === null, { withinMs: 30_000 });
  await cluster.until(() => cluster.primary() !== null, { withinMs: 15_000 });
  await cluster.run(20_000);
  cluster.agent(leader).thaw();
  await ends(cluster);
});

test('the agent is frozen for 10 s: nobody notices', async () => {
  const [cluster, leader] = await three(34);
  cluster.agent(leader).freeze();
  await cluster.run(10_000);
  cluster.agent(leader).thaw();
  await cluster.run(20_000);
  assert.equal(cluster.primary(), leader);
  assert.ok(downMs(cluster) < 1500, `${downMs(cluster)} ms`);
  await ends(cluster);
});

test('the guardian is killed alone: another is started, knows the deadline, and PostgreSQL goes on', async () => {
  const [cluster, leader] = await three(35);
  const before = cluster.server(leader);
  cluster.guardian(leader).kill();
  await cluster.run(3000);
  cluster.agent(leader).kill({ restartAfterMs: null });
  await cluster.until(() => cluster.server(leader) === null, { withinMs: 30_000 });
  assert.notEqual(before, null);
  await cluster.until(() => cluster.primary() !== null, { withinMs: 15_000 });
  cluster.agent(leader).start();
  await ends(cluster);
});

test('the postmaster is frozen: its backends still write, and the guard ends them too once the agent is gone', async () => {
  const [cluster, leader] = await three(36);
  cluster.node(leader).signal('postgres', 'STOP');
  cluster.agent(leader).kill({ restartAfterMs: null });
  await cluster.until(() => cluster.server(leader) === null, { withinMs: 30_000 });
  await cluster.until(() => cluster.primary() !== null, { withinMs: 15_000 });
  cluster.agent(leader).start();
  await ends(cluster);
});

test('the sentinel is killed: PostgreSQL ends with it, and is started again in place', async () => {
  const [cluster, leader] = await three(37);
  assert.ok(cluster.node(leader).signal('sentinel', 'KILL'));
  await cluster.until(() => cluster.server(leader) === null, { withinMs: 100 });
  await cluster.until(() => cluster.primary() === leader, { withinMs: 15_000 });
  assert.equal(cluster.timeline(), 1);
  await ends(cluster);
});

test('a switchover: the candidate leads within seconds, nothing is lost, and the old primary follows', async () => {
  const [cluster, leader] = await three(38);
  const candidate = members.find((name) => name !== leader) ?? '';
  const answer = cluster.ask('n1', 'POST', '/switchover', JSON.stringify({ leader, candidate }));
  await cluster.until(() => cluster.primary() === candidate, { withinMs: 15_000 });
  await cluster.run(5000);
  assert.equal((await answer)?.status, 200);
  assert.equal(cluster.timeline(), 2);
  assert.ok(downMs(cluster) < 2500, `${downMs(cluster)} ms`);
  await ends(cluster);
  assert.deepEqual(cluster.violations(0), []);
});

test('the leader freezes over a switchover to a standby that lags: the one that holds more takes over', async () => {
  const [cluster, leader] = await three(39);
  const [candidate = '', other = ''] = members.filter((name) => name !== leader);
  const processes = cluster.node(candidate).machine.processes.all();
  const receiver = processes.find((one) => one.commandLine().includes('walreceiver'));
  receiver?.signal('STOP');
  await cluster.run(2000);
  void cluster.ask(other, 'POST', '/switchover', JSON.stringify({ leader, candidate }));
  await cluster.until(() => cluster.server(leader)?.phase !== 'ready', { withinMs: 10_000 });
  cluster.agent(leader).kill({ restartAfterMs: null });
  await cluster.until(() => cluster.primary() !== null, { withinMs: 60_000 });
  assert.equal(cluster.primary(), other);
  cluster.agent(leader).start();
  receiver?.signal('CONT'); // its server waits for the end of it
  await ends(cluster);
});

test('all power goes at once, and comes back: the cluster is there again without a human, on all it had', async () => {
  const [cluster] = await three(40);
  for (const name of members) cluster.powerOff(name);
  await cluster.run(60_000);
  for (const name of members) cluster.powerOn(name);
  await ends(cluster);
});

test('a standby whose server takes no new upstream over is told again, but not without a pause', async () => {
  const [cluster, leader] = await three(42);
  const [frozen = ''] = members.filter((name) => name !== leader);
  cluster.node(frozen).signal('postgres', 'STOP');
  cluster.powerOff(leader);
  await cluster.until(() => cluster.primary() !== null, { withinMs: 60_000 });
  await cluster.run(15_000);
  assert.deepEqual(restless(cluster.journal(frozen)), []);
  cluster.node(frozen).signal('postgres', 'CONT');
  cluster.powerOn(leader);
  await ends(cluster);
});

test('a paused cluster: etcd goes away for longer than the ttl, and nothing is stopped', async () => {
  const [cluster, leader] = await three(43);
  void cluster.ask('n1', 'PATCH', '/config', '{"pause": true}');
  await cluster.run(12_000);
  for (const name of members) cluster.etcd.freeze(name);
  await cluster.run(60_000);
  assert.equal(cluster.primary(), leader);
  for (const name of members) cluster.etcd.thaw(name);
  await cluster.run(30_000);
  void cluster.ask('n1', 'PATCH', '/config', '{"pause": null}');
  await cluster.untilSteady();
  await cluster.run(15_000);
  assert.equal(cluster.primary(), leader);
  assert.equal(cluster.timeline(), 1);
  assert.deepEqual(cluster.corrupted(), []);
});

test('the agent of the primary is stopped as a service manager does: the key is handed over, nothing is lost', async () => {
  const [cluster, leader] = await three(44);
  cluster.node(leader).restartAgentAfterMs = 20_000;
  cluster.node(leader).signal('agent', 'TERM');
  await cluster.until(() => cluster.primary() !== null && cluster.primary() !== leader, { withinMs: 5000 });
  assert.ok(downMs(cluster) < 2500, `${downMs(cluster)} ms`);
  await ends(cluster);
  assert.deepEqual(cluster.violations(0), []);
});

test('the laws are judged, not assumed: with all guards frozen at once, two primaries are seen', async () => {
  const [cluster, leader] = await three(41);
  cluster.agent(leader).freeze();
  cluster.guardian(leader).freeze();
  assert.ok(cluster.node(leader).signal('sentinel', 'STOP'));
  await cluster.until(() => cluster.primaries().length === 2, { withinMs: 60_000 });
  await cluster.run(10_000);
  const kinds = new Set<string>(cluster.violations().map(({ kind }) => kind));
  assert.ok(kinds.has('splitBrain') && kinds.has('wroteWithoutRight'), [...kinds].join());
});
