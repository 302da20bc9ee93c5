import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCluster } from '../../../src/codec/dcs/cluster.ts';
import { writeClusterDocument } from '../../../src/codec/rest/cluster.ts';
import { spacedJson } from '../../../src/codec/rest/json.ts';
import { writeMetrics } from '../../../src/codec/rest/metrics.ts';
import { statusDocument } from '../../../src/codec/rest/status.ts';
import type { Observation } from '../../../src/model/observation.ts';
import type { Sender } from '../../../src/model/postgres.ts';
import { instantMs, leaseId, lsn, revision, wallMs } from '../../../src/model/units.ts';
import { now, snapshotOf, viewOf } from '../../api/handles.ts';
import {
  cleanlyStopped,
  following,
  leading,
  primary,
  unreachable,
  withCluster,
  withSettings,
} from '../../decide/values.ts';

const prefix = '/service/demo/';
const clusterOf = (keys: Readonly<Record<string, unknown>>) =>
  readCluster(
    Object.entries(keys).map(([name, value]) => ({
      key: `${prefix}${name}`,
      value: typeof value === 'string' ? value : JSON.stringify(value),
      createRevision: revision(3n),
      modRevision: revision(5n),
      lease: leaseId(7n),
    })),
    revision(9n),
    prefix,
  );
const url = (port: number): object => ({
  conn_url: `postgres://127.0.0.1:${port}/postgres`,
  api_url: `http://127.0.0.1:1${port}/patroni`,
});

test('/cluster: the sample of a paused cluster with a pending restart and two appointments', () => {
  const scheduled_restart = {
    schedule: '2036-01-02T03:04:05+01:00',
    restart_pending: true,
    postmaster_start_time: '2026-11-23 01:44:53.351213+00:00',
  };
  const pending = {
    pending_restart: true,
    pending_restart_reason: { max_connections: { old_value: '40', new_value: '50' } },
  };
  const replica = {
    state: 'running',
    role: 'replica',
    xlog_location: 50729856,
    replay_lsn: 50729856,
    receive_lsn: 50729856,
  };
  const cluster = clusterOf({
    leader: 'node1',
    config: { pause: true },
    status: { optime: 50729856 },
    failover: { leader: 'node1', member: 'node2', scheduled_at: '2036-01-01T05:00:00+02:00' },
    'members/node2': { ...url(5433), ...replica, replication_state: 'streaming', timeline: 2, scheduled_restart },
    'members/node1': {
      ...url(5432),
      state: 'running',
      role: 'primary',
      timeline: 2,
      tags: { clonefrom: true },
      ...pending,
    },
    'members/ghost': 'garbage',
  });
  assert.equal(
    spacedJson(writeClusterDocument(cluster, 'demo')),
    '{"members": [' +
      '{"name": "ghost", "role": "replica", "state": "", "api_url": null, "receive_lag": "unknown", "receive_lsn": "unknown", "replay_lag": "unknown", "replay_lsn": "unknown", "lag": "unknown", "lsn": "unknown"}, ' +
      '{"name": "node1", "role": "leader", "state": "running", "api_url": "http://127.0.0.1:15432/patroni", "host": "127.0.0.1", "port": 5432, "timeline": 2, "pending_restart": true, "pending_restart_reason": {"max_connections": {"old_value": "40", "new_value": "50"}}, "tags": {"clonefrom": true}}, ' +
      '{"name": "node2", "role": "replica", "state": "streaming", "api_url": "http://127.0.0.1:15433/patroni", "host": "127.0.0.1", "port": 5433, "timeline": 2, "scheduled_restart": {"schedule": "2036-01-02T03:04:05+01:00", "restart_pending": true, "postmaster_start_time": "2026-11-23 01:44:53.351213+00:00"}, "receive_lag": 0, "receive_lsn": "0/3061380", "replay_lag": 0, "replay_lsn": "0/3061380", "lag": 0, "lsn": "0/3061380"}' +
      '], "pause": true, "scheduled_switchover": {"at": "2036-01-01T03:00:00+00:00", "from": "node1", "to": "node2"}, "scope": "demo"}',
  );
});

test('/cluster: roles follow the lock, the mode and the sync key', () => {
  const roles = (config: object): unknown => {
    const keys = {
      leader: 'a',
      sync: { leader: 'a', sync_standby: 'B' },
      config,
      'members/a': {},
      'members/b': {},
      'members/c': {},
    };
    const { members } = writeClusterDocument(clusterOf(keys), 'demo');
    return (members as { role: string }[]).map(({ role }) => role);
  };
  assert.deepEqual(roles({}), ['leader', 'replica', 'replica']);
  assert.deepEqual(roles({ synchronous_mode: 'on' }), ['leader', 'sync_standby', 'replica']);
  assert.deepEqual(roles({ synchronous_mode: 'quorum' }), ['leader', 'quorum_standby', 'replica']);
  assert.deepEqual(roles({ synchronous_mode: true, standby_cluster: { host: 'x' } }), [
    'standby_leader',
    'replica',
    'replica',
  ]);
  assert.deepEqual(roles({ standby_cluster: {} }), ['leader', 'replica', 'replica']);
});

/** Patroni's part of the document, as sent. */
const told = (seen: Observation): string =>
  spacedJson({ ...statusDocument(snapshotOf(seen), viewOf(seen)), matriarch: undefined });
const tail =
  '"database_system_identifier": "7711176136457438868", "patroni": {"version": "4.1.4", "scope": "demo", "name": "n';

test('/patroni: fields and their order, by situation', () => {
  const start = '"postmaster_start_time": "1970-01-01 00:00:01+00:00"';
  const standbyFields = `{"state": "running", ${start}, "role": "replica", "server_version": 150018, "xlog": {"received_location": 83886336, "replayed_location": 83886336, "replayed_timestamp": null, "paused": false}, "timeline": 5, "replication_state": "streaming", `;
  const sender: Sender = {
    pid: null,
    user: 'replicator',
    applicationName: 'n2',
    clientAddress: '127.0.0.1',
    state: 'streaming',
    syncState: 'async',
    syncPriority: 0,
    sentLsn: null,
    flushLsn: null,
    replayLsn: null,
  };
  const leads: Observation = {
    ...withSettings(leading, { tags: { published: { clonefrom: true } } }),
    postgres: {
      ...primary,
      startedWallMs: wallMs(1_003.5),
      senders: [sender],
    },
  };
  assert.equal(
    told(leads),
    `{"state": "running", "postmaster_start_time": "1970-01-01 00:00:01.003000+00:00", "role": "primary", "server_version": 150018, "xlog": {"location": 83886336}, "timeline": 5, "replication": [{"usename": "replicator", "application_name": "n2", "client_addr": "127.0.0.1", "state": "streaming", "sync_state": "async", "sync_priority": 0}], "dcs_last_seen": 1795398133, "tags": {"clonefrom": true}, ${tail}1"}}`,
  );
  assert.equal(told(following), `${standbyFields}"dcs_last_seen": 1795398133, ${tail}2"}}`);
  const paused = withSettings(withCluster(following, { leader: null }), { cluster: { pause: true } });
  assert.equal(
    told(paused),
    `${standbyFields}"pause": true, "cluster_unlocked": true, "dcs_last_seen": 1795398133, ${tail}2"}}`,
  );
  assert.equal(
    told(unreachable(following)),
    `${standbyFields}"cluster_unlocked": true, "dcs_last_seen": 1795398133, ${tail}2"}}`,
  );
  assert.equal(
    told({ ...following, postgres: cleanlyStopped }),
    `{"state": "stopped", "role": "replica", "dcs_last_seen": 1795398133, ${tail}2"}}`,
  );
  const waiting = { ...primary, pendingRestart: { max_connections: { oldValue: '40', newValue: '50' } } };
  assert.match(
    told({ ...leading, postgres: waiting }),
    /"pending_restart": true, "pending_restart_reason": \{"max_connections": \{"old_value": "40", "new_value": "50"\}\}, "patroni": /,
  );
  assert.equal(
    spacedJson({ ...statusDocument(null, viewOf(leading)), matriarch: undefined }),
    '{"state": "unknown", "role": "uninitialized", "dcs_last_seen": 0, "patroni": {"version": "4.1.4", "scope": "demo", "name": "n1"}}',
  );
});

test('who has no guard does not lead, and says so, whatever the mode of the watchdog: nobody waits for it', () => {
  const said = (seen: Observation): unknown => statusDocument(snapshotOf(seen), viewOf(seen)).watchdog_failed;
  assert.equal(said({ ...following, guard: { kind: 'absent', why: 'it does not start' } }), true);
  assert.equal(said({ ...following, guard: { kind: 'off' } }), undefined);
  assert.equal(said(following), undefined);
});

test('a standby says whether it has withdrawn, where it can know', () => {
  const said = (withdrawn: boolean | null): unknown =>
    (statusDocument(snapshotOf(following, { withdrawn }), viewOf(following)).matriarch as { withdrawn?: boolean })
      .withdrawn;
  assert.deepEqual([true, false, null].map(said), [true, false, undefined]);
});

test('a standby never sends a location: peers would take it for a primary', () => {
  assert.doesNotMatch(told(following), /"location"/);
});

const order =
  `patroni_version patroni_postgres_running patroni_postmaster_start_time patroni_primary patroni_xlog_location
patroni_standby_leader patroni_replica patroni_sync_standby patroni_quorum_standby patroni_xlog_received_location
patroni_xlog_replayed_location patroni_xlog_replayed_timestamp patroni_xlog_paused patroni_postgres_streaming
patroni_postgres_in_archive_recovery patroni_postgres_server_version patroni_cluster_unlocked
patroni_failsafe_mode_is_active patroni_postgres_timeline patroni_dcs_last_seen patroni_pending_restart patroni_is_paused
patroni_postgres_state`.split(/\s/);

test('/metrics: names, order, types and values', () => {
  const read = (seen: Observation | null) => {
    const text = writeMetrics(seen === null ? null : snapshotOf(seen), viewOf(seen ?? leading, { nowMs: now }));
    const lines = text.split('\n').filter((line) => line.startsWith('patroni_'));
    const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
    assert.ok(lines.every((line) => line.includes('{scope="demo",name="n')));
    const values = new Map(
      lines.map((line) => [line.slice(0, line.indexOf('{')), line.slice(line.lastIndexOf(' ') + 1)]),
    );
    return { names: [...values.keys()], types, value: (name: string) => values.get(`patroni_${name}`) };
  };
  const leads = read(leading);
  assert.deepEqual(leads.names, order);
  assert.deepEqual(
    order.filter((name) => leads.types.get(name) === 'counter'),
    ['patroni_xlog_location', 'patroni_xlog_received_location', 'patroni_xlog_replayed_location'],
  );
  const values = (seen: Observation | null, names: readonly string[]) => names.map(read(seen).value);
  const shown = [
    'version',
    'primary',
    'replica',
    'xlog_location',
    'xlog_received_location',
    'postgres_state',
    'cluster_unlocked',
  ];
  assert.deepEqual(values(leading, shown), ['040104', '1', '0', '83886336', '0', '5', '0']);
  assert.deepEqual(values(following, shown), ['040104', '0', '1', '0', '83886336', '5', '0']);
  assert.deepEqual(values({ ...following, postgres: cleanlyStopped }, shown), [
    '040104',
    '0',
    '1',
    '0',
    '0',
    '12',
    '0',
  ]);
  assert.deepEqual(values(null, shown), ['040104', '0', '0', '0', '0', '-1', '1']);
  assert.equal(read({ ...following, postgres: cleanlyStopped }).value('postgres_streaming'), undefined);
  // The role, not the lock: a primary that lost its lease is one still.
  assert.equal(read({ ...leading, held: null }).value('primary'), '1');
  assert.equal(lsn('0/5000100'), 83_886_336n);
});

test('the health of the server: what hinders it, since when and why; a metric says whether commits become durable', () => {
  const of = (health: Observation['health'], seen: Observation = leading) => {
    const so = { ...seen, health };
    const [snapshot, view] = [snapshotOf(so), viewOf(so)];
    const { matriarch } = statusDocument(snapshot, view) as { matriarch: object };
    const lines = writeMetrics(snapshot, view).split('\n');
    const value = (name: string) =>
      lines
        .find((line) => line.startsWith(`${name}{`))
        ?.split(' ')
        .at(-1);
    return { matriarch, writes: value('matriarch_primary_writes'), hinderedS: value('matriarch_hindered_seconds') };
  };
  const sinceMs = instantMs(leading.nowMs - 12_000);
  const hung = of({ provenMs: null, hindrance: { kind: 'fsync stalled', sinceMs, why: 'so it is' } });
  assert.deepEqual([hung.writes, hung.hinderedS], ['0', '12']);
  for (const [name, value] of [
    ['health', 'fsync stalled'],
    ['health_for_ms', 12_000],
    ['health_why', 'so it is'],
  ])
    assert.deepEqual((hung.matriarch as Record<string, unknown>)[String(name)], value);
  const full = of({ provenMs: null, hindrance: { kind: 'too many connections', sinceMs, why: 'x' } });
  assert.deepEqual([full.writes, full.hinderedS], ['1', '12']);
  const good = of({ provenMs: sinceMs, hindrance: null });
  assert.deepEqual([good.writes, good.hinderedS], ['1', '0']);
  assert.equal((good.matriarch as Record<string, unknown>).health, 'good');
  assert.equal(of({ provenMs: sinceMs, hindrance: null }, following).writes, undefined, 'a standby has no such metric');
  assert.equal(of(null).writes, undefined);
});
