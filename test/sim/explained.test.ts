import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unexplained } from '../../src/sim/explained.ts';
import { ends, leadsElsewhere, moveTo, three } from '../scenarios/stage.ts';

test('every primary is explained by its journal before it is one, also where its agent dies of what it does', async () => {
  const { cluster, leader, others } = await three(831);
  await moveTo(cluster, leader, others[0]);
  await cluster.run(20_000);
  cluster.powerOff(others[0]);
  await cluster.until(() => leadsElsewhere(cluster, others[0]), { withinMs: 60_000 });
  // In the very moment in which it became one.
  cluster.agent(cluster.primary() ?? '').kill();
  cluster.powerOn(others[0]);
  await ends(cluster);
  assert.deepEqual(unexplained(cluster), []);

  const primaries = cluster.history().filter((seen) => seen.kind === 'role' && seen.role === 'primary');
  const silent = { ...cluster, journal: () => [] };
  assert.equal(unexplained(silent).length, primaries.length);
});
