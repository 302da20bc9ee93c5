import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSchedule } from '../../src/codec/dcs/schedule.ts';
import { historyText } from '../../src/ctl/history.ts';
import { membersText } from '../../src/ctl/members.ts';
import { roundedHalfToEven } from '../../src/ctl/rows.ts';
import { revision, wallMs } from '../../src/model/units.ts';
import { config, demo, empty, member, node1, node2 } from './support/sample.ts';

const lines = (text: string): string[] => text.trimEnd().split('\n');

test('list: the title overwrites the border, tags of several lines put rules between all rows', () => {
  const at = readSchedule('2036-01-01T05:00:00+02:00') ?? wallMs(0);
  const cluster = {
    ...demo,
    config: config({ pause: true }),
    failover: { leader: 'node1', candidate: 'node2', scheduledAt: at, problem: null, modRevision: revision(8n) },
  };
  assert.equal(
    membersText(cluster, 'demo', { format: 'pretty' }),
    `+ Cluster: demo (7711176136457438868) -----------+----+-------------+-----+------------+-----+----------------------+
| Member | Host            | Role    | State     | TL | Receive LSN | Lag | Replay LSN | Lag | Tags                 |
+--------+-----------------+---------+-----------+----+-------------+-----+------------+-----+----------------------+
| node1  | 127.0.0.1:15432 | Leader  | running   |  2 |             |     |            |     | clonefrom: true      |
+--------+-----------------+---------+-----------+----+-------------+-----+------------+-----+----------------------+
| node2  | 127.0.0.1:15433 | Replica | streaming |  2 |   0/30488A8 |   0 |  0/30488A8 |   0 | failover_priority: 2 |
|        |                 |         |           |    |             |     |            |     | nofailover: false    |
|        |                 |         |           |    |             |     |            |     | region: eu           |
+--------+-----------------+---------+-----------+----+-------------+-----+------------+-----+----------------------+
 Maintenance mode: on
 Switchover scheduled at: 2036-01-01T03:00:00+00:00
                    from: node1
                      to: node2
`,
  );
});

test('topology: the leader first, its replicas below it, tags on one line', () => {
  assert.equal(
    membersText(demo, 'demo', { format: 'topology' }),
    `+ Cluster: demo (7711176136457438868) +-----------+----+-------------+-----+------------+-----+-------------------------------------------------------+
| Member  | Host            | Role    | State     | TL | Receive LSN | Lag | Replay LSN | Lag | Tags                                                  |
+---------+-----------------+---------+-----------+----+-------------+-----+------------+-----+-------------------------------------------------------+
| node1   | 127.0.0.1:15432 | Leader  | running   |  2 |             |     |            |     | {clonefrom: true}                                     |
| + node2 | 127.0.0.1:15433 | Replica | streaming |  2 |   0/30488A8 |   0 |  0/30488A8 |   0 | {failover_priority: 2, nofailover: false, region: eu} |
+---------+-----------------+---------+-----------+----+-------------+-----+------------+-----+-------------------------------------------------------+
`,
  );
});

test('topology: a cascade is indented, and members that name each other are shown all the same', () => {
  const replica = (name: string, replicatefrom: string) => member(name, { tags: { replicatefrom } });
  const cluster = {
    ...demo,
    members: [node1, node2, replica('n3', 'node2'), replica('n4', 'n5'), replica('n5', 'n4')],
  };
  const names = lines(membersText(cluster, 'demo', { format: 'topology' }))
    .slice(3, -1)
    .map((line) => line.slice(2, 10).trimEnd());
  assert.deepEqual(names, ['node1', '+ node2', '  + n3', '+ n4', '+ n5']);
});

test('a cluster that does not exist is an empty table', () => {
  assert.equal(
    membersText(empty, 'nosuch', { format: 'pretty' }),
    `+ Cluster: nosuch (uninitialized) --+-------------+-----+------------+-----+
| Member | Host | Role | State | TL | Receive LSN | Lag | Replay LSN | Lag |
+--------+------+------+-------+----+-------------+-----+------------+-----+
+--------+------+------+-------+----+-------------+-----+------------+-----+
`,
  );
});

test('extended shows all columns', () => {
  assert.equal(
    lines(membersText(demo, 'demo', { format: 'pretty', extended: true }))[1],
    '| Member | Host            | Role    | State     | TL | Receive LSN | Lag | Replay LSN | Lag | Pending restart | Pending restart reason | Scheduled restart | Tags                 |',
  );
});

test('what only people can do for a member has a column as long as there is something; all columns are as they were', () => {
  const stuck = { ...node2, other: { matriarch: 1, needs_operator: 'the disk of its WAL is full: make room' } };
  const cluster = { ...demo, members: [node1, stuck] };
  const text = membersText(cluster, 'demo', { format: 'tsv' });
  assert.match(text, /\tNeeds operator\n/);
  assert.match(text, /\tthe disk of its WAL is full: make room\n$/);
  const [, told] = JSON.parse(membersText(cluster, 'demo', { format: 'json' }));
  assert.equal(told['Needs operator'], 'the disk of its WAL is full: make room');
  assert.doesNotMatch(membersText(demo, 'demo', { format: 'tsv', extended: true }), /Needs operator/);
});

test('a member without data has unknown positions', () => {
  const ghost = { ...member('ghost', {}), state: '' };
  const text = membersText({ ...demo, members: [{ ...node1, tags: {} }, ghost] }, 'demo', { format: 'pretty' });
  assert.equal(
    lines(text)[3],
    '| ghost  |                 | Replica |         |    |     unknown |     |    unknown |     |',
  );
});

test('a member of an older version shows its one position as received while it streams, else as replayed', () => {
  const old = (state?: string) =>
    member('old', { xlog_location: 0x3000000, ...(state ? { replication_state: state } : {}) });
  const text = (one: ReturnType<typeof old>) => membersText({ ...demo, members: [one] }, 'demo', { format: 'tsv' });
  assert.match(text(old('streaming')), /\t0\/3000000\t0\tunknown\t\n/);
  assert.match(text(old()), /\tunknown\t\t0\/3000000\t0\n/);
});

test('json: numbers are numbers, empty fields are left out, the leader has no positions', () => {
  const leader = {
    ...node1,
    pendingRestart: true,
    pendingRestartReason: { max_connections: { oldValue: '40', newValue: '50' } },
  };
  const scheduledRestart = { schedule: '2036-01-02T03:04:05+01:00', postgres_version: '16.1' };
  assert.equal(
    membersText({ ...demo, members: [leader, { ...node2, scheduledRestart }] }, 'demo', { format: 'json' }),
    `[{"Cluster": "demo", "Member": "node1", "Host": "127.0.0.1:15432", "Role": "Leader", "State": "running", "TL": 2, "Pending restart": "*", "Pending restart reason": "max_connections: 40->50", "Tags": {"clonefrom": true}}, {"Cluster": "demo", "Member": "node2", "Host": "127.0.0.1:15433", "Role": "Replica", "State": "streaming", "TL": 2, "Receive LSN": "0/30488A8", "Receive Lag": 0, "Replay LSN": "0/30488A8", "Replay Lag": 0, "Scheduled restart": "2036-01-02T03:04:05+01:00 if version < 16.1", "Tags": {"nofailover": false, "failover_priority": 2, "region": "eu"}}]
`,
  );
});

test('yaml: block style, sorted keys, an empty line after', () => {
  assert.equal(
    membersText({ ...demo, members: [node1] }, 'demo', { format: 'yaml' }),
    `- Cluster: demo
  Host: 127.0.0.1:15432
  Member: node1
  Role: Leader
  State: running
  TL: 2
  Tags:
    clonefrom: true

`,
  );
});

test('tsv: the cluster in each row, tags in flow style', () => {
  assert.equal(
    membersText(demo, 'demo', { format: 'tsv' }),
    `Cluster	Member	Host	Role	State	TL	Receive LSN	Receive Lag	Replay LSN	Replay Lag	Tags
demo	node1	127.0.0.1:15432	Leader	running	2					{clonefrom: true}
demo	node2	127.0.0.1:15433	Replica	streaming	2	0/30488A8	0	0/30488A8	0	{failover_priority: 2, nofailover: false, region: eu}
`,
  );
});

test('roles: synchronous and quorum standbys, and the leader of a standby cluster', () => {
  const sync = { leader: 'node1', members: ['node2'], quorum: 0, modRevision: revision(1n) };
  const roles = (value: unknown) =>
    membersText({ ...demo, sync, config: config(value) }, 'demo', { format: 'tsv' })
      .split('\n')
      .slice(1, 3)
      .map((line) => line.split('\t')[3]);
  assert.deepEqual(roles({ synchronous_mode: true }), ['Leader', 'Sync Standby']);
  assert.deepEqual(roles({ synchronous_mode: 'quorum' }), ['Leader', 'Quorum Standby']);
  assert.deepEqual(roles({ standby_cluster: { host: 'x' }, synchronous_mode: true }), ['Standby Leader', 'Replica']);
});

test('the port is shown when one is unusual or hosts are shared', () => {
  const at = (name: string, host: string, port: number) =>
    member(name, { conn_url: `postgres://${host}:${port}/postgres` });
  const hosts = (...members: ReturnType<typeof at>[]) =>
    membersText({ ...demo, members }, 'demo', { format: 'tsv' })
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split('\t')[2]);
  assert.deepEqual(hosts(at('a', 'h1', 5432), at('b', 'h2', 5432)), ['h1', 'h2']);
  assert.deepEqual(hosts(at('a', 'h1', 5432), at('b', 'h2', 5433)), ['h1:5432', 'h2:5433']);
});

test('lag is rounded half to even MiB', () => {
  assert.deepEqual([0.5, 1.5, 2.5, 2.4999, 0.51].map(roundedHalfToEven), [0, 2, 2, 2, 1]);
});

test('history', () => {
  const past = demo.history?.lines ?? [];
  assert.equal(
    historyText(past, 'pretty'),
    `+----+----------+------------------------------+----------------------------------+------------+
| TL |      LSN | Reason                       | Timestamp                        | New Leader |
+----+----------+------------------------------+----------------------------------+------------+
|  1 | 50628496 | no recovery target specified | 2026-11-23T01:44:52.969917+00:00 | node1      |
+----+----------+------------------------------+----------------------------------+------------+
`,
  );
  assert.equal(
    historyText(past, 'json'),
    '[{"TL": 1, "LSN": 50628496, "Reason": "no recovery target specified", "Timestamp": "2026-11-23T01:44:52.969917+00:00", "New Leader": "node1"}]\n',
  );
});
