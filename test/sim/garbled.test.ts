import assert from 'node:assert/strict';
import { test } from 'node:test';
import { revision } from '../../src/model/units.ts';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';
import { etcdctlDelete, etcdctlPut } from '../../src/sim/etcdctl.ts';
import { ofHand } from '../../src/sim/faultsOfHand.ts';

/** What somebody wrote over a key by hand while nobody led: an election goes by it, and nobody was left to write it again. */

const members = ['n1', 'n2', 'n3'];
const settings = { ttl: 20, loop_wait: 5, retry_timeout: 5, failsafe_mode: true };

const textOf = ({ etcd }: SimulatedCluster, name: string): string | undefined => {
  const found = etcd.store.range(`/service/sim/${name}`);
  return found.kind === 'kvs' ? found.kvs[0]?.value : undefined;
};

/** Its leader has lost its power, and its lease lives on for a while. */
async function leaderless(options: Partial<Parameters<typeof simulate>[0]> = {}) {
  const cluster = await simulate({ members, seed: 77, writeEveryMs: 500, settings, ...options }).untilSteady();
  await cluster.run(3000);
  const leader = cluster.primary() ?? '';
  cluster.powerOff(leader);
  await cluster.until(() => textOf(cluster, 'leader') === undefined, { withinMs: 30_000 });
  return { cluster, leader };
}

for (const [key, garbage, mode] of [
  ['sync', '', true],
  ['sync', '{"leader": 7}', 'quorum'],
  ['failsafe', '{"ttl": "soon"}', null],
  ['history', 'yes', null],
  ['config', '{', true],
  ['initialize', 'no system', null],
] as const)
  test(`${key} overwritten by '${garbage}' while nobody leads is put back, and somebody is elected (synchronous_mode: ${mode})`, async () => {
    const { cluster } = await leaderless({
      settings: { ...settings, ...(mode === null ? {} : { synchronous_mode: mode }) },
    });
    const before = textOf(cluster, key) ?? '[]'; // nobody has been promoted yet
    if (key === 'history') assert.ok(etcdctlPut(cluster, key, before));
    // Twice: the version before the last is none that can be read, either.
    assert.ok(etcdctlPut(cluster, key, 'not this'));
    assert.ok(etcdctlPut(cluster, key, garbage));
    let spoilt = false;
    let back = false;
    cluster.engine.onStep(() => {
      if (textOf(cluster, 'leader') !== undefined) return;
      spoilt ||= textOf(cluster, key) === garbage;
      back ||= spoilt && textOf(cluster, key) === before;
    });
    await cluster.until(() => cluster.primary() !== null, { withinMs: 30_000 });
    assert.ok(spoilt && back, `${key} is '${textOf(cluster, key)}', not '${before}'`);
    assert.match(cluster.story(), new RegExp(`/${key} what nobody can read: what stood there before is put back`));
  });

test('what etcd has compacted away is not invented: nobody is elected by a /sync that nobody can read, and why is said', async () => {
  const { cluster } = await leaderless({ settings: { ...settings, synchronous_mode: true } });
  assert.ok(etcdctlPut(cluster, 'sync', ''));
  await cluster.run(1);
  cluster.etcd.store.compact(revision(cluster.etcd.store.revision()));
  await cluster.run(60_000);
  assert.equal(cluster.primary(), null);
  assert.equal(textOf(cluster, 'sync'), '');
  assert.match(cluster.story(), /race\.notSynchronous.*nobody can read it.*put back what the key held \(etcdctl put\)/);
});

/** Seed 0x66b of sync mode: etcd was compacted right after the garbage was put. The person who put it is one who knows. */
test('where etcd remembers nothing, whoever put the garbage puts back what stood there, and somebody is elected', async () => {
  const { cluster } = await leaderless({ settings: { ...settings, synchronous_mode: true } });
  const before = textOf(cluster, 'sync') ?? '';
  const putGarbage = ofHand.find(({ name }) => name === 'garbage put by hand');
  assert.ok(putGarbage);
  const chance = { pick: (of: readonly unknown[]) => (of.includes('sync') ? 'sync' : '{') };
  putGarbage.strike(cluster, 'n2', chance as never);
  await cluster.run(1);
  assert.equal(textOf(cluster, 'sync'), '{');
  cluster.etcd.store.compact(revision(cluster.etcd.store.revision()));
  await cluster.run(60_000);
  assert.equal(cluster.primary(), null);
  putGarbage.mend(cluster, 'n2');
  await cluster.run(100);
  assert.equal(textOf(cluster, 'sync'), before);
  await cluster.until(() => cluster.primary() !== null, { withinMs: 30_000 });
});

/** Seed 90032: the judge of law 3 read the settings as they stand. */
test('settings that nobody can read go on to count as they were, for whoever judges the election, too', async () => {
  const { cluster } = await leaderless({ settings });
  assert.ok(etcdctlPut(cluster, 'config', 'yes'));
  await cluster.run(1);
  cluster.etcd.store.compact(revision(cluster.etcd.store.revision()));
  await cluster.until(() => cluster.primary() !== null, { withinMs: 60_000 });
});

/** What the key says at each instant at which nobody leads, for this long. */
async function seenWithoutLeader(cluster: SimulatedCluster, name: string, forMs: number) {
  const seen = new Set<string | undefined>();
  cluster.engine.onStep(() => {
    if (textOf(cluster, 'leader') === undefined) seen.add(textOf(cluster, name));
  });
  await cluster.run(forMs);
  return [...seen];
}

test('what was deleted on purpose stays deleted', async () => {
  const { cluster } = await leaderless({ settings: { ...settings, synchronous_mode: true } });
  assert.ok(etcdctlDelete(cluster, 'sync'));
  await cluster.run(1);
  assert.deepEqual(await seenWithoutLeader(cluster, 'sync', 2000), [undefined]);
});

test('beside a Patroni, which may write what this version can not read, nothing is put back', async () => {
  const later = 'what a later version writes';
  const ttl20 = { ttl: 20, loop_wait: 5, retry_timeout: 5 };
  const { cluster, leader } = await leaderless({ patronis: { n3: '3.0.2' }, settings: ttl20 });
  assert.notEqual(leader, 'n3', 'another seed: the Patroni led');
  assert.ok(etcdctlPut(cluster, 'failsafe', '{"n1": "http://n1:8008/patroni"}'));
  assert.ok(etcdctlPut(cluster, 'failsafe', later));
  await cluster.run(1);
  assert.deepEqual(await seenWithoutLeader(cluster, 'failsafe', 2000), [later]);
});
