import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deadlineFile, guardFile } from '../../src/codec/guard.ts';
import { leaseId } from '../../src/model/units.ts';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';
import { places } from '../../src/sim/settings.ts';

const members = ['n1', 'n2', 'n3'] as const;
const itsLease = leaseId(77n);

/** A Patroni ran the primary until just now: no agent, no guardian, its keys on one lease, and PostgreSQL as it was. */
async function afterPatroni(
  seed: number,
  answersAt = (leader: string): string => leader,
): Promise<readonly [SimulatedCluster, leader: string]> {
  const cluster = await simulate({ members, seed, writeEveryMs: 250 }).untilSteady();
  await cluster.run(15_000);
  const leader = cluster.primary() ?? '';
  const { etcd } = cluster;
  cluster.agent(leader).kill({ restartAfterMs: null });
  cluster.guardian(leader).kill();
  for (const file of [guardFile, deadlineFile]) cluster.node(leader).machine.disk.remove(file(places.stateDir));
  const member = JSON.stringify({
    conn_url: `postgres://${leader}:5432/postgres`,
    api_url: `http://${answersAt(leader)}:8008/patroni`,
    state: 'running',
    role: 'primary',
    version: '4.1.4',
    timeline: 1,
  });
  const lead = etcd.raft.leader();
  if (lead === null) throw new Error('etcd has no leader');
  etcd.leases.grant(itsLease, 30);
  const put = (key: string, value: string) =>
    ({ op: 'put', key: `/service/sim/${key}`, value, lease: itsLease }) as const;
  etcd.raft.propose(
    lead,
    () => void etcd.store.txn([], [put('leader', leader), put(`members/${leader}`, member)], [], etcd.leases.lives),
    () => {},
  );
  await cluster.run(2000);
  return [cluster, leader];
}
function keyOf(cluster: SimulatedCluster, name: string) {
  const found = cluster.etcd.store.range(`/service/sim/${name}`);
  return found.kind === 'kvs' ? (found.kvs[0] ?? null) : null;
}

test('coming from Patroni: the key that bears my name is taken over, and PostgreSQL goes on as it is', async () => {
  for (const seed of [501, 502, 503]) {
    const [cluster, leader] = await afterPatroni(seed);
    const before = cluster.server(leader);
    const key = keyOf(cluster, 'leader');
    cluster.mark();
    cluster.agent(leader).start();
    await cluster.run(3000);
    assert.ok(cluster.rulesOf(leader).includes('primary.adopt'), cluster.rulesOf(leader).join(' '));
    assert.notEqual(keyOf(cluster, 'leader')?.lease, itsLease);
    assert.equal(keyOf(cluster, 'leader')?.createRevision, key?.createRevision, 'the same term');
    const seen = cluster.node(leader).handles()?.snapshot()?.seen;
    assert.ok(seen?.guard.kind === 'present' && seen.guard.armedMs !== null);
    await cluster.run(60_000); // past the end of Patroni's lease
    assert.equal(cluster.server(leader), before);
    assert.equal(cluster.timeline(), 1);
    await cluster.untilSteady();
    assert.deepEqual(cluster.violations(), []);
  }
});

test('coming from Patroni: cut off in the middle of taking the key over, it is stopped before anybody else leads', async () => {
  for (const afterMs of [15, 20, 25, 30, 40]) {
    const [cluster, leader] = await afterPatroni(511);
    cluster.agent(leader).start();
    await cluster.run(afterMs);
    cluster.network.isolate(leader);
    await cluster.run(60_000);
    cluster.network.heal();
    await cluster.untilSteady();
    await cluster.run(5000);
    const overlaps = cluster.violations().filter(({ kind }) => kind === 'splitBrain');
    assert.deepEqual(overlaps, [], `cut after ${afterMs} ms`);
  }
});

test('whoever answers under my name keeps it: the agent ends, and touches neither key nor server [lesson 8]', async () => {
  const another = (leader: string): string => members.find((name) => name !== leader) ?? '';
  const [cluster, leader] = await afterPatroni(521, another);
  const before = cluster.server(leader);
  const key = keyOf(cluster, 'leader');
  cluster.agent(leader).start();
  await cluster.run(6000);
  assert.equal(cluster.node(leader).handles(), null);
  assert.match(cluster.story(), /agent ends: a member named n\d is alive at/);
  assert.equal(cluster.server(leader), before);
  assert.deepEqual(keyOf(cluster, 'leader'), key);
});
