import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asked, ends, leadsElsewhere, three } from '../scenarios/stage.ts';

test('the primary of what has become a standby cluster is lost: nobody is promoted until that is taken back', async () => {
  const { cluster, leader, others } = await three(0xd00);
  const section = (value: unknown): string => JSON.stringify({ standby_cluster: value });
  assert.equal(await asked(cluster, leader, 'PATCH', '/config', section({ host: 'far', port: 5432 })), 200);
  await cluster.run(15_000);
  assert.equal(cluster.primary(), leader, 'it goes on, and no health check sends anybody to it');
  assert.equal(await asked(cluster, leader, 'GET', '/primary'), 503);
  cluster.powerOff(leader);
  await cluster.run(90_000);
  assert.equal(cluster.primary(), null);
  for (const name of others) assert.ok(cluster.rulesOf(name).includes('standbyCluster.notLed'));
  assert.equal(await asked(cluster, others[0], 'PATCH', '/config', section(null)), 200);
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 15_000 });
  cluster.powerOn(leader);
  await ends(cluster);
});
