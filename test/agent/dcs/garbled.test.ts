import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, afterEach, before, test } from 'node:test';
import { startEtcd, type TestEtcd } from '../../support/etcd.ts';
import { makeNode, member, type Node } from './node.ts';

/** What somebody wrote over a key, and what etcd itself remembers of it. */

let etcd: TestEtcd;
const nodes: Node[] = [];
before(async () => {
  etcd = await startEtcd();
});
after(() => etcd.stop());
afterEach(() => {
  for (const node of nodes.splice(0)) node.close();
});

let scopes = 0;
async function ours(more: Readonly<Record<string, unknown>> = { matriarch: 1 }): Promise<Node> {
  const node = makeNode('a', etcd.urls, { scope: `garbled${scopes++}` });
  nodes.push(node);
  await node.dcs.publishMember({ ...member('a'), other: more });
  return node;
}
const synced = '{"leader":"a","quorum":0,"sync_standby":"b"}';

test('the last version that can be read counts, at the revision of what stands there, until it is put back', async () => {
  const { dcs, keys, meddle, reach } = await ours();
  await meddle({ op: 'put', key: keys.sync, value: synced });
  await meddle({ op: 'put', key: keys.sync, value: 'not this' });
  await meddle({ op: 'put', key: keys.sync, value: '' });
  const { cluster } = await reach();
  assert.deepEqual([cluster.sync?.leader, cluster.sync?.members], ['a', ['b']]);
  const [{ key, before: past } = { key: '' }] = cluster.garbage;
  assert.deepEqual([key, past?.text, past?.seenModRevision], [keys.sync, synced, cluster.sync?.modRevision]);
  assert.equal((await dcs.put(key, past?.text ?? '', past?.seenModRevision ?? 'any')).kind, 'done');
  const back = await reach();
  assert.deepEqual([back.cluster.garbage, back.cluster.sync?.members], [[], ['b']]);
});

test('whoever takes the key keeps what stood there, and not what nobody can read', async () => {
  const { dcs, keys, meddle, reach } = await ours();
  await meddle({ op: 'put', key: keys.sync, value: synced });
  await meddle({ op: 'put', key: keys.sync, value: 'yes' });
  assert.equal((await dcs.acquire((await reach()).cluster.revision)).kind, 'done');
  const { cluster } = await reach();
  assert.deepEqual([cluster.garbage, cluster.sync?.members], [[], ['b']]);
});

test('beside a member that is none of ours, and where nothing readable ever stood, a key that nobody can read says nothing', async () => {
  const { keys, meddle, reach } = await ours({});
  await meddle({ op: 'put', key: keys.sync, value: synced });
  await meddle({ op: 'put', key: keys.sync, value: 'what a later version writes' });
  const { cluster } = await reach();
  assert.deepEqual([cluster.sync, cluster.garbage[0]?.before], [null, undefined]);
  const alone = await ours();
  await alone.meddle({ op: 'put', key: alone.keys.failsafe, value: '{"ttl": "soon"}' });
  const view = await alone.reach();
  assert.deepEqual([view.cluster.failsafe, view.cluster.garbage[0]?.before], [null, undefined]);
});

test('a claim to initialize is not made again for whoever made it', async () => {
  const { keys, meddle, reach } = await ours();
  await meddle({ op: 'put', key: keys.initialize, value: '' });
  await meddle({ op: 'put', key: keys.initialize, value: 'no system' });
  const { cluster } = await reach();
  assert.deepEqual([cluster.initialize.kind, cluster.garbage[0]?.before], ['invalid', undefined]);
});

test('what etcd has compacted away is not invented', async () => {
  const { keys, meddle, reach } = await ours();
  await meddle({ op: 'put', key: keys.sync, value: synced });
  await meddle({ op: 'put', key: keys.sync, value: '' });
  // Written since, so that etcd need not keep the version before.
  await meddle({ op: 'put', key: keys.status, value: '{"optime": 1}' });
  const { revision } = (await (await ours()).reach()).cluster;
  execFileSync('etcdctl', ['--endpoints', etcd.urls.join(), 'compact', String(revision)], {
    env: { ...process.env, ETCDCTL_API: '3' },
  });
  const { cluster } = await reach();
  assert.deepEqual([cluster.sync, cluster.garbage[0]?.before], [null, undefined]);
});
