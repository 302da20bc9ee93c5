import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readCluster } from '../../../src/codec/dcs/cluster.ts';
import { basePathOf, keysOf, kindOfKey } from '../../../src/codec/dcs/keys.ts';
import { leaseId, revision } from '../../../src/model/units.ts';
import type { EtcdKeyValue } from '../../../src/model/world.ts';

const prefix = '/service/demo/';
const kv = (name: string, value: string, mod = 5n): EtcdKeyValue => ({
  key: `${prefix}${name}`,
  value,
  createRevision: revision(3n),
  modRevision: revision(mod),
  lease: name === 'leader' || name.startsWith('members/') ? leaseId(2228897012531756752n) : null,
});
const read = (...kvs: EtcdKeyValue[]) => readCluster(kvs, revision(9n), prefix);

/** As a healthy cluster of Patroni 4.1.4 holds it. */
const healthy = [
  kv('config', '{"ttl":30,"loop_wait":10,"postgresql":{"use_pg_rewind":true,"parameters":{"max_connections":40}}}'),
  kv('history', '[[1,50628496,"no recovery target specified","2026-11-23T01:44:52.969917+00:00","node1"]]'),
  kv('initialize', '7711176136457438868'),
  kv('leader', 'node1'),
  kv(
    'members/node2',
    '{"conn_url":"postgres://127.0.0.1:15433/postgres","api_url":"http://127.0.0.1:18009/patroni","state":"running","role":"replica","version":"4.1.4","tags":{"nofailover":false,"failover_priority":2,"region":"eu"},"xlog_location":50628720,"replay_lsn":50628720,"receive_lsn":50628720,"replication_state":"streaming","timeline":2}',
  ),
  kv(
    'members/node1',
    '{"conn_url":"postgres://127.0.0.1:15432/postgres","api_url":"http://127.0.0.1:18008/patroni","state":"running","role":"primary","version":"4.1.4","tags":{"clonefrom":true},"xlog_location":50628720,"timeline":2}',
  ),
  kv('status', '{"optime":50628720,"slots":{"node2":50628720,"node1":50628720},"retain_slots":["node1","node2"]}'),
];

test('a healthy cluster reads whole', () => {
  const cluster = read(...healthy);
  assert.deepEqual(cluster.garbage, []);
  assert.deepEqual(cluster.initialize, { kind: 'done', systemId: '7711176136457438868', modRevision: 5n });
  assert.deepEqual(cluster.leader, { name: 'node1', term: 3n, lease: 2228897012531756752n, modRevision: 5n });
  assert.deepEqual(
    cluster.members.map(({ name, role, host, port, timeline }) => [name, role, host, port, timeline]),
    [
      ['node1', 'primary', '127.0.0.1', 15432, 2],
      ['node2', 'replica', '127.0.0.1', 15433, 2],
    ],
  );
  assert.deepEqual(cluster.status?.slots, { node2: 50628720n, node1: 50628720n });
  assert.deepEqual(cluster.status?.retainSlots, ['node1', 'node2']);
  assert.equal(cluster.clusterTimeline, 2);
  assert.equal(cluster.history?.lines[0]?.newLeader, 'node1');
  assert.deepEqual([cluster.failover, cluster.sync, cluster.failsafe], [null, null, null]);
});

test('an empty prefix is an empty cluster', () => {
  const cluster = read();
  assert.deepEqual(cluster.initialize, { kind: 'absent' });
  assert.deepEqual([cluster.leader, cluster.members, cluster.status, cluster.clusterTimeline], [null, [], null, null]);
});

test('an empty initialize is not an absent one', () => {
  assert.equal(read(kv('initialize', '')).initialize.kind, 'bootstrapping');
  assert.equal(read(kv('initialize', 'abc')).initialize.kind, 'invalid');
});

test('garbage in any key is named and does no harm', () => {
  const names = ['initialize', 'config', 'members/node1', 'status', 'sync', 'history', 'failsafe', 'failover'];
  const cluster = read(kv('leader', 'node1'), ...names.map((name) => kv(name, 'garbage')));
  assert.deepEqual(cluster.garbage.map(({ key }) => key).sort(), names.map((name) => `${prefix}${name}`).sort());
  assert.equal(cluster.leader?.name, 'node1');
  assert.deepEqual([cluster.status, cluster.sync, cluster.history, cluster.failsafe], [null, null, null, null]);
  assert.ok(cluster.failover?.problem);
});

test('whatever bytes a key holds, reading never throws', () => {
  const name = fc.constantFrom(
    'initialize',
    'config',
    'leader',
    'members/a',
    'status',
    'sync',
    'history',
    'failsafe',
    'failover',
    'optime/leader',
    'x',
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.constant('{"scheduled_at":"no"}'),
    fc.constant('[[1]]'),
  );
  fc.assert(fc.property(name, text, (key, value) => void read(kv(key, value))));
});

test('the legacy position serves while there is no status', () => {
  assert.equal(read(kv('optime/leader', '50332264')).status?.optime, 50332264n);
  assert.equal(read(kv('optime/leader', '1'), kv('status', '{"optime":2}')).status?.optime, 2n);
});

test('an empty history is timeline 1, a broken one is none', () => {
  assert.equal(read(kv('history', '[]')).clusterTimeline, 1);
  assert.equal(read(kv('history', '[1]')).clusterTimeline, null);
});

test('the timeline that a promotion was announced with; anything else there is garbage', () => {
  assert.equal(read(kv('timeline', '7')).announced?.timeline, 7);
  assert.equal(read().announced, null);
  for (const text of ['', '0', '-1', '1.5', '{}', '99999999999'])
    assert.deepEqual(
      [read(kv('timeline', text)).announced, read(kv('timeline', text)).garbage.length],
      [null, 1],
      text,
    );
});

test('namespaces with and without slashes give one path', () => {
  for (const namespace of ['service', '/service', '/service/', '//service//'])
    assert.equal(basePathOf(namespace, 'demo'), '/service/demo');
  assert.equal(keysOf('service', 'demo').rangeEnd, '/service/demo0');
});

test('only members/<name> is a member', () => {
  assert.deepEqual(kindOfKey(`${prefix}members/a`, prefix), { kind: 'member', member: 'a' });
  assert.equal(kindOfKey(`${prefix}members/a/b`, prefix).kind, 'other');
  assert.equal(kindOfKey(`${prefix}0/leader`, prefix).kind, 'other');
  assert.equal(kindOfKey(`${prefix}member`, prefix).kind, 'other');
});
