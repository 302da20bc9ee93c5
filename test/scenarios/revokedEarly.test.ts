import assert from 'node:assert/strict';
import { test } from 'node:test';
import { etcdctlPut } from '../../src/sim/etcdctl.ts';
import { revokeLeaseOf, three } from './stage.ts';

/**
 * etcd before 3.4.31 and 3.5.13: one that led, stood still and goes on has leases revoked that were renewed elsewhere meanwhile. The key
 * goes while its holder counts on its deadline, and rightly so. What is left is its own word: it answers that it runs as primary.
 * Met on real machines by `campaign random`: whoever looked while that one was asked again found no answer, and took the key.
 */
test('a lease that etcd ends early: the primary that answers has its veto, also while it is asked again', async () => {
  for (const seed of [0x1000, 0x1001, 0x1002]) {
    const { cluster, leader } = await three(seed);
    cluster.network.tune({ delayMs: [4, 20] });
    await cluster.run(12_000);
    cluster.etcd.shutOut.add(leader); // it hears nothing of it
    await cluster.run(300);
    revokeLeaseOf(cluster, 'leader');
    // Other writes wake the others at any time.
    for (let write = 0; write < 1_200 && cluster.primary() === leader; write++) {
      assert.ok(etcdctlPut(cluster, 'note', String(write)));
      await cluster.run(7);
    }
    cluster.etcd.shutOut.clear();
    await cluster.untilSteady();
    // By etcd's clock it had no right any more: that is what etcd got wrong.
    const kinds = cluster.violations().map(({ kind }) => kind);
    assert.deepEqual(
      kinds.filter((kind) => kind !== 'wroteWithoutRight'),
      [],
    );
  }
});
