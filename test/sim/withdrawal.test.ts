import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SimulatedCluster } from '../../src/sim/cluster.ts';
import { etcdctlDelete } from '../../src/sim/etcdctl.ts';
import { ends, keyOf, three } from '../scenarios/stage.ts';

/** A vote is a promise, in synchronous mode: what happens to it at bad moments. */

/** What whoever led before acknowledged behind an election. */
const writesBehind = (cluster: SimulatedCluster, leader: string, electedMs: number) =>
  cluster.history().filter((seen) => seen.kind === 'write' && seen.node === leader && (seen.serverMs ?? 0) > electedMs);

test('a standby whose job turns it back to the primary has no vote, though its server receives from nobody yet', async () => {
  for (const seed of [0x900, 0x901, 0x902]) {
    const { cluster, leader, others } = await three(seed, { synchronous_mode: 'quorum' });
    const [voter, candidate] = others;
    cluster.agent(leader).freeze();
    etcdctlDelete(cluster, 'leader');
    const hasWithdrawn = (): boolean => cluster.node(voter).handles()?.snapshot()?.withdrawn === true;
    await cluster.until(hasWithdrawn, { withinMs: 5_000 });
    cluster.agent(voter).freeze();
    cluster.agent(leader).thaw();
    await cluster.until(() => keyOf(cluster, 'leader') === leader, { withinMs: 10_000 });
    // Nobody ends this primary. The voter goes on a moment before the lease is over, on a slow disk.
    cluster.agent(leader).freeze();
    cluster.guardian(leader).freeze();
    assert.ok(cluster.node(leader).signal('sentinel', 'STOP'));
    await cluster.run(26_000);
    cluster.node(voter).machine.fsyncMs = 4000;
    cluster.agent(voter).thaw();
    const elected = (): boolean => [voter, candidate].includes(keyOf(cluster, 'leader') ?? '');
    await cluster.until(elected, { withinMs: 120_000 });
    const electedMs = cluster.engine.now();
    await cluster.run(20_000);
    assert.deepEqual(writesBehind(cluster, leader, electedMs), []);
  }
});

test('withdrawn first, promised then: the primary without etcd goes on, and its commits end', async () => {
  for (const seed of [0xb00, 0xb01]) {
    const { cluster, leader, others } = await three(seed, { synchronous_mode: 'quorum', failsafe_mode: true });
    await cluster.run(45_000);
    cluster.agent(leader).freeze();
    etcdctlDelete(cluster, 'leader');
    const haveWithdrawn = (): boolean =>
      others.every((name) => cluster.node(name).handles()?.snapshot()?.withdrawn === true);
    await cluster.until(haveWithdrawn, { withinMs: 5_000 });
    cluster.etcd.shutOut.add(leader);
    cluster.agent(leader).thaw();
    await cluster.run(15_000);
    assert.deepEqual(cluster.primaries(), [leader]);
    const fromMs = cluster.engine.now();
    await cluster.until(() => cluster.writesSince(fromMs), { withinMs: 5_000 });
    cluster.etcd.shutOut.clear();
    await ends(cluster, 0);
  }
});

test('replay stands still on every standby: their receivers are ended by hand, and one is elected without delay', async () => {
  for (const seed of [0xc00, 0xc01]) {
    const { cluster, leader, others } = await three(seed, { synchronous_mode: 'quorum' });
    for (const name of others) Object.assign(cluster.server(name) ?? assert.fail(), { replayStands: 'held' });
    // Nobody ends this primary: what a standby confirms to it is acknowledged.
    for (const program of [cluster.agent(leader), cluster.guardian(leader)]) program.freeze();
    assert.ok(cluster.node(leader).signal('sentinel', 'STOP'));
    await cluster.until(() => others.includes(keyOf(cluster, 'leader') ?? ''), { withinMs: 35_000 });
    const electedMs = cluster.engine.now();
    await cluster.run(20_000);
    assert.deepEqual(writesBehind(cluster, leader, electedMs), []);
  }
});
