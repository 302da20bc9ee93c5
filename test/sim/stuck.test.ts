import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EtcdAsk } from '../../src/model/world.ts';
import { makeEngine } from '../../src/sim/engine.ts';
import { makeStuck } from '../../src/sim/etcd/stuck.ts';

const release: EtcdAsk<'txn'> = {
  compare: [],
  success: [
    { op: 'delete', key: '/service/sim/leader' },
    { op: 'put', key: '/service/sim/status', value: '{}' },
  ],
  failure: [],
};
const renewal: EtcdAsk<'txn'> = {
  compare: [],
  success: [{ op: 'put', key: '/service/sim/leader', value: 'n1' }],
  failure: [],
};

test('one write of one host is carried out later, and nothing else is held up', async () => {
  const engine = makeEngine();
  const stuck = makeStuck(engine);
  const carriedOut: number[] = [];
  const holds = (host: string, ask: Parameters<typeof stuck.holds>[1]) =>
    stuck.holds(host, ask, () => void carriedOut.push(engine.now()));
  const told: string[] = [];
  stuck.trap('n1', {
    op: 'delete',
    key: 'leader',
    delayMs: 700,
    caught: () => void told.push(`caught at ${engine.now()}`),
    landing: () => void told.push(`landing at ${engine.now()}, ${carriedOut.length} carried out`),
  });
  assert.deepEqual(
    [holds('n1', renewal), holds('n2', release), holds('n1', { lease: 5n as never }), holds('n1', release)],
    [false, false, false, true],
  );
  assert.equal(holds('n1', release), false, 'the next one goes through');
  await engine.run(10_000);
  assert.deepEqual([carriedOut, told], [[700], ['caught at 0', 'landing at 700, 0 carried out']]);
});

test('all requests of a host are held until they are let go, each after a while of its own', async () => {
  const engine = makeEngine();
  const stuck = makeStuck(engine);
  const carriedOut: string[] = [];
  stuck.hold('n1');
  for (const what of ['first', 'second']) {
    assert.ok(stuck.holds('n1', renewal, () => void carriedOut.push(what)));
    stuck.hold('n1'); // once more, while the first holds
  }
  await engine.run(1_000);
  assert.deepEqual(carriedOut, []);
  const delays = [900, 100];
  stuck.letGo(() => delays.shift() ?? 0);
  assert.ok(!stuck.holds('n1', renewal, () => assert.fail('it was not held')));
  await engine.run(3_000);
  assert.deepEqual(carriedOut, ['second', 'first']);
});
