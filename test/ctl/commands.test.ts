import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { type EditOptions, editConfig, showConfig } from '../../src/ctl/config.ts';
import { dsn } from '../../src/ctl/dsn.ts';
import { flushRestarts, flushSwitchover } from '../../src/ctl/flush.ts';
import { setPause } from '../../src/ctl/pause.ts';
import { reinit } from '../../src/ctl/reinit.ts';
import { reload } from '../../src/ctl/reload.ts';
import { type RestartOptions, restart } from '../../src/ctl/restart.ts';
import { type HandoverOptions, handover } from '../../src/ctl/switchover.ts';
import { memberVersions } from '../../src/ctl/version.ts';
import { type WhyOptions, why } from '../../src/ctl/why.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { revision, wallMs } from '../../src/model/units.ts';
import { answer, type PlaceOptions, runAt } from './support/place.ts';
import { config, demo, node1, node2 } from './support/sample.ts';

const cluster = () => demo;
/** What was printed besides tables. */
const said = (text: string): string[] => text.split('\n').filter((line) => line !== '' && !/^[|+]/.test(line));

const plain: HandoverOptions = { action: 'switchover', leader: null, candidate: null, scheduled: null, force: false };
const swap = (options: Partial<HandoverOptions>, place: Partial<PlaceOptions> = {}) =>
  runAt({ cluster, agents: () => answer(200, 'Successfully switched over to "node2"'), ...place }, (ctl) =>
    handover(ctl, { ...plain, ...options }),
  );

test('switchover: the questions in order, answered through a pipe', async () => {
  const { out, error, asked } = await swap({}, { input: '\nnode2\n\ny\n' });
  assert.equal(error, null);
  assert.deepEqual(said(out), [
    'Current cluster topology',
    'Primary [node1]: Candidate [\'node2\'] []: When should the switchover take place (e.g. 2026-11-23T02:47 )  [now]: Are you sure you want to switchover cluster demo, demoting current leader node1? [y/N]: 2026-11-23 01:47:55.69700 Successfully switched over to "node2"',
  ]);
  assert.equal(out.split('+ Cluster: demo').length, 3, 'the table before and after');
  assert.deepEqual(asked, [
    { method: 'POST', url: 'http://127.0.0.1:18008/switchover', body: { leader: 'node1', candidate: 'node2' } },
  ]);
});

test('switchover: the end of input aborts, a no aborts by name', async () => {
  assert.equal((await swap({}, { input: 'node1\n' })).error, 'Aborted!');
  assert.equal((await swap({}, { input: '\n\n\nn\n' })).error, 'Aborting switchover');
  const scheduled = await swap({}, { input: '\n\n2036-01-01T05:00:00+02:00\nn\n' });
  assert.equal(scheduled.error, 'Aborting scheduled switchover');
  assert.match(
    scheduled.out,
    /Are you sure you want to schedule switchover of cluster demo at 2036-01-01T05:00:00\+02:00, demoting current leader node1\? \[y\/N\]: $/,
  );
});

test('switchover: what is wrong is refused with the words that scripts know', async () => {
  const refusal = async (options: Partial<HandoverOptions>, of: Cluster = demo) =>
    (await swap({ force: true, ...options }, { cluster: () => of })).error;
  assert.equal(await refusal({ leader: 'node2' }), 'Member node2 is not the leader of cluster demo');
  assert.equal(await refusal({ candidate: 'node1' }), 'Member node1 is already the leader of cluster demo');
  assert.equal(
    await refusal({ candidate: 'zz' }),
    'Member zz does not exist in cluster demo or is tagged as nofailover',
  );
  assert.equal(await refusal({}, { ...demo, leader: null }), 'This cluster has no leader');
  assert.equal(
    await refusal({}, { ...demo, members: [node1, { ...node2, tags: { nofailover: true } }] }),
    'No candidates found to switchover to',
  );
  assert.equal(await refusal({ action: 'failover' }), 'Failover could be performed only to a specific candidate');
  const paused = { ...demo, config: config({ pause: true }) };
  assert.equal(
    await refusal({ scheduled: '2036-01-01T05:00Z' }, paused),
    "Can't schedule switchover in the paused state",
  );
});

test('switchover --force asks nothing; a failure that the agent tells is printed and is no error', async () => {
  const { out, error } = await swap({ force: true }, { agents: () => answer(412, 'leader name does not match') });
  assert.equal(error, null);
  assert.deepEqual(said(out), [
    'Current cluster topology',
    'Switchover failed, details: 412, leader name does not match',
  ]);
});

test('switchover: with the agent silent the request is written into etcd', async () => {
  const { out, written } = await swap(
    { force: true, candidate: 'node2' },
    { agents: () => ({ kind: 'silent', why: 'dead' }) },
  );
  assert.match(out, /Could not switchover using Patroni api, falling back to DCS/);
  assert.deepEqual(written, [{ key: 'failover', text: '{"leader":"node1","member":"node2"}' }]);
});

test('failover without a leader goes to the candidate', async () => {
  const { asked, out } = await swap(
    { action: 'failover' },
    { cluster: () => ({ ...demo, leader: null }), input: 'node2\ny\n' },
  );
  assert.match(out, /Candidate \['node1', 'node2'\] \[\]: Are you sure you want to failover cluster demo\? \[y\/N\]: /);
  assert.deepEqual(asked, [{ method: 'POST', url: 'http://127.0.0.1:18009/failover', body: { candidate: 'node2' } }]);
});

const quiet: RestartOptions = {
  names: [],
  role: 'any',
  any: false,
  scheduled: null,
  pgVersion: null,
  pending: false,
  timeout: null,
  force: false,
};
const again = (options: Partial<RestartOptions>, place: Partial<PlaceOptions> = {}) =>
  runAt({ cluster, agents: () => answer(200, 'restarted successfully'), ...place }, (ctl) =>
    restart(ctl, { ...quiet, ...options }),
  );

test('restart: when, whether, which version, in that order', async () => {
  const { out, error, asked } = await again({ names: ['node2'] }, { input: '\nyes\n\n' });
  assert.equal(error, null);
  assert.deepEqual(said(out), [
    'When should the restart take place (e.g. 2026-11-23T02:47)  [now]: Are you sure you want to restart members node2? [y/N]: Restart if the PostgreSQL version is less than provided (e.g. 9.5.2)  []: Success: restart on member node2',
  ]);
  assert.deepEqual(asked, [{ method: 'POST', url: 'http://127.0.0.1:18009/restart', body: {} }]);
});

test('restart: scheduled, pending, version and timeout reach the agents', async () => {
  const { out, asked } = await again(
    { scheduled: '2036-01-01T00:00Z', pending: true, pgVersion: '16.1', timeout: '30', force: true },
    { agents: ({ url }) => (url.includes('18008') ? answer(202, '') : answer(409, '')) },
  );
  assert.deepEqual(said(out), [
    'Success: restart scheduled on member node1',
    'Failed: another restart is already scheduled on member node2',
  ]);
  const body = { schedule: '2036-01-01T00:00:00+00:00', restart_pending: true, postgres_version: '16.1', timeout: 30 };
  assert.deepEqual(asked[0], { method: 'POST', url: 'http://127.0.0.1:18008/restart', body });
});

test('restart: names, roles and versions that do not fit are refused', async () => {
  assert.equal((await again({ names: ['zz'], force: true })).error, "No 'any' among provided members");
  assert.equal(
    (await again({ pgVersion: '15', force: true })).error,
    'Invalid PostgreSQL version format: X.Y or X.Y.Z is accepted: 15',
  );
  assert.equal(
    (await again({ role: 'replica' }, { cluster: () => ({ ...demo, members: [node1] }) })).error,
    "demo cluster doesn't have any members",
  );
  assert.equal((await again({}, { input: '\nn\n' })).error, 'Aborted restart');
  const failed = await again(
    { force: true, names: ['node1'] },
    { agents: () => answer(503, 'postgres is still starting') },
  );
  assert.deepEqual(said(failed.out), [
    'Failed: restart for member node1, status code=503, (postgres is still starting)',
  ]);
});

test('reload tells by when it will be done', async () => {
  const { out } = await runAt({ cluster, input: 'y\n', agents: () => answer(202, '') }, (ctl) =>
    reload(ctl, { names: [], role: 'any', force: false }),
  );
  assert.match(out, /Are you sure you want to reload members node1, node2\? \[y\/N\]: /);
  assert.match(out, /Reload request received for member node2 and will be processed within 10 seconds\n/);
});

test('reinit asks which member, takes replicas only, and insists when something is under way', async () => {
  const options = { names: [], fromLeader: false, wait: true, force: false };
  const agents: NonNullable<PlaceOptions['agents']> = ({ method, body }) => {
    if (method === 'GET') return answer(200, '{"state": "running"}');
    const { force } = body as { force: boolean };
    return force ? answer(200, 'reinitialize started') : answer(503, 'reinitialize already in progress');
  };
  const { out, error } = await runAt({ cluster, input: 'node2\ny\ny\n', agents }, (ctl) => reinit(ctl, options));
  assert.equal(error, null);
  assert.match(out, /Which member do you want to reinitialize \[node2\]\? \[\]: /);
  assert.match(
    out,
    /Do you want to cancel it and reinitialize anyway\? \[y\/N\]: Success: reinitialize for member node2\n/,
  );
  assert.match(out, /Waiting for reinitialize to complete on: node2\nReinitialize is completed on: node2\n$/);
  const none = await runAt({ cluster, input: '\n' }, (ctl) => reinit(ctl, options));
  assert.equal(none.error, ' is not a member of cluster');
});

test('pause goes to the leader, else to the next; resume of what is not paused is refused', async () => {
  const { out, asked } = await runAt(
    { cluster, agents: ({ url }) => (url.includes('18008') ? { kind: 'silent', why: 'dead' } : answer(200, '{}')) },
    (ctl) => setPause(ctl, true, { wait: false }),
  );
  assert.equal(out, 'Success: cluster management is paused\n');
  assert.deepEqual(asked.at(-1), { method: 'PATCH', url: 'http://127.0.0.1:18009/config', body: { pause: true } });
  const refused = await runAt({ cluster }, (ctl) => setPause(ctl, false, { wait: false }));
  assert.equal(refused.error, 'Cluster is not paused');
  const dead = await runAt({ cluster }, (ctl) => setPause(ctl, true, { wait: false }));
  assert.equal(dead.error, 'Can not find accessible cluster member');
});

test('pause --wait waits until all members say that they know', async () => {
  let looks = 0;
  const knowing = (): Cluster => {
    looks += 1;
    return { ...demo, members: demo.members.map((member) => ({ ...member, pause: looks > 3 })) };
  };
  const { out } = await runAt({ cluster: knowing, agents: () => answer(200, '{}') }, (ctl) =>
    setPause(ctl, true, { wait: true }),
  );
  assert.equal(
    out,
    "'pause' request sent, waiting until it is recognized by all nodes\nSuccess: cluster management is paused\n",
  );
});

const same: EditOptions = { quiet: false, set: [], pg: [], apply: null, replace: null, force: false };
const edit = (options: Partial<EditOptions>, place: Partial<PlaceOptions> = {}) =>
  runAt({ cluster, ...place }, (ctl) => editConfig(ctl, { ...same, ...options }));

test('edit-config: sets by path, shows the difference, asks, writes', async () => {
  const { out, written } = await edit({ set: ['ttl=20', 'loop_wait=null'], pg: ['pg_stat.max=1'] }, { input: 'y\n' });
  assert.equal(
    out,
    `--- 
+++ 
@@ -1,2 +1,4 @@
-loop_wait: 10
-ttl: 30
+postgresql:
+  parameters:
+    pg_stat.max: 1
+ttl: 20
Apply these changes? [y/N]: Configuration changed
`,
  );
  assert.deepEqual(written, [{ key: 'config', text: '{"ttl":20,"postgresql":{"parameters":{"pg_stat.max":1}}}' }]);
});

test('edit-config: the editor, the input, and what is wrong', async () => {
  const edited = await edit({ force: true, quiet: true }, { edit: (text) => text.replace('30', '25') });
  assert.deepEqual(edited.written, [{ key: 'config', text: '{"loop_wait":10,"ttl":25}' }]);
  assert.equal((await edit({})).out, 'Not changed\n');
  const piped = await edit({ apply: '-' }, { input: 'ttl: 40\n' });
  assert.match(piped.out, /\+ttl: 40\nUse --force option to apply changes\n$/);
  assert.deepEqual(piped.written, []);
  const replaced = await edit({ replace: 'f.yml', force: true }, { files: { 'f.yml': 'ttl: 50\n' } });
  assert.deepEqual(replaced.written, [{ key: 'config', text: '{"ttl":50}' }]);
  assert.equal((await edit({ set: ['foo'] })).error, 'Invalid parameter setting foo');
  assert.equal((await edit({ pg: ['foo'] })).error, 'Invalid parameter setting foo');
  assert.deepEqual((await edit({ set: ['ttl=1'] }, { input: 'n\n' })).written, []);
  const absent = await edit({ set: ['ttl=1'] }, { cluster: () => ({ ...demo, config: null }) });
  assert.equal(absent.error, 'The config key does not exist in the cluster demo');
});

test('edit-config: what all members would ignore is refused, and nothing is asked or written', async () => {
  const garbled = await edit({ set: ['synchronous_mode=onn'] }, { input: 'y\n' });
  assert.match(garbled.error ?? '', /^nothing was changed: synchronous_mode: "onn" is not true, false or quorum/);
  const emptied = await edit({ set: ['ttl=null', 'loop_wait=null'], force: true });
  assert.match(emptied.error ?? '', /^nothing was changed: an empty document is passed over by all members/);
  const replaced = await edit({ replace: 'f.yml', force: true }, { files: { 'f.yml': '{}\n' } });
  assert.match(replaced.error ?? '', /^nothing was changed: an empty document/);
  for (const { out, written } of [garbled, emptied, replaced]) assert.deepEqual([out, written], ['', []]);
  assert.equal((await edit({ set: ['ttl=3'], force: true })).written.length, 1, 'they take it for 5, and say so');
});

test('show-config', async () => {
  assert.equal((await runAt({ cluster }, showConfig)).out, 'loop_wait: 10\nttl: 30\n\n');
});

test('version of the members', async () => {
  const agents: NonNullable<PlaceOptions['agents']> = ({ url }) =>
    url.includes('18008')
      ? answer(200, '{"server_version": 150020, "patroni": {"version": "4.1.4"}}')
      : { kind: 'silent', why: 'connection refused' };
  const { out } = await runAt({ cluster, agents }, (ctl) => memberVersions(ctl, []));
  assert.equal(out, '\nnode1: Patroni 4.1.4 PostgreSQL 15.20\nnode2: failed to get version: connection refused\n');
});

const entry = (rule: string, wall: string) =>
  JSON.stringify({
    kind: 'decided',
    atMs: 1,
    wall,
    cycle: 1,
    wakes: ['timer'],
    rule,
    leaseRule: 'lease.none',
    reason: 'the leader is gone',
    because: [
      ['leader', null],
      ['lagBytes', 0],
    ],
    passed: ['safety.gate', 'paused'],
    actions: [{ action: 'acquireLeaderKey', outcome: 'refused', why: 'the key exists', tookMs: 3 }],
    seen: { postgres: 'running standby', leader: null },
  });

test('why reads the journal on disk when the agent is dead, the older file first', async () => {
  const files = {
    '/state/journal.jsonl.1': `${entry('race.wait', '2026-01-01T00:00:00.000Z')}\n`,
    '/state/journal.jsonl': `${entry('race.win', '2026-01-01T00:00:01.000Z')}\n{"kind":"note","wall":"2026-01-01T00:00:02.000Z","level":"warning","text":"disk full","because":[]}\n{"kind":"deci`,
  };
  const options = { member: null, last: 10, format: 'pretty', all: false } as const;
  const { out } = await runAt({ cluster, files }, (ctl) => why(ctl, options));
  assert.equal(
    out,
    `2026-01-01 00:00:00.000  race.wait: the leader is gone
    because      leader=null, lagBytes=0
    did          acquireLeaderKey refused (the key exists)
    seen         postgres=running standby, leader=null
    passed over  safety.gate, paused
2026-01-01 00:00:01.000  race.win: the leader is gone
    because      leader=null, lagBytes=0
    did          acquireLeaderKey refused (the key exists)
    seen         postgres=running standby, leader=null
    passed over  safety.gate, paused
2026-01-01 00:00:02.000  warning: disk full
`,
  );
});

test('why in every format that is offered', async () => {
  const note = {
    kind: 'note',
    wall: '2026-01-01T00:00:02.000Z',
    level: 'warning',
    text: 'disk\tfull\nagain',
    because: [],
  };
  const files = {
    '/state/journal.jsonl': `${entry('race.win', '2026-01-01T00:00:01.000Z')}\n${JSON.stringify(note)}\n`,
  };
  const tell = async (format: WhyOptions['format'], place: Partial<PlaceOptions> = { files }) =>
    (await runAt({ cluster, ...place }, (ctl) => why(ctl, { member: null, last: 10, format, all: false }))).out;
  assert.equal(
    await tell('tsv'),
    [
      'Time (UTC)\tKind\tRule\tWhat\tBecause\tDid\tSeen\tPassed over',
      '2026-01-01 00:00:01.000\tdecided\trace.win\tthe leader is gone\tleader=null, lagBytes=0\tacquireLeaderKey refused (the key exists)\tpostgres=running standby, leader=null\tsafety.gate, paused',
      '2026-01-01 00:00:02.000\tnote\t\twarning: disk full again\t\t\t\t',
      '',
    ].join('\n'),
  );
  assert.deepEqual(parse(await tell('yaml')), [JSON.parse(entry('race.win', '2026-01-01T00:00:01.000Z')), note]);
  assert.deepEqual(
    (await tell('json'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))[1],
    note,
  );
  const empty = { files: { '/state/journal.jsonl': '' } };
  assert.deepEqual(
    [await tell('pretty', empty), await tell('json', empty), parse(await tell('yaml', empty))],
    ['The journal is empty.\n', '', []],
  );
});

test('why asks the agent of a member, and says what to do when it is silent', async () => {
  const options = { member: 'node2', last: 1, format: 'json', all: true } as const;
  const body = `[${entry('a', 'x')},${entry('b', 'y')}]`;
  const told = await runAt({ cluster, agents: () => answer(200, body) }, (ctl) => why(ctl, options));
  assert.equal(told.out, `${entry('b', 'y')}\n`);
  assert.equal(told.asked[0]?.url, 'http://127.0.0.1:18009/journal?limit=1');
  const silent = await runAt({ cluster }, (ctl) => why(ctl, options));
  assert.equal(silent.error, 'the agent of node2 does not answer (dead): run why on that node');
});

test('flush takes back the restarts that are scheduled, and tells where there is none', async () => {
  const scheduled = { ...node2, scheduledRestart: { schedule: '2036-01-02T03:04:05+01:00' } };
  const place = { cluster: () => ({ ...demo, members: [node1, scheduled] }) };
  const options = { names: [], role: 'any', force: false } as const;
  const agents = () => answer(200, 'scheduled restart deleted');
  const { out, asked } = await runAt({ ...place, input: 'y\n', agents }, (ctl) => flushRestarts(ctl, options));
  assert.match(out, /Are you sure you want to flush members node1, node2\? \[y\/N\]: /);
  assert.match(out, /No scheduled restart for member node1\nSuccess: flush scheduled restart for member node2\n/);
  assert.deepEqual(
    asked.map(({ method, url }) => `${method} ${new URL(url).pathname}`),
    ['DELETE /restart'],
  );
  const refusing = { ...place, agents: () => answer(401, 'not authenticated') };
  const failed = await runAt(refusing, (ctl) => flushRestarts(ctl, { ...options, force: true }));
  assert.match(failed.out, /Failed: flush scheduled restart for member node2, status code=401, \(not authenticated\)/);
  const declined = await runAt({ ...place, input: 'n\n' }, (ctl) => flushRestarts(ctl, options));
  assert.match(String(declined.error), /Aborted flush/);
});

test('flush takes a scheduled switchover back, by etcd where no member answers', async () => {
  const failover = {
    leader: 'node1',
    candidate: null,
    scheduledAt: wallMs(2e12),
    problem: null,
    modRevision: revision(3n),
  };
  const place = { cluster: () => ({ ...demo, failover }) };
  const none = await runAt({ cluster }, (ctl) => flushSwitchover(ctl));
  assert.equal(none.out, 'No pending scheduled switchover\n');
  const agents = () => answer(200, 'scheduled switchover deleted');
  const done = await runAt({ ...place, agents }, (ctl) => flushSwitchover(ctl));
  assert.deepEqual([done.out, done.written], ['Success: scheduled switchover deleted\n', []]);
  const silent = () => ({ kind: 'silent', why: 'no answer' }) as const;
  const alone = await runAt({ ...place, agents: silent }, (ctl) => flushSwitchover(ctl));
  assert.match(alone.out, /Could not find any accessible member of cluster demo\n$/);
  assert.deepEqual(alone.written, [{ key: 'failover', text: '{}' }]);
});

test('dsn tells where the leader is, or whoever is named', async () => {
  const of = (role: 'replica' | null, member: string | null) => runAt({ cluster }, (ctl) => dsn(ctl, { role, member }));
  assert.equal((await of(null, null)).out, `host=${node1.host} port=${node1.port}\n`);
  assert.equal((await of('replica', null)).out, `host=${node2.host} port=${node2.port}\n`);
  assert.equal((await of(null, 'node2')).out, `host=${node2.host} port=${node2.port}\n`);
  assert.match(String((await of('replica', 'node1')).error), /--role and --member are mutually exclusive options/);
  assert.match(String((await of(null, 'node9')).error), /Can not find a suitable member/);
});
