import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';

const members = ['n1', 'n2', 'n3'] as const;

/** What people do and meet while the cluster is paused. */
async function three(seed: number): Promise<readonly [SimulatedCluster, leader: string]> {
  const cluster = await simulate({ members, seed, writeEveryMs: 250 }).untilSteady();
  await cluster.run(15_000);
  return [cluster, cluster.primary() ?? ''];
}
async function pause(cluster: SimulatedCluster, paused = true): Promise<void> {
  void cluster.ask('n1', 'PATCH', '/config', paused ? '{"pause": true}' : '{"pause": null}');
  await cluster.run(12_000);
}
async function paused(seed: number): Promise<readonly [SimulatedCluster, leader: string]> {
  const [cluster, leader] = await three(seed);
  await pause(cluster);
  return [cluster, leader];
}
const keyOf = (cluster: SimulatedCluster, name: string): string | null => {
  const found = cluster.etcd.store.range(`/service/sim/${name}`);
  return found.kind === 'kvs' ? (found.kvs[0]?.value ?? null) : null;
};
const others = (name: string): readonly [string, string] => {
  const [first = '', second = ''] = members.filter((one) => one !== name);
  return [first, second];
};
function cut(cluster: SimulatedCluster, a: string, b: string): void {
  cluster.network.cut(a, b);
  cluster.network.cut(b, a);
}
/** Resumed and whole again, with everything that was acknowledged. */
async function losesNothing(cluster: SimulatedCluster): Promise<void> {
  cluster.network.heal();
  await pause(cluster, false);
  await cluster.untilSteady();
  await cluster.run(10_000);
  assert.deepEqual(cluster.violations(0), []);
  assert.deepEqual(cluster.corrupted(), []);
}
async function status(cluster: SimulatedCluster, name: string): Promise<number | null> {
  let answer: { readonly status: number } | null | undefined;
  void cluster.ask(name, 'GET', '/primary').then((one) => {
    answer = one;
  });
  await cluster.until(() => answer !== undefined, { withinMs: 5000 });
  return answer?.status ?? null;
}
/** A moment after the leader wrote how far it is: what comes in the next seconds is in no status. */
async function afterStatus(cluster: SimulatedCluster): Promise<void> {
  const text = (): string => {
    const found = cluster.etcd.store.range('/service/sim/status');
    return found.kind === 'kvs' ? (found.kvs[0]?.value ?? '') : '';
  };
  const before = text();
  await cluster.until(() => text() !== before, { withinMs: 15_000 });
  await cluster.run(1000);
}
/** The leader becomes one that did not make the cluster: what an agent did long ago must not count. */
async function moveTo(cluster: SimulatedCluster, leader: string, candidate: string): Promise<void> {
  void cluster.ask('n1', 'POST', '/switchover', JSON.stringify({ leader, candidate }));
  await cluster.until(() => cluster.primary() === candidate, { withinMs: 15_000 });
}

test('paused: a switchover to a standby that is there works, and the old primary follows', async () => {
  const [cluster, leader] = await paused(110);
  const [candidate] = others(leader);
  await moveTo(cluster, leader, candidate);
  await cluster.until(() => cluster.steady(), { withinMs: 20_000 });
  assert.equal(cluster.timeline(), 2);
  await losesNothing(cluster);
  assert.equal(cluster.primary(), candidate);
});

test('paused: a switchover to a standby that was cut off loses nothing', async () => {
  const [cluster, leader] = await paused(101);
  const [candidate, other] = others(leader);
  await afterStatus(cluster);
  cut(cluster, leader, candidate);
  await cluster.run(2000);
  void cluster.ask(other, 'POST', '/switchover', JSON.stringify({ leader, candidate }));
  await cluster.run(120_000);
  assert.equal(cluster.primary(), leader);
  await losesNothing(cluster);
});

test('paused: the candidate is cut off while the primary stops for it: the primary takes it all up again, and soon', async () => {
  const [cluster, leader] = await paused(105);
  const [candidate, other] = others(leader);
  void cluster.ask(other, 'POST', '/switchover', JSON.stringify({ leader, candidate }));
  await cluster.until(() => cluster.server(leader)?.phase === 'stopping', { withinMs: 15_000 });
  cut(cluster, leader, candidate);
  await cluster.until(() => cluster.primary() === leader, { withinMs: 15_000 });
  assert.ok(cluster.rulesOf(leader).includes('switchover.handOver'));
  await cluster.run(60_000);
  assert.equal(cluster.primary(), leader);
  assert.equal(cluster.timeline(), 1);
  await losesNothing(cluster);
});

test('paused: the agent dies while the primary stops for a switchover: nobody takes over without the last of it', async () => {
  const [cluster, leader] = await paused(106);
  const [candidate, other] = others(leader);
  await afterStatus(cluster);
  void cluster.ask(other, 'POST', '/switchover', JSON.stringify({ leader, candidate }));
  await cluster.until(() => cluster.server(leader)?.phase === 'stopping', { withinMs: 15_000 });
  cut(cluster, leader, candidate);
  cluster.agent(leader).kill();
  await cluster.run(120_000);
  await losesNothing(cluster);
});

test('paused: a failover asked of a living leader to a standby that was cut off loses nothing', async () => {
  const [cluster, leader] = await paused(102);
  const [candidate, other] = others(leader);
  cut(cluster, leader, candidate);
  await cluster.run(5000);
  void cluster.ask(other, 'POST', '/failover', JSON.stringify({ candidate }));
  await cluster.run(120_000);
  await losesNothing(cluster);
});

test('paused: the running primary takes the key again when its cable is back', async () => {
  const [cluster, first] = await three(103);
  const [candidate] = others(first);
  await moveTo(cluster, first, candidate);
  await cluster.untilSteady();
  await cluster.run(15_000);
  await pause(cluster);
  cluster.network.isolate(candidate);
  await cluster.run(60_000);
  cluster.network.heal();
  await cluster.run(20_000);
  assert.equal(cluster.primary(), candidate);
  assert.equal(await status(cluster, candidate), 200);
});

test('paused: the primary that once made the cluster does not take the key with a timeline that was left [lesson 1]', async () => {
  const [cluster, first] = await paused(107);
  const [candidate, other] = others(first);
  cluster.network.isolate(first);
  await cluster.run(40_000);
  // Somebody who does not see it promotes another, as one may by name.
  void cluster.ask(other, 'POST', '/failover', JSON.stringify({ candidate }));
  await cluster.until(() => cluster.primaries().includes(candidate), { withinMs: 30_000 });
  await cluster.run(20_000);
  cluster.agent(candidate).kill({ restartAfterMs: null });
  await cluster.run(40_000);
  cluster.network.heal();
  await cluster.run(30_000);
  assert.deepEqual([...cluster.primaries()].sort(), [candidate, first].sort());
  assert.notEqual(await status(cluster, first), 200);
});

test('paused: the agent of the primary is replaced, PostgreSQL goes on under it, and it leads again within seconds', async () => {
  const [cluster, leader] = await paused(108);
  const before = cluster.server(leader);
  for (const downMs of [2000, 45_000]) {
    cluster.node(leader).restartAgentAfterMs = downMs;
    cluster.node(leader).signal('agent', 'TERM');
    await cluster.until(() => cluster.node(leader).stateOf('agent') === null, { withinMs: 10_000 });
    await cluster.run(downMs + 5000);
    assert.equal(await status(cluster, leader), 200, `${downMs} ms without an agent`);
  }
  assert.equal(cluster.server(leader), before);
  await pause(cluster, false);
  await cluster.run(60_000);
  assert.equal(cluster.server(leader), before);
  // Without its agent a paused primary outlives its lease: that is what was asked for.
  assert.deepEqual(
    cluster.violations(0).filter(({ kind }) => kind !== 'wroteWithoutRight'),
    [],
  );
});

test('paused while a job is at work for longer than the ttl: the healthy primary is not killed', async () => {
  const [cluster, leader] = await three(104);
  const [candidate] = others(leader);
  void cluster.ask('n1', 'POST', '/switchover', JSON.stringify({ leader, candidate }));
  await cluster.until(() => cluster.primaries().length === 0, { withinMs: 15_000 });
  cluster.postgresWorld.tuning.checkpointMs = [90_000, 90_000];
  await cluster.until(() => cluster.primary() === candidate, { withinMs: 15_000 });
  await cluster.run(3000);
  const before = cluster.server(candidate);
  await pause(cluster);
  await cluster.run(70_000);
  assert.equal(cluster.server(candidate), before);
});

test('paused while the primary stops for a switchover, with a long checkpoint first: its guard goes on hearing of renewals', async () => {
  const [cluster, leader] = await three(112);
  const [candidate] = others(leader);
  cluster.postgresWorld.tuning.checkpointMs = [60_000, 60_000];
  void cluster.ask('n1', 'POST', '/switchover', JSON.stringify({ leader, candidate }));
  await cluster.run(3000);
  await pause(cluster);
  await cluster.until(() => cluster.primary() === candidate, { withinMs: 150_000 });
  assert.ok(
    !/guardian: (the deadline has passed|PostgreSQL is killed)|dead-man switch stops/.test(cluster.story()),
    'nothing was killed over it',
  );
  cluster.postgresWorld.tuning.checkpointMs = [20, 60];
  await losesNothing(cluster);
});

test('paused: a primary that people stop gives the key away and stays down; asked for a restart, it leads again as the primary it was', async () => {
  const [cluster, leader] = await paused(109);
  cluster.node(leader).signal('postgres', 'INT');
  await cluster.until(() => cluster.server(leader) === null, { withinMs: 10_000 });
  await cluster.run(60_000);
  assert.equal(cluster.server(leader), null);
  assert.deepEqual(cluster.primaries(), []);
  assert.equal(keyOf(cluster, 'unfenced'), null, 'who gave the key away has no server that could write');
  void cluster.ask(leader, 'POST', '/restart', '{}');
  await cluster.until(() => cluster.steady(), { withinMs: 20_000 });
  assert.equal(cluster.primary(), leader);
  assert.equal(cluster.timeline(), 1);
  await losesNothing(cluster);
});

test('paused: a standby is made anew when somebody asks for it, to the end', async () => {
  const [cluster, leader] = await paused(111);
  const [standby] = others(leader);
  const before = cluster.server(standby);
  void cluster.ask(standby, 'POST', '/reinitialize', '{}');
  await cluster.until(() => cluster.server(standby) === null, { withinMs: 10_000 });
  await cluster.until(() => cluster.steady(), { withinMs: 30_000 });
  assert.notEqual(cluster.server(standby), before);
  await losesNothing(cluster);
});

/** Its guard is disarmed, and nobody hears from it: the end of its lease proves nothing. */
for (const [how, silence] of [
  ['frozen', (cluster: SimulatedCluster, leader: string) => cluster.agent(leader).freeze()],
  ['ended', (cluster: SimulatedCluster, leader: string) => cluster.agent(leader).kill({ restartAfterMs: null })],
  ['cut off', (cluster: SimulatedCluster, leader: string) => cluster.network.isolate(leader)],
] as const)
  test(`the agent of the primary is ${how} in pause, and the pause is over: nobody is promoted beside it, until it is heard again`, async () => {
    const [cluster, leader] = await paused(121);
    const [other] = others(leader);
    silence(cluster, leader);
    await cluster.run(40_000);
    void cluster.ask(other, 'PATCH', '/config', '{"pause": null}');
    await cluster.run(60_000);
    assert.deepEqual(cluster.primaries(), [leader]);
    cluster.network.heal();
    cluster.agent(leader).thaw();
    cluster.node(leader).restartAgentAfterMs = 1000;
    cluster.agent(leader).start();
    await cluster.untilSteady();
    await cluster.run(15_000);
    assert.deepEqual(
      cluster.violations(0).filter(({ law }) => law !== 4),
      [],
    );
    assert.equal(keyOf(cluster, 'unfenced'), null, 'the guard is armed again');
  });

test('the machine of the primary is gone in pause: after it people name who leads, or its return tells', async () => {
  for (const named of [true, false]) {
    const [cluster, leader] = await paused(named ? 122 : 123);
    const [candidate, third] = others(leader);
    cluster.powerOff(leader);
    await cluster.run(40_000);
    void cluster.ask(third, 'PATCH', '/config', '{"pause": null}');
    await cluster.run(60_000);
    assert.deepEqual(cluster.primaries(), []);
    assert.match(cluster.story(), /race\.unfenced/);
    if (named) void cluster.ask(third, 'POST', '/failover', JSON.stringify({ candidate }));
    else cluster.powerOn(leader);
    await cluster.until(() => cluster.primary() !== null, { withinMs: 20_000 });
    if (named) assert.equal(cluster.primary(), candidate);
    cluster.powerOn(leader);
    await cluster.untilSteady();
    assert.equal(keyOf(cluster, 'unfenced'), null);
  }
});

/** A backend may acknowledge a commit for as long as it has not noticed that its postmaster is gone: seen once in the lab, 4 ms late. */
test('in pause a leader whose postmaster died keeps the key for as long as a backend of it lives', async () => {
  const [cluster, leader] = await paused(1207);
  cluster.postgresWorld.tuning.orphanMs = [1500, 1500];
  cluster.postgres(leader).kill();
  await cluster.run(1400);
  assert.match(keyOf(cluster, 'leader') ?? '', new RegExp(`^${leader}$`));
  assert.match(
    cluster.story(),
    /"rule":"paused\.leaderDown".*"waitsFor","the end of what still runs on its data: pid \d/,
  );
  await cluster.run(1000);
  assert.equal(keyOf(cluster, 'leader'), null);
});
