import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaseId, revision } from '../../src/model/units.ts';
import type { EtcdWatchMessage } from '../../src/model/world.ts';
import { simulate } from '../../src/sim/cluster.ts';
import { drive, type EtcdLab, etcdLab } from './drive.ts';

const endpoint = 'http://e1:2379';
const put = (lab: EtcdLab, value: string) =>
  lab.transport.call(
    endpoint,
    'txn',
    { compare: [], success: [{ op: 'put', key: '/key', value }], failure: [] },
    400,
    null,
  );
function watch(lab: EtcdLab): { readonly values: string[]; readonly kinds: string[]; watch(from: bigint): void } {
  const values: string[] = [];
  const kinds: string[] = [];
  const receive = (message: EtcdWatchMessage): void => {
    kinds.push(message.kind);
    if (message.kind === 'events') for (const event of message.events) values.push(event.value);
  };
  return {
    values,
    kinds,
    watch: (from) =>
      void lab.transport.watch(endpoint, { key: '/', rangeEnd: '0', startRevision: revision(from) }, null, receive),
  };
}

test('a watch that lags behind a compaction is canceled; with the bug of old versions it goes on, and has missed what was', async () => {
  for (const droppedAtCompaction of [false, true]) {
    const lab = etcdLab(3);
    lab.etcd.bugs.droppedAtCompaction = droppedAtCompaction;
    const seen = watch(lab);
    await drive(
      lab.engine,
      (async () => {
        await put(lab, 'a');
        seen.watch(2n);
        await lab.sleep(200);
        // What it serves is frozen while the others go on, and forget.
        lab.etcd.freeze('e1');
        await lab.sleep(3000);
        for (const value of ['b', 'c'])
          await lab.transport.call(
            'http://e2:2379',
            'txn',
            { compare: [], success: [{ op: 'put', key: '/key', value }], failure: [] },
            400,
            null,
          );
        lab.etcd.compact(lab.etcd.store.revision());
        await lab.sleep(500);
        lab.etcd.thaw('e1');
        await lab.sleep(3000);
        await put(lab, 'd');
        await lab.sleep(500);
      })(),
    );
    assert.equal(seen.kinds.includes('canceled'), !droppedAtCompaction);
    assert.deepEqual(seen.values, droppedAtCompaction ? ['a', 'c', 'd'] : ['a']);
  }
});

test('doubled events come twice', async () => {
  const lab = etcdLab(4);
  lab.etcd.bugs.doubledEvents = 1;
  const seen = watch(lab);
  await drive(
    lab.engine,
    (async () => {
      seen.watch(2n);
      await put(lab, 'a');
      await lab.sleep(200);
    })(),
  );
  assert.deepEqual(seen.values, ['a', 'a']);
});

test('a revoked lease is renewed, says the answer, for as long as the bug lets it', async () => {
  const lab = etcdLab(5);
  lab.etcd.bugs.renewsRevokedMs = 1000;
  const renewed = async (lease: bigint): Promise<number> => {
    const kept = await lab.transport.call(endpoint, 'leaseKeepAlive', { lease: leaseId(lease) }, 400, null);
    return kept.kind === 'answered' ? kept.answer.ttlS : -1;
  };
  await drive(
    lab.engine,
    (async () => {
      const granted = await lab.transport.call(endpoint, 'leaseGrant', { ttlS: 5 }, 400, null);
      const lease = granted.kind === 'answered' ? granted.answer.lease : leaseId(0n);
      await lab.transport.call(endpoint, 'leaseRevoke', { lease }, 400, null);
      assert.equal(await renewed(lease), 5);
      await lab.sleep(1000);
      assert.equal(await renewed(lease), 0);
    })(),
  );
});

test('renewals that are lies keep no primary: with its key gone it has no lease, whatever the keep-alive says', async () => {
  const cluster = await simulate({ members: ['n1', 'n2', 'n3'], seed: 31, writeEveryMs: 250 }).untilSteady();
  await cluster.run(15_000);
  cluster.etcd.bugs.renewsRevokedMs = 600_000;
  const leader = cluster.primary() ?? '';
  const key = cluster.etcd.store.range('/service/sim/leader');
  const lease = key.kind === 'kvs' ? (key.kvs[0]?.lease ?? null) : null;
  cluster.etcd.raft.propose(
    cluster.etcd.raft.leader() ?? assert.fail(),
    () => void (lease !== null && cluster.etcd.leases.revoke(lease)),
    () => {},
  );
  // Somebody leads again on a lease that lives, and in no more than a moment.
  await cluster.run(3000);
  await cluster.untilSteady(30_000);
  const now = cluster.etcd.store.range('/service/sim/leader');
  const kv = now.kind === 'kvs' ? now.kvs[0] : undefined;
  assert.ok(kv?.lease != null && kv.lease !== lease && cluster.etcd.leases.lives(kv.lease));
  assert.equal(kv.value, leader, 'it had the data, and nobody else took the key');
  assert.equal(cluster.timeline(), 1);
  assert.deepEqual(cluster.violations(0), []);
});
