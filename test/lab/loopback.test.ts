import assert from 'node:assert/strict';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { test } from 'node:test';
import { makeLab } from '../../src/lab/lab.ts';
import { lastingTraces, tracesOf } from './traces.ts';

/** Everybody's, root or not: a cluster of folders and loopback addresses. */
test('without namespaces the same cluster runs; the power ends all that is on a machine, guards too, and nothing stays', async () => {
  const dir = mkdtempSync('/tmp/matriarch-loopback-');
  rmdirSync(dir);
  const portBase = 21_000 + (process.pid % 900);
  const lab = await makeLab({ dir, ground: 'loopback', portBase, nodes: 3, ttlS: 6 });
  try {
    const { leader } = await lab.waitHealthy(60_000);
    const node = lab.node(leader ?? '');
    assert.notEqual(node.process('guardian'), null);
    await node.powerOff();
    const left = tracesOf(node.machine.plan.paths.dataDir).filter((trace) => trace.startsWith('process'));
    assert.deepEqual(left, []);
    const next = await lab.waitFor((seen) => seen.leader !== null && seen.leader !== leader, 40_000, 'another leads');
    assert.notEqual(next.leader, leader);
  } finally {
    await lab.down();
  }
  assert.deepEqual(await lastingTraces(dir), []);
});
