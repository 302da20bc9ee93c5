import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';
import { etcdctlDelete, etcdctlPut } from '../../src/sim/etcdctl.ts';
import { type PeerVersion, peerVersions } from '../../src/sim/patroni/settings.ts';
import { isPeersOwn } from '../../src/sim/peersOwn.ts';

const members = ['n1', 'n2', 'n3'] as const;

interface Mixed {
  readonly cluster: SimulatedCluster;
  readonly patroni: string;
  /** The two of ours. */
  readonly ours: readonly [string, string];
}

/** A cluster that has been at work for a while, with a Patroni in it, which leads or follows. */
async function mixed(seed: number, version: PeerVersion, leader: 'patroni' | 'matriarch'): Promise<Mixed> {
  const patroni = members[seed % 3] ?? 'n1';
  const [a = '', b = ''] = members.filter((name) => name !== patroni);
  const cluster = simulate({ members, seed, writeEveryMs: 250, patronis: { [patroni]: version } });
  await cluster.untilSteady();
  await cluster.run(15_000);
  const wanted = leader === 'patroni' ? patroni : a;
  if (leader === 'patroni' ? cluster.primary() !== patroni : cluster.primary() === patroni)
    await moveTo(cluster, wanted);
  await cluster.run(15_000);
  cluster.mark();
  const first = cluster.primary() ?? '';
  return { cluster, patroni, ours: first === b ? [b, a] : [a, b] };
}

/** What patronictl does: the request is written into etcd, and nobody is asked. */
async function moveTo(cluster: SimulatedCluster, candidate: string): Promise<void> {
  etcdctlPut(cluster, 'failover', JSON.stringify({ leader: cluster.primary(), member: candidate }));
  await cluster.until(() => cluster.primary() === candidate, { withinMs: 30_000 });
  await cluster.untilSteady();
}

function keyOf(cluster: SimulatedCluster, name: string) {
  const found = cluster.etcd.store.range(`/service/sim/${name}`);
  return found.kind === 'kvs' ? (found.kvs[0] ?? null) : null;
}
const leaderKey = (cluster: SimulatedCluster): string | null => keyOf(cluster, 'leader')?.value ?? null;
const roleIn = (cluster: SimulatedCluster, name: string): unknown =>
  (JSON.parse(keyOf(cluster, `members/${name}`)?.value ?? '{}') as { readonly role?: unknown }).role;

/** Whole again by itself; what our agents did is lawful, and nothing is silently different. */
async function ends({ cluster, patroni }: Mixed): Promise<void> {
  cluster.network.heal();
  await cluster.untilSteady();
  await cluster.run(5000);
  assert.deepEqual(
    cluster.violations().filter((violation) => !isPeersOwn(violation, new Set([patroni]))),
    [],
  );
  assert.deepEqual(cluster.corrupted(), []);
}
const bothVersions = (seeds: readonly number[]): readonly (readonly [number, PeerVersion])[] =>
  seeds.flatMap((seed) => peerVersions.map((version) => [seed, version] as const));

test('a Patroni bootstraps the cluster: our members are cloned from it, and follow', async () => {
  let bootstrapped = 0;
  for (const [seed, version] of bothVersions([700, 701, 702, 703, 704, 705])) {
    const patroni = members[seed % 3] ?? 'n1';
    const cluster = simulate({ members, seed, patronis: { [patroni]: version } });
    await cluster.untilSteady();
    if (cluster.primary() !== patroni) continue;
    bootstrapped += 1;
    assert.equal(cluster.timeline(), 1);
    await cluster.run(20_000);
    assert.deepEqual(cluster.violations(), []);
  }
  assert.ok(bootstrapped >= 2, `${bootstrapped}`);
});

test('the power of a leading Patroni goes: one of ours leads within its ttl and a few seconds, and it rejoins below', async () => {
  for (const [seed, version] of bothVersions([710, 711, 712])) {
    const stage = await mixed(seed, version, 'patroni');
    const { cluster, patroni, ours } = stage;
    const before = cluster.timeline() ?? 0;
    cluster.powerOff(patroni);
    await cluster.until(() => cluster.primary() !== null, { withinMs: 34_000 });
    assert.ok(ours.includes(cluster.primary() ?? ''));
    await cluster.run(10_000);
    assert.equal(cluster.timeline(), before + 1);
    cluster.powerOn(patroni);
    await ends(stage);
    assert.ok(ours.includes(cluster.primary() ?? ''));
    assert.deepEqual(cluster.violations(), []);
  }
});

test('a Patroni takes over from one of ours that lost its power, and that one comes back below it', async () => {
  for (const [seed, version] of bothVersions([720, 721, 722])) {
    const stage = await mixed(seed, version, 'matriarch');
    const { cluster, patroni, ours } = stage;
    const [leader, other] = ours;
    const before = cluster.timeline() ?? 0;
    cluster.agent(other).kill({ restartAfterMs: null });
    await cluster.run(1000);
    cluster.powerOff(leader);
    await cluster.until(() => cluster.primary() === patroni, { withinMs: 50_000 });
    await cluster.run(10_000);
    cluster.agent(other).start();
    cluster.powerOn(leader);
    await ends(stage);
    assert.equal(cluster.primary(), patroni);
    assert.equal(cluster.timeline(), before + 1);
    assert.deepEqual(cluster.violations(), []);
  }
});

test('switchovers by the failover key, to a Patroni and back: each to the one that was named, and nothing is lost', async () => {
  for (const [seed, version] of bothVersions([730, 731, 732])) {
    const stage = await mixed(seed, version, 'matriarch');
    const { cluster, patroni, ours } = stage;
    const [leader, other] = ours;
    const before = cluster.timeline() ?? 0;
    await moveTo(cluster, patroni);
    await cluster.run(12_000);
    assert.equal(roleIn(cluster, patroni), version === '3.0.2' ? 'master' : 'primary');
    await moveTo(cluster, other);
    await cluster.run(12_000);
    // A Patroni of before 4 looks for a master.
    assert.equal(roleIn(cluster, other), version === '3.0.2' ? 'master' : 'primary');
    await moveTo(cluster, leader);
    assert.equal(cluster.timeline(), before + 3);
    await ends(stage);
    assert.deepEqual(cluster.violations(0), []);
    assert.equal(keyOf(cluster, 'failover')?.value, '{}');
  }
});

test('a Patroni that was frozen puts its name over our leader key: our primary stops at once, and follows', async () => {
  for (const seed of [740, 741, 742]) {
    const stage = await mixed(seed, '3.0.2', 'patroni');
    const { cluster, patroni, ours } = stage;
    cluster.agent(patroni).freeze();
    await cluster.until(() => ours.includes(leaderKey(cluster) ?? ''), { withinMs: 60_000 });
    const next = leaderKey(cluster) ?? '';
    await cluster.until(() => cluster.primaries().includes(next), { withinMs: 5000 });
    await cluster.run(5000);
    const term = keyOf(cluster, 'leader')?.createRevision;
    cluster.agent(patroni).thaw();
    await cluster.until(() => leaderKey(cluster) === patroni, { withinMs: 1000 });
    assert.equal(keyOf(cluster, 'leader')?.createRevision, term, 'it was put over ours, without a condition');
    await cluster.until(() => !cluster.primaries().includes(next), { withinMs: 500 });
    await cluster.run(100);
    assert.ok(cluster.rulesOf(next).includes('primary.leaderElsewhere'), cluster.rulesOf(next).join(' '));
    await cluster.run(5000);
    assert.equal(cluster.server(next)?.inRecovery ?? true, true);
    await ends(stage);
  }
});

test('the same of a Patroni that compares: our key stays ours, and it gives way', async () => {
  for (const seed of [750, 751, 752]) {
    const stage = await mixed(seed, '4.1.4', 'patroni');
    const { cluster, patroni, ours } = stage;
    cluster.agent(patroni).freeze();
    await cluster.until(() => ours.includes(leaderKey(cluster) ?? ''), { withinMs: 60_000 });
    const next = leaderKey(cluster) ?? '';
    await cluster.run(5000);
    cluster.agent(patroni).thaw();
    await cluster.until(() => !cluster.primaries().includes(patroni), { withinMs: 20_000 });
    assert.equal(leaderKey(cluster), next);
    await ends(stage);
    assert.equal(cluster.primary(), next);
  }
});

test('the leader key of a living Patroni is deleted by hand: nobody of ours is promoted beside it', async () => {
  for (const [seed, version] of bothVersions([760, 761, 762])) {
    const stage = await mixed(seed, version, 'patroni');
    const { cluster, patroni } = stage;
    const before = cluster.timeline();
    // Frozen, it can neither take its key again nor say that it is primary. Its lease tells.
    cluster.agent(patroni).freeze();
    await cluster.run(100);
    etcdctlDelete(cluster, 'leader');
    await cluster.run(8000);
    assert.deepEqual(cluster.primaries(), [patroni]);
    cluster.agent(patroni).thaw();
    await cluster.until(() => leaderKey(cluster) === patroni, { withinMs: 15_000 });
    await ends(stage);
    assert.equal(cluster.timeline(), before);
    assert.deepEqual(cluster.violations(0), []);
  }
});

test('paused under a leading Patroni: its agent may be away for as long as it likes, and nobody of ours is promoted', async () => {
  for (const [seed, version] of bothVersions([770, 771, 772])) {
    const stage = await mixed(seed, version, 'patroni');
    const { cluster, patroni, ours } = stage;
    const before = cluster.server(patroni);
    void cluster.ask(patroni, 'PATCH', '/config', '{"pause": true}');
    await cluster.run(12_000);
    cluster.agent(patroni).kill({ restartAfterMs: null });
    await cluster.until(() => leaderKey(cluster) === null, { withinMs: 40_000 });
    await cluster.run(60_000);
    assert.deepEqual(cluster.primaries(), [patroni]);
    cluster.agent(patroni).start();
    await cluster.until(() => leaderKey(cluster) === patroni, { withinMs: 15_000 });
    void cluster.ask(ours[0], 'PATCH', '/config', '{"pause": null}');
    await cluster.run(15_000);
    assert.equal(cluster.server(patroni), before);
    await ends(stage);
    assert.equal(cluster.primary(), patroni);
  }
});

/**
 * A Patroni compares positions and not timelines, and whoever is further stops it for good. Ours that left the way of the cluster
 * does not stand, either: together they would wait for each other without end.
 */
test('a tail that nobody else has does not keep a Patroni from leading: of what lies behind the fork ours does not speak', async () => {
  for (const [seed, version] of bothVersions([780, 781])) {
    const stage = await mixed(seed, version, 'matriarch');
    const { cluster, patroni, ours } = stage;
    const [leader, other] = ours;
    cluster.agent(other).kill({ restartAfterMs: null });
    cluster.network.isolate(leader);
    await cluster.until(() => cluster.primaries().includes(patroni), { withinMs: 60_000 });
    const timeline = cluster.timeline() ?? 0;
    const written = (): string => keyOf(cluster, 'history')?.value ?? '[]';
    await cluster.until(() => written().includes(`[${timeline - 1},`), { withinMs: 15_000 });
    // Only now does the old primary come back, and there is nobody to follow.
    cluster.powerOff(patroni);
    cluster.network.heal();
    await cluster.until(() => leaderKey(cluster) === null, { withinMs: 40_000 });
    await cluster.run(5000);
    const tail = cluster.server(leader)?.wal.end ?? 0n;
    assert.ok(cluster.server(leader)?.inRecovery);
    cluster.powerOn(patroni);
    await cluster.until(() => cluster.server(patroni)?.phase === 'ready', { withinMs: 20_000 });
    assert.ok(tail > (cluster.server(patroni)?.wal.end ?? 0n), 'what the old primary has alone is the longer');
    await cluster.until(() => cluster.primary() === patroni, { withinMs: 40_000 });
    cluster.agent(other).start();
    await ends(stage);
    assert.equal(cluster.primary(), patroni);
  }
});
