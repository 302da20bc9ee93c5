import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needIn } from '../../src/model/need.ts';
import { simulate } from '../../src/sim/cluster.ts';

test('the control file of a replica is gone while its server is down: it says so after some tries, and what to do; a reinit mends it', async () => {
  const cluster = await simulate({ members: ['n1', 'n2', 'n3'], seed: 71, writeEveryMs: 250 }).untilSteady();
  await cluster.run(5_000);
  const leader = cluster.primary() ?? '';
  const one = ['n1', 'n2', 'n3'].find((name) => name !== leader) ?? '';
  const need = (): string | null => needIn(cluster.node(one).handles()?.snapshot()?.decision.because ?? []);
  const control = '/var/lib/postgresql/15/main/global/pg_control';
  cluster.postgres(one).kill();
  cluster.node(one).machine.disk.put(control, '', 0o600, 0);
  await cluster.run(15_000);
  assert.ok(cluster.rulesOf(one).includes('data.unreadable'));
  assert.equal(need(), null, 'it may pass');
  await cluster.run(15_000);
  assert.match(
    need() ?? '',
    new RegExp(`pg_controldata: .*: put .*/main back, .*; or reinit ${one}, which copies it from the leader`),
  );
  void cluster.ask(one, 'POST', '/reinitialize', '{}');
  await cluster.untilSteady();
  await cluster.run(10_000);
  assert.equal(need(), null);
  assert.deepEqual(cluster.violations(), []);
});
