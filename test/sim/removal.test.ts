import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../src/sim/cluster.ts';

const members = ['n1', 'n2', 'n3'] as const;

test('an agent is killed while it empties a data directory for a fresh copy: the next one goes on with it', async () => {
  const cluster = await simulate({ members, seed: 431, writeEveryMs: 250 }).untilSteady();
  await cluster.run(5000);
  const leader = cluster.primary() ?? '';
  const standby = members.find((name) => name !== leader) ?? '';
  const { machine } = cluster.node(standby);
  machine.fsyncMs = 200; // it takes its time
  void cluster.ask(standby, 'POST', '/reinitialize', '{"force": true}');
  const holds = (name: string): boolean => machine.disk.get(`/var/lib/postgresql/15/main/${name}`) !== null;
  await cluster.until(() => !holds('global') && holds('pg_hba.conf'), { withinMs: 30_000 });
  cluster.agent(standby).kill();
  machine.fsyncMs = 0.1;
  await cluster.untilSteady();
  await cluster.run(5000);
  assert.deepEqual(cluster.violations(), []);
});
