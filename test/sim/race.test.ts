import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';
import { etcdctlDelete } from '../../src/sim/etcdctl.ts';

const members = ['n1', 'n2', 'n3'] as const;
const keyOf = (cluster: SimulatedCluster, name: string): string | null => {
  const found = cluster.etcd.store.range(`/service/sim/${name}`);
  return found.kind === 'kvs' ? (found.kvs[0]?.value ?? null) : null;
};

/** A postmaster on its way up is no primary yet, and nothing keeps it from becoming one: only its lease's end tells. */
test('the key is deleted by hand while its holder is in crash recovery: nobody is promoted beside it', async () => {
  const cluster = await simulate({ members, seed: 401, writeEveryMs: 250 }).untilSteady();
  await cluster.run(15_000);
  const leader = cluster.primary() ?? '';
  cluster.postgresWorld.tuning.crashRecoveryMs = [6000, 6000];
  cluster.postgres(leader).kill();
  await cluster.run(2000);
  assert.ok(etcdctlDelete(cluster, 'leader'));
  await cluster.until(() => (keyOf(cluster, 'leader') ?? leader) !== leader, { withinMs: 40_000 });
  cluster.agent(leader).kill({ restartAfterMs: null });
  await cluster.run(30_000);
  cluster.agent(leader).start();
  await cluster.untilSteady();
  await cluster.run(5000);
  assert.deepEqual(
    cluster.violations().map(({ kind }) => kind),
    [],
  );
});

/**
 * A postmaster that lets nobody in (frozen, or a machine too busy to fork) gives its agent no answer, while its backends go
 * on acknowledging: "I do not know" is not "I am no primary". And once another leads it is killed at once, however far away
 * the deadline of the lost lease is.
 */
test('the key is deleted by hand while its holder does not answer: nobody is promoted beside it', async () => {
  const cluster = await simulate({ members, seed: 411, writeEveryMs: 250 }).untilSteady();
  await cluster.run(15_000);
  const leader = cluster.primary() ?? '';
  cluster.node(leader).signal('postgres', 'STOP');
  cluster.agent(leader).kill(); // and with it the session that its probe had; a second later it is back
  await cluster.run(12_000);
  assert.ok(etcdctlDelete(cluster, 'leader'));
  await cluster.run(60_000);
  cluster.node(leader).signal('postgres', 'CONT');
  await cluster.untilSteady();
  await cluster.run(5000);
  assert.deepEqual(
    cluster.violations().flatMap((one) => (one.kind === 'splitBrain' ? [one.kind, Math.round(one.overlapMs)] : [])),
    [],
  );
});

/**
 * The running primary takes its deleted key again, and never hears that it has it. Were the lease of that try revoked, its end
 * would tell the others that the reign is over, while the guard of the primary still counts from the lease before.
 */
test('the answer to the primary that takes its deleted key again is lost, and its agent freezes: nobody is promoted beside it', async () => {
  const cluster = await simulate({ members, seed: 412, writeEveryMs: 250 }).untilSteady();
  await cluster.run(15_000);
  const leader = cluster.primary() ?? '';
  const others = members.filter((name) => name !== leader);
  cluster.etcd.freeze(leader);
  await cluster.run(12_000); // its watch is with another member, and a renewal is fresh
  assert.ok(etcdctlDelete(cluster, 'leader'));
  await cluster.until(() => keyOf(cluster, 'leader') === null, { withinMs: 5_000 });
  await cluster.until(() => keyOf(cluster, 'leader') === leader, { withinMs: 20_000 });
  for (const other of others) cluster.network.cut(other, leader);
  await cluster.run(2600); // it has given up, and looks what became of it
  cluster.network.heal();
  const goneBy = cluster.engine.now() + 3000;
  while (keyOf(cluster, 'leader') !== null && cluster.engine.now() < goneBy) await cluster.run(1);
  cluster.agent(leader).freeze();
  await cluster.run(90_000);
  cluster.etcd.thaw(leader);
  cluster.agent(leader).thaw();
  await cluster.untilSteady();
  await cluster.run(5000);
  assert.deepEqual(
    cluster.violations().map(({ kind }) => kind),
    [],
  );
});

/**
 * An agent that has just begun answers before it has looked: "I do not know yet" is no word of its server, which may be the
 * primary that nobody remembers.
 */
test('the key is deleted while the agent of the primary is down, another agent restarts, and then it: nobody is promoted beside it', async () => {
  const cluster = await simulate({
    members,
    seed: 413,
    writeEveryMs: 250,
    settings: { ttl: 60, loop_wait: 10, retry_timeout: 20 },
  }).untilSteady();
  await cluster.run(15_000);
  const leader = cluster.primary() ?? '';
  const others = members.filter((name) => name !== leader);
  cluster.agent(leader).kill({ restartAfterMs: null });
  await cluster.run(3000);
  assert.ok(etcdctlDelete(cluster, 'leader'));
  for (const other of others) cluster.agent(other).kill({ restartAfterMs: 500 });
  await cluster.run(5000);
  // Its first look takes a while.
  cluster.agent(leader).start();
  await cluster.until(() => cluster.node(leader).handles() !== null, { withinMs: 1000 });
  cluster.node(leader).machine.diskHangs = true;
  await cluster.run(1500);
  cluster.node(leader).machine.diskHangs = false;
  await cluster.untilSteady();
  await cluster.run(5000);
  assert.deepEqual(
    cluster.violations().map(({ kind }) => kind),
    [],
  );
});

/** Whoever has no key is not asked; but its slot tells that it was there. While its lease lives it may write: the others wait. */
test('leader and its member key are deleted by hand while it is cut off, and an agent restarts: nobody is promoted beside it', async () => {
  const cluster = await simulate({ members, seed: 402, writeEveryMs: 250 }).untilSteady();
  await cluster.run(15_000);
  const leader = cluster.primary() ?? '';
  const [other = ''] = members.filter((name) => name !== leader);
  cluster.network.isolate(leader);
  await cluster.run(2500); // an etcd majority has a leader again
  cluster.agent(other).kill({ restartAfterMs: 500 });
  await cluster.run(100);
  assert.ok(etcdctlDelete(cluster, 'leader', `members/${leader}`));
  await cluster.run(60_000);
  cluster.network.heal();
  await cluster.untilSteady();
  await cluster.run(5000);
  assert.deepEqual(
    cluster.violations().filter(({ kind }) => kind === 'splitBrain'),
    [],
  );
});

/**
 * An agent without etcd sees no leader, and that says nothing. What the last one wrote tells who it was, and etcd how long its
 * lease lives; where that is gone, too, a whole ttl with an etcd that answers has to pass.
 */
for (const [what, gone] of [
  ['', ['leader']],
  [' with all that it wrote', ['leader', 'status', 'timeline']],
] as const)
  test(`the key is deleted by hand${what} when an agent that began without etcd comes back and its holder is cut off: nobody is promoted beside it`, async () => {
    const settings = { ttl: 60, loop_wait: 10, retry_timeout: 20 };
    const five = [...members, 'n4', 'n5'];
    const cluster = await simulate({ members: five, seed: 414, writeEveryMs: 250, settings }).untilSteady();
    await cluster.run(15_000);
    const leader = cluster.primary() ?? '';
    const others = five.filter((name) => name !== leader);
    const back = others.shift() ?? '';
    cluster.network.isolate(back);
    cluster.agent(back).kill({ restartAfterMs: 500 });
    await cluster.run(90_000);
    cluster.network.isolate(leader);
    await cluster.run(3_000); // an etcd majority has a leader again
    assert.ok(etcdctlDelete(cluster, ...gone));
    await cluster.run(100);
    for (const other of others) {
      cluster.network.mend(back, other);
      cluster.network.mend(other, back);
    }
    await cluster.run(90_000);
    cluster.network.heal();
    await cluster.untilSteady();
    await cluster.run(5000);
    assert.deepEqual(
      cluster.violations().filter(({ kind }) => kind === 'splitBrain'),
      [],
    );
  });
