import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asked, ends, keyOf, leadsElsewhere, three, writeKey } from '../scenarios/stage.ts';

test('a /config that is refused as a whole is refused by an agent that begins anew, too: synchronous mode stays on for all', async () => {
  const { cluster, leader, others } = await three(41, { synchronous_mode: true });
  const named = JSON.parse(keyOf(cluster, 'sync') ?? '{}').sync_standby;
  const other = others.find((name) => name !== named) ?? '';
  const garbled = '{"synchronous_mode": null, "ttl": "30s"}';
  assert.equal(await asked(cluster, leader, 'PATCH', '/config', garbled), 400);
  const { synchronous_mode: _, ...rest } = JSON.parse(keyOf(cluster, 'config') ?? '{}');
  assert.equal(_, true, 'nothing was written');
  writeKey(cluster, 'config', JSON.stringify({ ...rest, ttl: '30s' }));
  await cluster.run(15_000);
  // It falls behind, which costs nothing while the one in /sync has all.
  cluster.network.cut(leader, other);
  cluster.network.cut(other, leader);
  cluster.agent(other).kill();
  await cluster.run(15_000);
  const modes = [leader, named, other].map(
    (name) => cluster.node(name).handles()?.snapshot()?.seen.settings.cluster.synchronousMode,
  );
  assert.deepEqual(modes, ['on', 'on', 'on']);
  cluster.powerOff(leader);
  cluster.agent(named).kill({ restartAfterMs: 60_000 });
  cluster.postgres(named).kill();
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 120_000 });
  cluster.powerOn(leader);
  await ends(cluster, 0);
});
