import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../src/sim/cluster.ts';
import { asked, keyOf } from '../scenarios/stage.ts';

test('the key is taken while synchronous mode is off, and it is on again before the winner could delete /sync: who has all may lead', async () => {
  const members = ['n1', 'n2', 'n3', 'n4', 'n5'];
  const settings = { synchronous_mode: true, synchronous_node_count: 2, maximum_lag_on_failover: 0 };
  const cluster = await simulate({ members, seed: 43, writeEveryMs: 250, settings }).untilSteady();
  await cluster.run(15_000);
  const first = cluster.primary() ?? '';
  cluster.etcd.shutOut.add(first);
  await cluster.run(500);
  const listed: string[] = JSON.parse(keyOf(cluster, 'sync') ?? '{}').sync_standby.split(',');
  assert.equal(await asked(cluster, listed[0] ?? '', 'PATCH', '/config', '{"synchronous_mode": null}'), 200);
  cluster.agent(first).kill({ restartAfterMs: null });
  cluster.guardian(first).kill();
  cluster.postgres(first).kill();
  await cluster.until(() => (keyOf(cluster, 'leader') ?? first) !== first, { withinMs: 90_000 });
  const second = keyOf(cluster, 'leader') ?? '';
  await cluster.until(() => cluster.server(second)?.inRecovery === false, { withinMs: 10_000 });
  // It leads without etcd from its first moment on, and all that it acknowledges reaches one standby that /sync did not name.
  cluster.etcd.shutOut.add(second);
  await cluster.run(3000);
  for (const name of listed.filter((one) => one !== second)) {
    cluster.network.cut(second, name);
    cluster.network.cut(name, second);
  }
  const full = members.find((name) => ![...listed, first, second].includes(name)) ?? '';
  assert.equal(await asked(cluster, full, 'PATCH', '/config', '{"synchronous_mode": true}'), 200);
  await cluster.run(10_000);
  const all = cluster.server(full)?.wal.end ?? 0n;
  cluster.powerOff(second);
  await cluster.until(() => cluster.primary() !== null, { withinMs: 90_000 });
  const winner = cluster.primary() ?? '';
  assert.ok(
    (cluster.server(winner)?.wal.end ?? 0n) >= all,
    `${winner} leads, ${full} has more, and /sync says ${keyOf(cluster, 'sync')}`,
  );
});
