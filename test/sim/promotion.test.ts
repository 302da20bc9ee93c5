import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../src/sim/cluster.ts';
import type { SimulatedCluster } from '../../src/sim/words.ts';

const members = ['n1', 'n2', 'n3'] as const;
const quickLoops = { ttl: 30, loop_wait: 5, retry_timeout: 5 };

interface Stage {
  readonly cluster: SimulatedCluster;
  readonly leader: string;
  /** The one that can take over, and the one whose agent is frozen. */
  readonly next: string;
  readonly other: string;
}

/** A cluster that has been at work for a while, and whose leader is about to go. */
async function stage(seed: number, settings: Readonly<Record<string, unknown>> = quickLoops): Promise<Stage> {
  const cluster = await simulate({ members, seed, writeEveryMs: 250, settings }).untilSteady();
  await cluster.run(15_000);
  const leader = cluster.primary() ?? '';
  const [next = '', other = ''] = members.filter((name) => name !== leader);
  return { cluster, leader, next, other };
}
async function oneLeft(seed: number, settings?: Readonly<Record<string, unknown>>): Promise<Stage> {
  const made = await stage(seed, settings);
  made.cluster.agent(made.other).freeze();
  made.cluster.powerOff(made.leader);
  return made;
}
/** The promotion of the one that is left is signalled to a postmaster that is frozen, and so has not heard of it. */
async function unheard(seed: number, settings?: Readonly<Record<string, unknown>>): Promise<Stage> {
  const made = await oneLeft(seed, settings);
  const { cluster, next } = made;
  cluster.node(next).signal('postgres', 'STOP');
  const signalled = () =>
    cluster.journal(next).some((entry) => entry.kind === 'job' && entry.step === 'promotion signalled');
  await cluster.until(signalled, { withinMs: 60_000 });
  return made;
}
const lawful = (cluster: SimulatedCluster): void =>
  assert.deepEqual(
    cluster.violations().map(({ kind }) => kind),
    [],
  );

/**
 * A signal cannot be taken back: a postmaster that is frozen hears of it when it is thawed. Whoever gives the key away has
 * made sure that there is nobody left to hear, and does not wait for a disk that hangs to be sure.
 */
test('a promotion is signalled to a frozen postmaster, and its node gives the key back: it is not promoted when it thaws', async () => {
  const { cluster, leader, next, other } = await unheard(421);
  await cluster.run(2000);
  cluster.node(next).machine.diskHangs = true;
  cluster.guardian(next).freeze();
  cluster.agent(other).thaw();
  await cluster.until(() => cluster.primary() === other, { withinMs: 90_000 });
  cluster.node(next).signal('postgres', 'CONT');
  await cluster.run(5000);
  cluster.node(next).machine.diskHangs = false;
  cluster.guardian(next).thaw();
  cluster.powerOn(leader);
  await cluster.untilSteady();
  await cluster.run(5000);
  lawful(cluster);
});

/** Nobody was let in so far, and the control file of a dead server says "in archive recovery" for ever. */
test('a server dies right after it was told to promote, before anybody was connected: the promotion ends, and somebody leads', async () => {
  const { cluster, leader, next, other } = await unheard(426);
  await cluster.run(1000);
  cluster.postgres(next).kill();
  cluster.agent(other).thaw();
  await cluster.until(() => cluster.primary() !== null, { withinMs: 20_000 });
  cluster.powerOn(leader);
  await cluster.untilSteady();
  lawful(cluster);
});

/** In recovery, and yet no harmless standby: the guardian that spares those must not spare it. */
test('an agent freezes after it had signalled a promotion to a frozen postmaster: the guardian does not let it come true', async () => {
  const { cluster, leader, next, other } = await unheard(424);
  cluster.agent(next).freeze();
  const over = () =>
    cluster.told().some(({ node, text }) => node === next && text === 'guardian: the deadline has passed');
  await cluster.until(over, { withinMs: 60_000 });
  await cluster.run(200); // the sentinel's turn has not come yet
  cluster.node(next).signal('postgres', 'CONT');
  cluster.agent(other).thaw();
  await cluster.run(40_000);
  assert.equal(cluster.primary(), other);
  cluster.agent(next).thaw();
  cluster.powerOn(leader);
  await cluster.untilSteady();
  lawful(cluster);
});

/** What was last seen of a server that was told to promote is out of date: "a standby" must not be a reason to let the key go. */
test('the disk hangs right after a promotion, before anybody has looked, and no guard can be armed: the key goes after the server', async () => {
  const { cluster, leader, next: one, other } = await stage(425);
  const others = [one, other];
  cluster.powerOff(leader);
  const whose = (step: string): string | undefined =>
    others.find((name) => cluster.journal(name).some((entry) => entry.kind === 'job' && entry.step === step));
  await cluster.until(() => whose('promotion signalled') !== undefined, { withinMs: 60_000 });
  const next = whose('promotion signalled') ?? '';
  cluster.network.tune({ delayMs: [150, 200] }); // its loop waits for etcd meanwhile
  await cluster.until(() => whose('out of recovery') !== undefined, { withinMs: 5_000 });
  await cluster.run(20);
  cluster.node(next).machine.diskHangs = true;
  await cluster.run(2_000);
  cluster.network.tune({ delayMs: [0.1, 0.6] });
  await cluster.run(40_000);
  cluster.node(next).machine.diskHangs = false;
  cluster.powerOn(leader);
  await cluster.untilSteady();
  await cluster.run(5000);
  lawful(cluster);
});

test('a promotion is cut short in the middle: the timeline that nothing was written on does not keep its node away', async () => {
  const { cluster, leader, next, other } = await oneLeft(422);
  const { machine } = cluster.node(next);
  const begun = () => cluster.journal(next).some((entry) => entry.kind === 'job' && entry.job === 'promote');
  await cluster.until(begun, { withinMs: 60_000 });
  machine.fsyncMs = 60_000;
  cluster.guardian(next).freeze();
  cluster.agent(other).thaw();
  await cluster.until(() => cluster.primary() === other, { withinMs: 90_000 });
  machine.fsyncMs = 0.1;
  cluster.guardian(next).thaw();
  cluster.powerOn(leader);
  await cluster.untilSteady();
  lawful(cluster);
});

test('a promotion is cancelled while its file is on the way to a slow disk: no server hears of it later', async () => {
  const { cluster, leader, next, other } = await oneLeft(422);
  const { machine } = cluster.node(next);
  const armed = () =>
    cluster.told().some(({ node, text, atMs }) => node === next && atMs > offMs && text === 'guardian: armed');
  const offMs = cluster.engine.now();
  await cluster.until(armed, { withinMs: 60_000 });
  machine.fsyncMs = 60_000;
  cluster.guardian(next).freeze();
  cluster.agent(other).thaw();
  const ended = () =>
    cluster
      .journal(next)
      .some(({ kind, ...entry }) => kind === 'job' && 'outcome' in entry && entry.outcome === 'cancelled');
  await cluster.until(ended, { withinMs: 90_000 });
  machine.fsyncMs = 0.1; // what comes now is quick; the file is still on its way
  let found = false;
  cluster.engine.onStep(() => {
    const there = machine.disk.get('/var/lib/postgresql/15/main/promote') !== null;
    if (there && cluster.server(next) !== null) found = true;
  });
  await cluster.until(() => cluster.primary() === other, { withinMs: 90_000 });
  cluster.guardian(next).thaw();
  await cluster.run(90_000);
  assert.ok(!found, 'a running server must not find it');
  cluster.powerOn(leader);
  await cluster.untilSteady();
  lawful(cluster);
});

test('paused: an agent died after it had signalled a promotion that nobody heard: the next one calls it off', async () => {
  const { cluster, next, other } = await unheard(423, {});
  cluster.agent(next).kill({ restartAfterMs: null });
  cluster.agent(other).thaw();
  void cluster.ask(other, 'PATCH', '/config', '{"pause": true}');
  await cluster.run(3000);
  cluster.agent(next).start();
  await cluster.run(5000);
  cluster.node(next).signal('postgres', 'CONT');
  await cluster.run(10_000);
  assert.deepEqual(cluster.primaries(), []);
  lawful(cluster);
});
