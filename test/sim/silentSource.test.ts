import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../src/sim/cluster.ts';

const members = ['n1', 'n2', 'n3'] as const;

test('the source of a copy loses its power, and says nothing: the copy does not wait for it for hours', async () => {
  const cluster = await simulate({ members, seed: 0x511e, writeEveryMs: 250 }).untilSteady();
  await cluster.run(15_000);
  const leader = cluster.primary() ?? '';
  const node = members.find((name) => name !== leader) ?? '';
  const copies = () =>
    cluster.journal(node).filter((one) => one.kind === 'job' && one.step.startsWith('pg_basebackup')).length;
  const before = copies();
  void cluster.ask(node, 'POST', '/reinitialize', '{"force": true}');
  await cluster.until(() => copies() > before, { withinMs: 30_000 });
  await cluster.run(100);
  cluster.powerOff(leader);
  await cluster.until(() => cluster.server(node)?.inRecovery === true, { withinMs: 180_000 });
  assert.deepEqual(cluster.violations(), []);
});
