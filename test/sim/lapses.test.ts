import assert from 'node:assert/strict';
import { test } from 'node:test';
import { three } from '../scenarios/stage.ts';

test('an agent that hangs before its first look is no guard: what it did not stop is classed [seed 0x11eab]', async () => {
  const { cluster, leader } = await three(0xe10);
  const { machine } = cluster.node(leader);
  cluster.guardian(leader).freeze();
  assert.ok(cluster.node(leader).signal('sentinel', 'STOP'));
  machine.diskHangs = true;
  cluster.agent(leader).kill({ restartAfterMs: 1_000 });
  await cluster.run(5_000);
  assert.equal(cluster.node(leader).stateOf('agent'), 'running');
  assert.equal(cluster.node(leader).handles()?.snapshot() ?? null, null);
  await cluster.run(40_000);
  machine.diskHangs = false;
  await cluster.run(5_000);
  const { standing, broken } = cluster.judged();
  assert.deepEqual(
    standing.filter(({ law }) => law === 4),
    [],
  );
  assert.deepEqual(
    broken.map(({ node }) => node),
    [leader],
  );
  assert.ok(
    cluster.violations().some(({ kind }) => kind === 'wroteWithoutRight'),
    'it did go on',
  );
});
