import assert from 'node:assert/strict';
import { test } from 'node:test';
import { etcdctlDelete, etcdctlPut } from '../../src/sim/etcdctl.ts';
import { ends, three } from './stage.ts';

/**
 * A start that hangs on its disk is called off, and does not come to its end; the stop that comes after it would wait. Whoever
 * puts a name over a leader key, as an operator may, ends the right to write at once, and not at the end of the lease.
 */
test('another leads while a start hangs on the disk: PostgreSQL is ended beside it, and does not open [seed 0x11774]', async () => {
  for (const seed of [0xf00, 0xf01]) {
    const { cluster, leader, others } = await three(seed);
    const { machine } = cluster.node(leader);
    cluster.postgres(leader).kill();
    await cluster.until(() => cluster.server(leader)?.phase === 'starting', { withinMs: 5_000 });
    assert.ok(cluster.node(leader).signal('postgres', 'STOP'));
    machine.diskHangs = true;
    await cluster.run(2_000);
    assert.ok(etcdctlPut(cluster, 'leader', others[0]));
    await cluster.until(() => cluster.server(leader) === null, { withinMs: 3_000 });
    machine.diskHangs = false;
    assert.ok(etcdctlDelete(cluster, 'leader'));
    await ends(cluster);
  }
});
