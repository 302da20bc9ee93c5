import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaseId } from '../../src/model/units.ts';
import type { EtcdOp } from '../../src/model/world.ts';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';

const members = ['n1', 'n2', 'n3'] as const;
const begin = (seed: number, of: readonly string[] = members): SimulatedCluster =>
  simulate({ members: of, seed, writeEveryMs: 250 });

/** The member whose bootstrap has come as far as this step. */
const makerAt = (cluster: SimulatedCluster, step: string): string | undefined =>
  [...cluster.nodes.keys()].find((name) =>
    cluster
      .journal(name)
      .some(
        (entry) => entry.kind === 'job' && entry.job === 'bootstrap' && `${entry.step} ${entry.outcome}`.includes(step),
      ),
  );
async function until(cluster: SimulatedCluster, step: string): Promise<string> {
  await cluster.until(() => makerAt(cluster, step) !== undefined, { withinMs: 30_000 });
  return makerAt(cluster, step) ?? '';
}
async function bornAndLawful(cluster: SimulatedCluster, withinMs: number): Promise<void> {
  await cluster.untilSteady(withinMs);
  await cluster.run(5000);
  assert.deepEqual(cluster.violations(), []);
  assert.deepEqual(cluster.corrupted(), []);
}
const keyOf = (cluster: SimulatedCluster, name: string): string | null => {
  const found = cluster.etcd.store.range(`/service/sim/${name}`);
  return found.kind === 'kvs' ? (found.kvs[0]?.value ?? null) : null;
};
/** What somebody who is no agent of ours writes. */
function write(cluster: SimulatedCluster, ...ops: readonly EtcdOp[]): void {
  const lead = cluster.etcd.raft.leader();
  if (lead === null) throw new Error('etcd has no leader');
  cluster.etcd.raft.propose(
    lead,
    () => void cluster.etcd.store.txn([], ops, [], cluster.etcd.leases.lives),
    () => {},
  );
}
test('the agent that makes the cluster is killed, at whatever step, and comes back: the cluster is born all the same', async () => {
  for (const [i, step] of ['initdb', 'first start', 'roles', 'bootstrap done'].entries()) {
    const cluster = begin(201 + i);
    cluster.agent(await until(cluster, step)).kill();
    await bornAndLawful(cluster, 60_000);
  }
});

test('a server that is half a bootstrap is stopped and made anew, not told to the cluster', async () => {
  const cluster = begin(211);
  const maker = await until(cluster, 'roles');
  cluster.agent(maker).kill();
  await bornAndLawful(cluster, 60_000);
  const rules = cluster.journal(maker).flatMap((entry) => (entry.kind === 'decided' ? [entry.rule] : []));
  const [half, partial, finish] = ['bootstrap.half', 'data.partial', 'bootstrap.finish'].map((rule) =>
    rules.indexOf(rule),
  );
  assert.ok(
    [half, partial, finish].every((at, i, all) => at !== undefined && at > (all[i - 1] ?? -1)),
    rules.join(' '),
  );
});

test('the machine that makes the cluster loses its power for good: another one begins when its lease has ended', async () => {
  for (const [i, step] of ['initdb', 'first start', 'bootstrap done'].entries()) {
    const cluster = begin(221 + i);
    const maker = await until(cluster, step);
    cluster.powerOff(maker);
    await cluster.until(() => cluster.primary() !== null, { withinMs: 180_000 });
    assert.notEqual(cluster.primary(), maker);
  }
});

test('the machine that has just made the cluster loses its power and is soon back: it goes on where it was', async () => {
  const cluster = begin(231);
  const maker = await until(cluster, 'bootstrap done');
  cluster.powerOff(maker);
  await cluster.run(5000);
  cluster.powerOn(maker);
  await bornAndLawful(cluster, 60_000);
  assert.equal(cluster.primary(), maker);
});

test('etcd goes right after the bootstrap, for 20 s and for two minutes: then the same node tells who the cluster is', async () => {
  for (const [i, awayMs] of [20_000, 120_000].entries()) {
    const cluster = begin(241 + i);
    const maker = await until(cluster, 'roles');
    for (const name of ['n1', 'n2', 'n3']) cluster.etcd.freeze(name);
    await cluster.run(awayMs);
    assert.deepEqual(cluster.primaries(), [], 'without a lease it does not go on as a primary');
    for (const name of ['n1', 'n2', 'n3']) cluster.etcd.thaw(name);
    await bornAndLawful(cluster, 120_000);
    assert.equal(cluster.primary(), maker);
  }
});

test('etcd goes while the only member makes its cluster: it is born when etcd is back', async () => {
  const cluster = begin(251, ['n1']);
  await until(cluster, 'initdb');
  cluster.etcd.freeze('n1');
  await cluster.run(90_000);
  cluster.etcd.thaw('n1');
  await bornAndLawful(cluster, 120_000);
});

test('whoever claims the cluster is cut off before he hears that it is his: he begins when he is back', async () => {
  const cluster = begin(261);
  await cluster.until(() => keyOf(cluster, 'initializing') !== null, { withinMs: 30_000 });
  const maker = keyOf(cluster, 'initializing') ?? '';
  cluster.network.isolate(maker);
  await cluster.run(12_000);
  cluster.network.heal();
  await bornAndLawful(cluster, 120_000);
});

test('a Patroni that makes the cluster names nobody beside its claim: its member key says that it is at work', async () => {
  const cluster = begin(271);
  const lease = leaseId(77n);
  await cluster.until(() => cluster.etcd.leader() !== null, { withinMs: 10_000 });
  cluster.etcd.leases.grant(lease, 60);
  const says = { conn_url: 'postgres://n9:5432/postgres', api_url: 'http://n9:8008/patroni' };
  const member = JSON.stringify({
    ...says,
    state: 'initializing new cluster',
    role: 'uninitialized',
    version: '4.1.4',
  });
  write(
    cluster,
    { op: 'put', key: '/service/sim/initialize', value: '' },
    { op: 'delete', key: '/service/sim/initializing' },
    { op: 'put', key: '/service/sim/members/n9', value: member, lease },
  );
  await cluster.run(55_000);
  assert.equal(keyOf(cluster, 'initialize'), '');
  assert.equal(keyOf(cluster, 'initializing'), null);
  assert.deepEqual(cluster.primaries(), []);
  // It dies, and its key goes with its lease: the claim is nobody's, and free.
  await bornAndLawful(cluster, 120_000);
});
