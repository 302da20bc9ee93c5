import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tellBroken } from '../../src/model/laws/lapses.ts';
import { makeChance } from '../../src/sim/chance.ts';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';
import { makeEngine } from '../../src/sim/engine.ts';
import { makeMachine } from '../../src/sim/machine.ts';
import { reportOf } from '../../src/sim/report.ts';
import { planOf, runPlan } from '../../src/sim/run.ts';
import { idleProcess } from './drive.ts';

const members = ['n1', 'n2', 'n3'] as const;
const settings = { ttl: 20, loop_wait: 5, retry_timeout: 5 };

async function three(seed: number, writeEveryMs = 50): Promise<readonly [SimulatedCluster, leader: string]> {
  const cluster = await simulate({ members, seed, writeEveryMs, settings }).untilSteady();
  await cluster.run(10_000);
  return [cluster, cluster.primary() ?? ''];
}
const kindsOf = (violations: readonly { readonly kind: string }[]): readonly string[] =>
  violations.map(({ kind }) => kind).sort();

test('a machine stands still for 10 s: CLOCK_MONOTONIC does as well, and CLOCK_BOOTTIME finds within a second what came due', async () => {
  const engine = makeEngine();
  const machine = makeMachine(engine, makeChance(1), 'm', { rate: 1, bootedMs: 0 });
  const self = idleProcess(machine);
  const fired = new Map<string, number>();
  const note = (name: string) => () => void fired.set(name, engine.now());
  self.after(2000, note('monotonic, due meanwhile'));
  self.after(20_000, note('monotonic, due later'));
  self.at(2000, note('boottime, due meanwhile'));
  self.at(20_000, note('boottime, due later'));
  self.after(500, note('before'));
  await engine.run(1000);
  machine.suspend();
  self.deliver(note('a packet'));
  await engine.run(11_000);
  assert.deepEqual([...fired.keys()], ['before']);
  assert.equal(self.state(), 'stopped');
  assert.equal(self.runningSinceMs(), null);
  machine.wake();
  await engine.run(40_000);
  const at = (name: string): number => fired.get(name) ?? assert.fail(name);
  assert.equal(at('before'), 500);
  assert.ok(at('a packet') >= 11_000 && at('a packet') < 11_003);
  assert.equal(at('monotonic, due meanwhile'), 12_000);
  assert.equal(at('monotonic, due later'), 30_000);
  assert.ok(at('boottime, due meanwhile') >= 11_000 && at('boottime, due meanwhile') <= 12_000);
  assert.equal(at('boottime, due later'), 20_000);
});

test('a frozen process stays frozen when its machine goes on', async () => {
  const engine = makeEngine();
  const machine = makeMachine(engine, makeChance(1), 'm', { rate: 1, bootedMs: 0 });
  const self = idleProcess(machine);
  let heard = 0;
  self.signal('STOP');
  machine.suspend();
  self.deliver(() => {
    heard += 1;
  });
  machine.wake();
  await engine.run(1000);
  assert.deepEqual([self.state(), heard], ['stopped', 0]);
  self.signal('CONT');
  await engine.run(2000);
  assert.deepEqual([self.state(), heard], ['running', 1]);
});

test('the machine of the primary stands still for 5 s: it leads on, and nobody is promoted', async () => {
  const [cluster, leader] = await three(911);
  cluster.suspend(leader);
  await cluster.run(5000);
  cluster.wake(leader);
  await cluster.run(30_000);
  assert.equal(cluster.primary(), leader);
  assert.equal(cluster.timeline(), 1);
  const { standing, broken } = cluster.judged();
  assert.deepEqual([standing, broken], [[], []]);
});

test('the machine of the primary stands still for longer than its lease: what it writes as it wakes is classed, and it follows', async () => {
  let wrote = 0;
  for (const seed of [921, 922, 923, 924, 925, 926]) {
    const [cluster, leader] = await three(seed);
    cluster.suspend(leader);
    await cluster.until(() => cluster.primaries().some((name) => name !== leader), { withinMs: 60_000 });
    await cluster.run(5000);
    cluster.wake(leader);
    await cluster.untilSteady();
    await cluster.run(5000);
    assert.notEqual(cluster.primary(), leader);
    const { standing, broken } = cluster.judged();
    assert.deepEqual(kindsOf(standing), []);
    assert.deepEqual(
      broken.map(({ node, how }) => [node, how]),
      [[leader, 'suspended']],
    );
    assert.deepEqual(cluster.corrupted(), []);
    wrote += broken[0]?.writes ?? 0;
  }
  assert.ok(wrote > 0, 'in none of them anything was written before a guard had the processor');
});

test('a standby stands still for a minute: nothing is classed, and it goes on', async () => {
  const [cluster, leader] = await three(931);
  const [standby = ''] = members.filter((name) => name !== leader);
  cluster.suspend(standby);
  await cluster.run(60_000);
  cluster.wake(standby);
  await cluster.untilSteady();
  assert.equal(cluster.primary(), leader);
  assert.deepEqual(cluster.judged().broken, []);
});

test('the power of a machine that stands still is cut: it boots, and nothing of before is heard', async () => {
  const [cluster, leader] = await three(932);
  cluster.suspend(leader);
  await cluster.run(3000);
  cluster.powerOff(leader);
  await cluster.run(3000);
  cluster.powerOn(leader);
  await cluster.untilSteady();
  assert.deepEqual(kindsOf(cluster.judged().standing), []);
});

test('all guards of the primary are frozen beyond its lease, and thawed: two primaries, classed with their window', async () => {
  const [cluster, leader] = await three(941);
  const guards = ['agent', 'guardian', 'sentinel'] as const;
  const frozenMs = cluster.engine.now();
  for (const role of guards) assert.ok(cluster.node(leader).signal(role, 'STOP'));
  await cluster.until(() => cluster.primaries().length === 2, { withinMs: 60_000 });
  await cluster.run(3000);
  for (const role of guards) cluster.node(leader).signal(role, 'CONT');
  const thawedMs = cluster.engine.now();
  await cluster.untilSteady();
  await cluster.run(5000);
  assert.deepEqual(kindsOf(cluster.violations()), ['splitBrain', 'wroteWithoutRight']);
  const { standing, broken } = cluster.judged();
  assert.deepEqual(kindsOf(standing), []);
  const [one] = broken;
  assert.ok(one !== undefined && broken.length === 1);
  assert.deepEqual([one.node, one.how], [leader, 'frozen']);
  // Noted with the first event after it: between two events nothing happens.
  assert.ok(one.fromMs >= frozenMs && one.fromMs - frozenMs < 100, tellBroken(one));
  assert.ok(Math.abs(one.untilMs - thawedMs) < 5, tellBroken(one));
  assert.ok(one.twoPrimariesMs > 2500 && one.twoPrimariesMs < 4000, tellBroken(one));
});

test('one of the guards is left: nothing is classed, whatever comes of it', async () => {
  for (const left of ['agent', 'guardian', 'sentinel'] as const) {
    const [cluster, leader] = await three(942);
    for (const role of ['agent', 'guardian', 'sentinel'] as const)
      if (role !== left) cluster.node(leader).signal(role, 'STOP');
    cluster.network.isolate(leader);
    await cluster.run(40_000);
    const { standing, broken } = cluster.judged();
    assert.deepEqual([kindsOf(standing), broken], [[], []]);
    assert.ok(!cluster.primaries().includes(leader));
  }
});

/** What the agent would have done is taken away by hand: with a guard that runs and does nothing, the law must speak. */
test('a law is broken while a guard runs, and later no guard does: the lapse does not hide what was before it', async () => {
  const [cluster, leader] = await three(943);
  const { disk } = cluster.node(leader).machine;
  for (const role of ['agent', 'guardian'] as const) cluster.node(leader).signal(role, 'STOP');
  disk.remove('/var/lib/matriarch/deadline'); // the sentinel runs, and knows of none
  await cluster.until(() => cluster.primaries().length === 2, { withinMs: 60_000 });
  await cluster.run(5000);
  cluster.node(leader).signal('sentinel', 'STOP');
  await cluster.run(10_000);
  const { standing, broken } = cluster.judged();
  assert.deepEqual(kindsOf(standing), ['splitBrain', 'wroteWithoutRight']);
  assert.deepEqual(broken, []);
});

test('a run with all guards frozen says so in its report, as plain data, and again the same', async () => {
  const plan = { ...planOf(1), members: 3, faults: ['all guards frozen', 'suspended'] };
  const reports = [];
  for (const seed of [1, 2, 3, 4]) reports.push(reportOf(await runPlan({ ...plan, seed })));
  assert.deepEqual(
    reports.flatMap(({ findings }) => findings),
    [],
  );
  const told = reports.flatMap(({ broken }) => broken);
  assert.ok(told.length > 0);
  for (const { text } of told)
    assert.match(
      text,
      /^assumption broken: .* \d+\.\d–\d+\.\d s; window of two primaries \d+\.\d s, \d+ writes without/,
    );
  assert.deepEqual(reportOf(await runPlan({ ...plan, seed: 1 })), reports[0]);
});

test('a whole machine stands still between the premise of a promotion and its signal: classed, and ended by its guard [seed 0xcb25]', async () => {
  const [cluster, leader] = await three(944);
  cluster.powerOff(leader);
  const risen = (): string | undefined =>
    [...cluster.nodes.keys()].find((name) =>
      cluster
        .journal(name)
        .some((entry) => entry.kind === 'job' && entry.job === 'promote' && entry.outcome === 'begun'),
    );
  await cluster.until(() => risen() !== undefined, { withinMs: 60_000 });
  const candidate = risen() ?? '';
  cluster.suspend(candidate);
  await cluster.run(40_000);
  cluster.wake(candidate);
  await cluster.run(10_000);
  cluster.powerOn(leader);
  await cluster.untilSteady();
  const { standing, broken } = cluster.judged();
  assert.deepEqual(standing, []);
  assert.ok(broken.some(({ node, how }) => node === candidate && how === 'suspended'));
});
