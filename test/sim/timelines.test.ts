import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry } from '../../src/model/decision.ts';
import { simulate } from '../../src/sim/cluster.ts';
import { timelinesBegunTwice } from '../../src/sim/findings.ts';
import { keyOf } from '../scenarios/stage.ts';

const members = ['n1', 'n2', 'n3'] as const;

/**
 * PostgreSQL takes the number after the highest timeline of which it has a history file. A standby that never streamed
 * from the last primary has no such file, takes the same number again, and two histories bear one name: nobody sees the
 * divergence, and the former primary follows with rows that the new one never had. A promotion therefore writes history
 * files of the timelines that the cluster knows of first.
 *
 * 1. n1 leads on timeline 1. The wire between n2 and n3 is dead.
 * 2. n1 is lost, n2 is promoted to timeline 2, and says so in etcd. n3 cannot follow it.
 * 3. n2 is lost. n3, still on timeline 1 and little behind, is promoted: to timeline 2.
 * 4. n2 comes back on its timeline 2, asks n3 for its timeline, 2, and finds nothing to rewind.
 */
test('no timeline is begun twice, and so the former primary sees that its history is another one [lesson 52]', async () => {
  const cluster = await simulate({ members, seed: 1, writeEveryMs: 250 }).untilSteady();
  const lost: string[] = [];
  const loseThePrimary = async (): Promise<void> => {
    const leader = cluster.primary() ?? '';
    lost.push(leader);
    cluster.agent(leader).kill({ restartAfterMs: null });
    await cluster.until(() => (cluster.primary() ?? leader) !== leader, { withinMs: 60_000 });
    await cluster.run(10_000);
  };
  await cluster.run(10_000);
  const [a = '', b = ''] = members.filter((name) => name !== cluster.primary());
  cluster.network.cut(a, b);
  cluster.network.cut(b, a);
  await loseThePrimary();
  await loseThePrimary();
  cluster.network.heal();
  for (const name of lost) cluster.agent(name).start();
  await cluster.untilSteady();
  await cluster.run(60_000);
  assert.deepEqual(timelinesBegunTwice(cluster), []);
  assert.deepEqual(cluster.corrupted(), []);
});

/**
 * A promotion that keeps off a taken timeline begins one whose history file does not end with the number before it: the
 * cluster must learn of it all the same.
 *
 * 1. n1 leads on 1; the wire between n2 and n3 is dead. n1 is lost, n2 begins 2. n2 is lost, n3 (on 1) keeps off 2, begins 3.
 * 2. n3 is lost, its member key ends. n1, on 1, comes back alone, is told of 2 only, and begins 3 as well.
 * 3. n3 comes back on its 3, asks n1 for its timeline, 3, and finds nothing to rewind.
 */
test('a timeline that was begun by keeping off another is known to the cluster, and not begun again', async () => {
  const cluster = await simulate({ members, seed: 1, writeEveryMs: 250 }).untilSteady();
  const lost: string[] = [];
  const loseThePrimary = async (): Promise<void> => {
    const leader = cluster.primary() ?? '';
    lost.push(leader);
    cluster.agent(leader).kill({ restartAfterMs: null });
    await cluster.until(() => cluster.primary() === null, { withinMs: 60_000 });
  };
  await cluster.run(10_000);
  const first = cluster.primary() ?? '';
  const [a = '', b = ''] = members.filter((name) => name !== first);
  cluster.network.cut(a, b);
  cluster.network.cut(b, a);
  await loseThePrimary();
  await cluster.until(() => cluster.primary() !== null, { withinMs: 60_000 });
  await cluster.run(10_000);
  await loseThePrimary();
  await cluster.until(() => cluster.primary() !== null, { withinMs: 60_000 });
  await cluster.run(10_000);
  await loseThePrimary();
  await cluster.run(40_000);
  cluster.agent(first).start();
  await cluster.until(() => cluster.primary() === first, { withinMs: 120_000 });
  await cluster.run(10_000);
  cluster.network.heal();
  for (const name of lost) cluster.agent(name).start();
  await cluster.untilSteady();
  await cluster.run(60_000);
  assert.deepEqual(timelinesBegunTwice(cluster), []);
  assert.deepEqual(cluster.corrupted(), []);
});

/** A timeline is announced before it begins: whoever begins it may die before it can say anything more. */
test('a primary that dies right after its promotion has told the cluster of its timeline', async () => {
  const cluster = await simulate({ members, seed: 2, writeEveryMs: 250 }).untilSteady();
  await cluster.run(10_000);
  const first = cluster.primary() ?? '';
  const [a = '', b = ''] = members.filter((name) => name !== first);
  cluster.network.cut(a, b);
  cluster.network.cut(b, a);
  cluster.agent(first).kill({ restartAfterMs: null });
  await cluster.until(() => cluster.primary() !== null && cluster.primary() !== first, { withinMs: 60_000 });
  const second = cluster.primary() ?? '';
  cluster.agent(second).kill({ restartAfterMs: null });
  cluster.postgres(second).kill();
  await cluster.until(() => (cluster.primary() ?? second) !== second, { withinMs: 120_000 });
  await cluster.run(10_000);
  cluster.network.heal();
  for (const name of [first, second]) cluster.agent(name).start();
  await cluster.untilSteady();
  await cluster.run(30_000);
  assert.deepEqual(timelinesBegunTwice(cluster), []);
  assert.deepEqual(cluster.corrupted(), []);
});

/** PostgreSQL writes the first record of a timeline, and only then opens: what ends in between has begun it all the same. */
test('a promotion that ends half way has begun its timeline, and nobody begins that again [seed 0x115c8]', async () => {
  for (const seed of [3, 4]) {
    const cluster = await simulate({ members, seed, writeEveryMs: 250 }).untilSteady();
    await cluster.run(10_000);
    const first = cluster.primary() ?? '';
    cluster.agent(first).kill({ restartAfterMs: null });
    await cluster.until(() => cluster.timelinesBegun().length > 0, { withinMs: 60_000 });
    const second = cluster.timelinesBegun()[0]?.node ?? '';
    assert.equal(cluster.primary(), null, 'it is not open yet');
    cluster.agent(second).kill({ restartAfterMs: null });
    cluster.postgres(second).kill();
    await cluster.until(() => cluster.primary() !== null, { withinMs: 120_000 });
    for (const name of [first, second]) cluster.agent(name).start();
    await cluster.untilSteady();
    await cluster.run(30_000);
    assert.deepEqual(timelinesBegunTwice(cluster), []);
    assert.ok(cluster.timelinesBegun().length >= 2);
    assert.deepEqual(cluster.corrupted(), []);
  }
});

/**
 * A copy has the history file of its own timeline alone, and walreceiver asks for that of each one between. A standby that comes
 * back to a leader that is such a copy gets none of the older ones.
 *
 * 1. n3 is away on timeline 1. n1 and n2 hand over to one another, and each is copied anew as a standby.
 * 2. The leader of timeline 4 has the files of 3 and 4. n3 asks it for that of 2.
 */
test('a standby that was away for several promotions follows a leader that was copied meanwhile', async () => {
  const cluster = await simulate({ members, seed: 5, writeEveryMs: 250 }).untilSteady();
  await cluster.run(10_000);
  const first = cluster.primary() ?? '';
  const [second = '', away = ''] = members.filter((name) => name !== first);
  cluster.powerOff(away);
  await cluster.run(20_000);
  const copy = async (node: string): Promise<void> => {
    void cluster.ask(node, 'POST', '/reinitialize', '{"force": true}');
    await cluster.run(60_000);
  };
  const handOver = async (leader: string, candidate: string): Promise<void> => {
    void cluster.ask(candidate, 'POST', '/switchover', JSON.stringify({ leader, candidate }));
    await cluster.until(() => cluster.primary() === candidate, { withinMs: 60_000 });
    await cluster.run(20_000);
  };
  await handOver(first, second);
  await copy(first);
  await handOver(second, first);
  await copy(second);
  await handOver(first, second);
  assert.equal(cluster.timeline(), 4);
  assert.equal(
    cluster.node(second).machine.disk.get('/var/lib/postgresql/15/main/pg_wal/00000002.history'),
    null,
    'the leader does not know of timeline 2',
  );
  cluster.powerOn(away);
  await cluster.untilSteady();
  assert.deepEqual(
    cluster.violations().map(({ kind }) => kind),
    [],
  );
  assert.deepEqual(cluster.corrupted(), []);
});

/** PostgreSQL would end at once, again and again: it follows the newest timeline that it has a history file of. */
test('a standby that crashed has the history file of a timeline that left before where it is: it comes up all the same', async () => {
  const cluster = await simulate({ members: ['n1', 'n2', 'n3'], seed: 471, writeEveryMs: 250 }).untilSteady();
  await cluster.run(15_000);
  const [lost = ''] = [...cluster.nodes.keys()].filter((name) => name !== cluster.primary());
  for (const state of ['crashed', 'stopped'] as const) {
    cluster.agent(lost).kill({ restartAfterMs: null });
    if (state === 'crashed') cluster.postgres(lost).kill();
    else cluster.node(lost).signal('postgres', 'INT');
    await cluster.until(() => cluster.server(lost) === null, { withinMs: 20_000 });
    const { disk, clock } = cluster.node(lost).machine;
    assert.ok(
      disk.put('/var/lib/postgresql/15/main/pg_wal/00000002.history', '1\t0/1741600\tleft\n', 0o600, clock.wall()),
    );
    cluster.agent(lost).start();
    await cluster.untilSteady();
  }
});

/**
 * Seed 90284: a standby heard of a timeline whose primary died before anything of it was sent, and another one led, from the timeline
 * before. PostgreSQL waits for that timeline for as long as it runs; its data has diverged from nobody's.
 */
test('a standby that was told of a timeline, and has nothing of it, follows who leads from the one before', async () => {
  const cluster = await simulate({ members, seed: 473, writeEveryMs: null }).untilSteady();
  await cluster.run(15_000);
  cluster.postgresWorld.tuning.promoteMs = [2_000, 2_000];
  const first = cluster.primary() ?? '';
  const others = members.filter((name) => name !== first);
  cluster.powerOff(first);
  await cluster.until(() => others.some((name) => name === keyOf(cluster, 'leader')), { withinMs: 60_000 });
  const second = keyOf(cluster, 'leader') ?? '';
  const [told = ''] = others.filter((name) => name !== second);
  // What is not flushed is not sent either.
  cluster.node(second).machine.flushStalls = true;
  await cluster.until(() => cluster.server(told)?.wal.timeline === 2, { withinMs: 30_000 });
  cluster.agent(second).kill({ restartAfterMs: null });
  cluster.postgres(second).kill();
  cluster.agent(told).freeze();
  cluster.powerOn(first);
  await cluster.until(() => cluster.primary() === first, { withinMs: 120_000 });
  cluster.node(second).machine.flushStalls = false;
  cluster.agent(told).thaw();
  cluster.agent(second).start();
  // Its agent dies once it has told the server to stop: the next one begins with nothing but what is on the disk.
  await cluster.until(() => cluster.rulesOf(told).includes('standby.notStreaming') && cluster.server(told) === null, {
    withinMs: 60_000,
  });
  cluster.agent(told).kill({ restartAfterMs: 500 });
  await cluster.untilSteady();
  const forgets = (entry: Entry): boolean => entry.kind === 'job' && /leader never was/.test(entry.step);
  assert.ok(cluster.journal(told).some(forgets), 'it did not take the way that this is about');
  assert.deepEqual(cluster.violations(), []);
  assert.deepEqual(cluster.corrupted(), []);
});

/**
 * The control file of a standby is as old as its last restart point. Without a stream, and with an agent that has just begun,
 * nothing else but a question tells that it went along.
 */
test('a standby that followed to a newer timeline may lead, though its agent began after the leader was gone', async () => {
  const cluster = await simulate({ members, seed: 472, writeEveryMs: 250 }).untilSteady();
  await cluster.run(15_000);
  const first = cluster.primary() ?? '';
  cluster.agent(first).kill({ restartAfterMs: null });
  await cluster.until(() => (cluster.primary() ?? first) !== first, { withinMs: 60_000 });
  const second = cluster.primary() ?? '';
  const [third = ''] = members.filter((name) => name !== first && name !== second);
  await cluster.run(5_000);
  for (const name of [second, third]) cluster.agent(name).kill({ restartAfterMs: null });
  cluster.postgres(second).kill(); // an end that its standby feels
  await cluster.run(2_000);
  cluster.agent(third).start();
  await cluster.until(() => cluster.primary() === third, { withinMs: 90_000 });
  for (const name of [first, second]) cluster.agent(name).start();
  await cluster.untilSteady();
  assert.deepEqual(
    cluster.violations().map(({ kind }) => kind),
    [],
  );
});
