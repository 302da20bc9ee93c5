import assert from 'node:assert/strict';
import { test } from 'node:test';
import { health, isHealthy, liveness, readiness } from '../../src/api/handlers/health.ts';
import type { View } from '../../src/api/view.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import type { Observation } from '../../src/model/observation.ts';
import { instantMs, lsn, revision } from '../../src/model/units.ts';
import {
  cleanlyStopped,
  following,
  held,
  leaderKey,
  leading,
  primary,
  standby,
  unreachable,
  withCluster,
  withSettings,
} from '../decide/values.ts';
import { now, snapshotOf, viewOf } from './handles.ts';

const sync = (name: string): Partial<Cluster> => ({
  sync: { leader: 'n1', members: [name], quorum: 0, modRevision: revision(9n) },
});
const inMode = (synchronousMode: 'on' | 'quorum', seen: Observation): Observation =>
  withCluster(withSettings(seen, { cluster: { synchronousMode } }), sync('N2')); // names know no case
const paused = (seen: Observation): Observation => withSettings(seen, { cluster: { pause: true } });
const standbyLeader: Observation = {
  ...withSettings(leading, { cluster: { standbyCluster: { host: 'remote' } } }),
  postgres: standby,
};
/** The agent began anew meanwhile, and has read no key. */
const byPromises: Observation = {
  ...leading,
  dcs: { kind: 'unreachable', sinceMs: now, why: 'no endpoint answers', lastSeen: null },
  held: { ...held, byMembers: true },
};
const superseded = withCluster({ ...byPromises, dcs: leading.dcs }, { leader: leaderKey('n3') });
const minute = 60_000;
/** The same snapshot, looked at a minute after the loop stopped coming by. */
const hung = (seen: Observation): View => viewOf(seen, { nowMs: instantMs(now + minute) });

const situations: Readonly<Record<string, View>> = {
  primary: viewOf(leading),
  'primary whose lease ended': viewOf(leading, { fenceDeadlineMs: instantMs(now) }),
  'primary without etcd, lease left': viewOf(unreachable(leading)),
  'primary without etcd, by promises': viewOf(byPromises),
  'primary by promises, the key another has': viewOf(superseded),
  'primary without etcd, lease gone': viewOf({ ...unreachable(leading), held: null }),
  'primary without etcd, paused': viewOf(paused({ ...unreachable(leading), held: null })),
  'lock held, not promoted yet': viewOf({ ...leading, postgres: standby }),
  'crashed under the lock': viewOf({ ...leading, postgres: cleanlyStopped }),
  replica: viewOf(following),
  'replica without etcd': viewOf(unreachable(following)),
  'sync standby': viewOf(inMode('on', following)),
  'quorum standby': viewOf(inMode('quorum', following)),
  'standby leader': viewOf(standbyLeader),
  'stopped, paused': viewOf(paused({ ...following, postgres: cleanlyStopped })),
  noloadbalance: viewOf(withSettings(following, { tags: { noloadbalance: true } })),
  'primary with a hung loop': hung(leading),
  'replica with a hung loop': hung(following),
  'paused without etcd, with a hung loop': hung(paused({ ...unreachable(leading), held: null })),
  'no cycle yet': viewOf(leading, { snapshot: null }),
};

/** Which of these answer 200; all others 503. */
const paths = [
  '/',
  '/primary',
  '/master',
  '/read-write',
  '/leader',
  '/standby-leader',
  '/standby_leader',
  '/replica',
  '/read-only',
  '/health',
  '/sync',
  '/synchronous',
  '/async',
  '/asynchronous',
  '/quorum',
  '/read-only-sync',
  '/read-only-synchronous',
  '/read-only-quorum',
  '/nosuch',
];
const leads = ['/', '/primary', '/master', '/read-write', '/leader'];
const readSync = ['/read-only-sync', '/read-only-synchronous'];
const fresh: Readonly<Record<string, readonly string[]>> = {
  primary: [...leads, '/read-only', '/health', ...readSync, '/read-only-quorum'],
  'primary whose lease ended': ['/health'],
  'primary without etcd, lease left': [...leads, '/read-only', '/health'],
  'primary without etcd, by promises': [...leads, '/read-only', '/health'],
  'primary by promises, the key another has': ['/health'],
  'primary without etcd, lease gone': ['/health'],
  'primary without etcd, paused': [...leads, '/read-only', '/health'],
  'lock held, not promoted yet': ['/health'],
  'crashed under the lock': [],
  replica: ['/replica', '/read-only', '/health', '/async', '/asynchronous'],
  'replica without etcd': ['/replica', '/read-only', '/health'],
  'sync standby': ['/replica', '/read-only', '/health', '/sync', '/synchronous', ...readSync],
  'quorum standby': ['/replica', '/read-only', '/health', '/quorum', '/read-only-quorum'],
  'standby leader': [
    '/leader',
    '/standby-leader',
    '/standby_leader',
    '/read-only',
    '/health',
    ...readSync,
    '/read-only-quorum',
  ],
  'stopped, paused': [],
  noloadbalance: ['/health'],
  'primary with a hung loop': [],
  'replica with a hung loop': [],
  'paused without etcd, with a hung loop': [],
  'no cycle yet': [],
};

for (const [name, view] of Object.entries(situations))
  test(`health of ${name}`, () => {
    assert.deepEqual(
      paths.filter((path) => isHealthy(path, {}, view)),
      fresh[name],
    );
  });

test('paths are known by what they contain', () => {
  const at = (path: string, view = viewOf(leading)): boolean => isHealthy(path, {}, view);
  assert.deepEqual(
    ['/x/primary/y', '/primary-please', '/the-master'].map((path) => at(path)),
    [true, true, true],
  );
  assert.equal(at('/replica-x', viewOf(following)), true);
  // Only the whole path is `/`; `/sync` and its like are whole paths too.
  assert.deepEqual([at('//'), at('/sync/', viewOf(inMode('on', following)))], [false, false]);
});

test('GET tells the status with the code, the others the code alone', () => {
  const ask = (method: string) => health({ method, path: '/primary', query: {}, body: null }, viewOf(following));
  assert.deepEqual(ask('HEAD'), { kind: 'bare', status: 503 });
  assert.deepEqual(ask('OPTIONS'), { kind: 'bare', status: 503 });
  const told = ask('GET');
  assert.ok(told.kind === 'json' && told.status === 503);
  assert.deepEqual((told.value as { role: string }).role, 'replica');
});

test('?lag= compares with what the cluster is known to have written', () => {
  const behind: Observation = { ...following, postgres: { ...standby, replayedLsn: lsn('0/4FFC100') } }; // 16 kB
  const cases: readonly [lag: string, healthy: boolean][] = [
    ['16383', false],
    ['16384', true],
    ['16kB', true],
    ['15.9kB', false],
    ['1 MB', true],
    ['16KB', true], // no unit of PostgreSQL's: no limit
    ['', true],
    ['-5', true],
  ];
  for (const [lag, healthy] of cases) assert.equal(isHealthy('/replica', { lag }, viewOf(behind)), healthy, lag);
  const ahead = { ...standby, receiver: standby.receiver && { ...standby.receiver, latestEndLsn: lsn('0/5000101') } };
  assert.equal(isHealthy('/replica', { lag: '0' }, viewOf({ ...following, postgres: ahead })), false);
  assert.equal(isHealthy('/primary', { lag: '0' }, viewOf(leading)), true);
});

test('?tag_x= must equal an own tag, where tags count', () => {
  const tagged = withSettings(following, { tags: { published: { region: 'eu', clonefrom: true, weight: 1.4 } } });
  const cases: readonly [query: Record<string, string>, healthy: boolean][] = [
    [{ tag_region: 'eu' }, true],
    [{ tag_region: 'us' }, false],
    [{ tag_clonefrom: 'true', tag_weight: '1.4' }, true],
    [{ tag_clonefrom: 'True' }, false],
    [{ tag_nosuch: 'x' }, false],
    [{ other: 'x' }, true],
  ];
  for (const path of ['/replica', '/read-only', '/health', '/async'])
    for (const [query, healthy] of cases) assert.equal(isHealthy(path, query, viewOf(tagged)), healthy, path);
  assert.equal(isHealthy('/primary', { tag_region: 'us' }, viewOf(leading)), true);
});

test('a replica long without etcd and upstream serves no readers', () => {
  const lost = unreachable({ ...following, postgres: { ...standby, receiver: null } });
  const seenMs = (agoMs: number): View => viewOf(lost, {}, { dcsLastSeenMs: instantMs(now - agoMs) });
  assert.equal(isHealthy('/replica', {}, seenMs(29_000)), true);
  assert.equal(isHealthy('/replica', {}, seenMs(31_000)), false);
  assert.equal(isHealthy('/replica', {}, viewOf(unreachable(following), {}, { dcsLastSeenMs: null })), true);
});

test('/liveness: the loop came by within ttl on the primary, twice that elsewhere, whenever in pause', () => {
  const code = (seen: Observation, lateMs: number): unknown => {
    const { nextCycleMs } = snapshotOf(seen);
    return liveness(viewOf(seen, { nowMs: instantMs(nextCycleMs + lateMs) }));
  };
  const cases: readonly [seen: Observation, lateMs: number, status: number][] = [
    [leading, 29_999, 200],
    [leading, 30_000, 503],
    [following, 59_999, 200],
    [following, 60_000, 503],
    [{ ...leading, postgres: cleanlyStopped }, 59_999, 200],
    [unreachable(leading), 0, 200],
    [paused(leading), 900_000, 200],
  ];
  for (const [seen, lateMs, status] of cases) assert.deepEqual(code(seen, lateMs), { kind: 'bare', status });
  assert.deepEqual(liveness(viewOf(leading, { snapshot: null })), { kind: 'bare', status: 503 });
});

test('/readiness: leads, or streams and keeps up', () => {
  const ready = (view: View, query: Record<string, string> = {}): boolean => {
    const reply = readiness({ method: 'GET', path: '/readiness', query, body: null }, view);
    return reply.kind === 'bare' && reply.status === 200;
  };
  const behind: Observation = { ...following, postgres: { ...standby, replayedLsn: lsn('0/4FFC100') } };
  const far: Observation = { ...following, postgres: { ...standby, replayedLsn: lsn('0/4E00000') } };
  const unfed: Observation = { ...following, postgres: { ...standby, receiver: null } };
  const cases: readonly [what: string, ready: boolean, expected: boolean][] = [
    ['the primary', ready(viewOf(leading)), true],
    ['a primary without its lease', ready(viewOf({ ...leading, held: null })), false],
    ['the standby leader', ready(viewOf(standbyLeader)), true],
    ['a streaming replica', ready(viewOf(following)), true],
    ['16 kB behind', ready(viewOf(behind)), true],
    ['16 kB behind, of 1 kB', ready(viewOf(behind), { lag: '1kB' }), false],
    ['received but not replayed', ready(viewOf(behind), { lag: '1kB', mode: 'write' }), true],
    ['beyond maximum_lag_on_failover', ready(viewOf(far)), false],
    ['without upstream', ready(viewOf(unfed)), false],
    ['without etcd and without a word of the end', ready(viewOf(unreachable(following))), false],
    ['stopped', ready(viewOf({ ...following, postgres: cleanlyStopped })), false],
    ['with a hung loop', ready(hung(following)), false],
    ['a primary that nobody knows', ready(viewOf({ ...following, postgres: primary })), false],
  ];
  for (const [what, is, expected] of cases) assert.equal(is, expected, what);
});
