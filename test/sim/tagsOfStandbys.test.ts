import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTags } from '../../src/codec/config/tags.ts';
import type { SimulatedCluster } from '../../src/sim/cluster.ts';
import { ends, keyOf, three } from '../scenarios/stage.ts';

/** Tags that come by a reload, and what they mean for whom commits wait for. */

const on = { synchronous_mode: true };
const standbyOf = (cluster: SimulatedCluster): string | null => JSON.parse(keyOf(cluster, 'sync') ?? '{}').sync_standby;

function tag(cluster: SimulatedCluster, name: string, tags: Readonly<Record<string, unknown>>): void {
  const node = cluster.node(name);
  node.edit((file) => ({ ...file, tags: readTags(tags, () => {}) }));
  node.signal('agent', 'HUP');
}

test('failover_priority 0 on the standby in /sync: another that may lead is waited for instead, and leads when the primary dies', async () => {
  const { cluster, leader, others } = await three(35, on);
  const named = standbyOf(cluster) ?? '';
  const other = others.find((name) => name !== named) ?? '';
  tag(cluster, named, { failover_priority: 0 });
  await cluster.until(() => standbyOf(cluster) === other, { withinMs: 20_000 });
  cluster.powerOff(leader);
  await cluster.until(() => cluster.primary() === other, { withinMs: 60_000 });
  cluster.powerOn(leader);
  await ends(cluster, 0);
});

test('two standbys name each other in replicatefrom: both stream from the leader, and one is waited for', async () => {
  const { cluster, others } = await three(36, on);
  const [a, b] = others;
  tag(cluster, a, { replicatefrom: b });
  tag(cluster, b, { replicatefrom: a });
  await cluster.run(20_000);
  assert.ok(others.includes(standbyOf(cluster) ?? ''), `/sync names ${standbyOf(cluster)}`);
  await ends(cluster, 0);
});
