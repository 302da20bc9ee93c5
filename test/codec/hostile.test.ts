import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLocalConfig } from '../../src/codec/config/local.ts';
import { mergeSettings, refusalOf } from '../../src/codec/config/merge.ts';
import { patchConfig } from '../../src/codec/config/patch.ts';
import { readTags } from '../../src/codec/config/tags.ts';
import { readCluster } from '../../src/codec/dcs/cluster.ts';
import { readPeerStatus } from '../../src/codec/rest/peer.ts';
import { decide } from '../../src/decide/decide.ts';
import { leaseId, revision } from '../../src/model/units.ts';
import { cluster, following, leading, vacant, withCluster } from '../decide/values.ts';
import { small } from './config/sample.ts';

/**
 * Whoever can write to etcd, to /config or to a member's answer must not end the agents with it: not with mappings that JavaScript
 * cannot turn into a text or a number, either.
 */

const poison: readonly unknown[] = [
  { toString: {} },
  { valueOf: {}, toString: 1 },
  [{ toString: {} }],
  { a: [{ toString: null, valueOf: null }] },
  { __proto__: null, constructor: {} },
];

const ours = readLocalConfig(small, 'node.yml', {});

const dynamic = [
  ...[
    'ttl',
    'loop_wait',
    'retry_timeout',
    'maximum_lag_on_failover',
    'maximum_lag_on_syncnode',
    'max_timelines_history',
  ],
  ...['primary_start_timeout', 'primary_stop_timeout', 'synchronous_mode', 'synchronous_mode_strict'],
  ...['synchronous_node_count', 'failsafe_mode', 'check_timeline', 'pause', 'standby_cluster', 'slots', 'ignore_slots'],
  ...['member_slots_ttl', 'primary_health', 'primary_health_timeout', 'postgresql', 'tags', 'nosuch'],
];
const postgresql = ['parameters', 'recovery_conf', 'pg_hba', 'pg_ident', 'callbacks', 'use_slots', 'use_pg_rewind'];
const inside = [
  'host',
  'port',
  'type',
  'plugin',
  'database',
  'max_connections',
  'work_mem',
  'name',
  'primary_slot_name',
];

/** The same under each name that is looked into. */
function* documents(): Generator<Record<string, unknown>> {
  for (const bad of poison) {
    for (const name of dynamic) {
      yield { [name]: bad };
      yield { [name]: { kept: bad } };
      for (const one of inside) yield { [name]: { [one]: bad } };
      for (const one of inside) yield { [name]: { kept: { [one]: bad } } };
      for (const one of inside) yield { [name]: [{ [one]: bad }] };
    }
    for (const name of postgresql) {
      yield { postgresql: { [name]: bad } };
      yield { postgresql: { [name]: [bad] } };
      for (const one of inside) yield { postgresql: { [name]: { [one]: bad } } };
    }
  }
}

test('no document in /config ends an agent that reads it, or that is asked to change it', () => {
  assert.ok(ours.kind === 'ok');
  if (ours.kind !== 'ok') return;
  for (const document of documents()) {
    const text = JSON.stringify(document);
    mergeSettings(ours.local, text, null, { foreignMembers: false });
    refusalOf(text);
    patchConfig(JSON.parse(text), JSON.parse(text));
  }
});

const kv = (key: string, value: unknown) => ({
  key: `/service/demo/${key}`,
  value: JSON.stringify(value),
  createRevision: revision(5n),
  modRevision: revision(6n),
  lease: leaseId(7n),
});
const ofMember = [
  ...[
    'conn_url',
    'api_url',
    'proxy_url',
    'state',
    'role',
    'version',
    'xlog_location',
    'replay_lsn',
    'receive_lsn',
    'timeline',
  ],
  ...[
    'tags',
    'pending_restart',
    'pending_restart_reason',
    'matriarch',
    'needs_operator',
    'scheduled_restart',
    'nosuch',
  ],
];
const tagNames = [
  'nofailover',
  'failover_priority',
  'nosync',
  'sync_priority',
  'nostream',
  'replicatefrom',
  'clonefrom',
  'region',
];

test('no value of a key of the cluster ends an agent that reads it and decides by it', () => {
  for (const bad of poison) {
    const kvs = [
      ...ofMember.map((name) => kv('members/b', { conn_url: 'postgres://b:5432/postgres', [name]: bad })),
      ...tagNames.map((name) =>
        kv('members/b', { conn_url: 'postgres://b:5432/postgres', state: 'running', tags: { [name]: bad } }),
      ),
      ...ofMember.map((name) => kv('members/b', { [name]: { work_mem: bad, old_value: bad, schedule: bad } })),
      kv('members/b', { pending_restart_reason: { work_mem: { old_value: bad, new_value: bad } } }),
      ...[
        'leader',
        'sync_standby',
        'quorum',
        'optime',
        'slots',
        'retain_slots',
        'candidate',
        'member',
        'scheduled_at',
        'a',
      ].flatMap((name) =>
        ['sync', 'status', 'failover', 'failsafe', 'config'].map((key) => kv(key, { leader: 'a', [name]: bad })),
      ),
      kv('history', [[bad, bad, bad, bad, bad]]),
      kv('history', bad),
      kv('initialize', bad),
      kv('timeline', bad),
    ];
    for (const one of kvs) {
      const read = readCluster([one], revision(9n), '/service/demo/');
      const members = [...cluster.members.filter(({ name }) => name !== 'b'), ...read.members];
      for (const seen of [leading, following, vacant]) {
        const { reason, passed } = decide(withCluster(seen, { ...read, leader: clusterLeader(seen), members }));
        assert.ok(![reason, ...passed].some((rule) => /threw/.test(rule)), `${one.key} ${one.value}: ${passed.join()}`);
      }
    }
  }
});

const clusterLeader = (seen: typeof leading) => (seen.dcs.kind === 'reachable' ? seen.dcs.cluster.leader : null);

test("no answer of a member ends the agent that asked, and no tag in one's own file", () => {
  for (const bad of poison) {
    for (const name of [
      ...ofMember,
      'server_version',
      'xlog',
      'replication',
      'sync_standby',
      'patroni',
      'dcs_last_seen',
      'cluster_unlocked',
    ])
      for (const value of [bad, { received_location: bad, name: bad, version: bad }, [{ name: bad, lsn: bad }]])
        readPeerStatus(JSON.stringify({ state: 'running', role: 'replica', [name]: value }));
    for (const name of tagNames) readTags({ [name]: bad }, () => {});
  }
});
