import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeChance } from '../../src/sim/chance.ts';
import { makeEngine } from '../../src/sim/engine.ts';
import { forbidRealTime } from '../../src/sim/forbid.ts';
import { makeNetwork } from '../../src/sim/network.ts';

test('events fire in the order of their time, those of one instant in the order they were asked for', async () => {
  const engine = makeEngine();
  const seen: string[] = [];
  for (const [atMs, name] of [
    [30, 'c'],
    [10, 'a'],
    [30, 'd'],
    [20, 'b'],
  ] as const)
    engine.at(atMs, () => seen.push(`${engine.now()} ${name}`));
  engine.at(15, () => seen.push('never'))();
  assert.equal(await engine.run(25), false);
  assert.equal(engine.now(), 25);
  await engine.run(100);
  assert.deepEqual(seen, ['10 a', '20 b', '30 c', '30 d']);
});

test('every promise that an event settled has drained before the next event fires', async () => {
  const engine = makeEngine();
  const seen: string[] = [];
  const chain = async (name: string): Promise<void> => {
    for (let i = 0; i < 50; i++) await null;
    seen.push(name);
  };
  engine.at(1, () => void chain('first'));
  engine.at(1, () => seen.push('second'));
  await engine.run(2);
  assert.deepEqual(seen, ['first', 'second']);
});

test('one seed gives one trace, another seed another', async () => {
  const trace = async (seed: number): Promise<string> => {
    const engine = makeEngine();
    const chance = makeChance(seed);
    const network = makeNetwork(engine, chance.fork('network'), () => ['a', 'b', 'c']);
    network.tune({ loss: 0.2 });
    const lines: string[] = [];
    const ball = (from: string, to: string, hops: number): void =>
      network.send(from, to, () => {
        lines.push(`${engine.now()} ${from}>${to}`);
        if (hops > 0) ball(to, chance.pick(['a', 'b', 'c']), hops - 1);
      });
    ball('a', 'b', 200);
    await engine.run(1e6);
    return lines.join('\n');
  };
  assert.equal(await trace(7), await trace(7));
  assert.notEqual(await trace(7), await trace(8));
});

test('a stream keeps its order over a cut wire, and one direction may be dead while the other lives', async () => {
  const engine = makeEngine();
  const network = makeNetwork(engine, makeChance(1), () => ['a', 'b']);
  const seen: string[] = [];
  const [there, back] = [network.stream('a', 'b'), network.stream('b', 'a')];
  network.cut('a', 'b');
  for (const n of [1, 2, 3]) there.send(() => seen.push(`there ${n}`));
  back.send(() => seen.push('back'));
  await engine.run(1000);
  assert.deepEqual(seen, ['back']);
  network.heal();
  await engine.run(20_000);
  assert.deepEqual(seen, ['back', 'there 1', 'there 2', 'there 3']);
});

test('real time and chance throw during a run, and are back after it', async () => {
  await forbidRealTime(async () => {
    for (const use of [() => Date.now(), () => new Date(), () => Math.random(), () => setTimeout(() => {}, 1)])
      assert.throws(use, /simulated run/);
    assert.throws(() => performance.now(), /simulated run/);
    assert.throws(() => AbortSignal.timeout(5), /simulated run/);
    assert.equal(new Date(0).toISOString(), '1970-01-01T00:00:00.000Z');
    const engine = makeEngine();
    let fired = false;
    engine.at(5, () => {
      fired = true;
    });
    await engine.run(10);
    assert.ok(fired);
  });
  assert.ok(Date.now() > 0 && Math.random() < 1);
});
