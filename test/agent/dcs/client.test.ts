import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeEtcdClient } from '../../../src/agent/dcs/client.ts';
import { flawOf } from '../../../src/agent/dcs/flaws.ts';
import { later } from '../../../src/model/units.ts';
import type { EtcdTransport } from '../../../src/model/world.ts';
import { makeClock } from '../../../src/world/clock.ts';
import { makeEtcdTransport } from '../../../src/world/etcd/transport.ts';
import { startEtcd, type TestEtcd } from '../../support/etcd.ts';

let etcd: TestEtcd;
before(async () => {
  etcd = await startEtcd({ members: 1 });
});
after(() => etcd.stop());

type Mood = 'well' | 'frozen' | 'refusing' | 'no leader' | 'odd' | 'old term' | 'other cluster';

/** Endpoints by name, all of one real etcd, each in its mood. */
function world(moods: Record<string, Mood>) {
  const real = makeEtcdTransport({ tls: null });
  const url = etcd.urls[0] ?? '';
  const clock = makeClock();
  const tried: string[] = [];
  const cut: string[] = [];
  const notes: string[] = [];
  let aheadMs = 0;
  let statuses = 0;
  const transport: EtcdTransport = {
    ...real,
    async call(endpoint, call, ask, limitMs, token) {
      if (call !== 'status') tried.push(endpoint); // that goes on beside the request
      const mood = moods[endpoint];
      if (mood === 'refusing') return { kind: 'unsent', why: 'connection refused' };
      if (mood === 'no leader') return { kind: 'error', code: 14, message: 'etcdserver: no leader' };
      if (mood === 'odd') return { kind: 'error', code: 2, message: 'context deadline exceeded' };
      if (mood === 'frozen') {
        await clock.sleep(limitMs);
        return { kind: 'lost', why: 'no answer' };
      }
      const reply = await real.call(url, call, ask, limitMs, token);
      if (call === 'status') statuses += 1;
      if (reply.kind !== 'answered') return reply;
      // Members of one etcd have an id each; here there is one behind all names.
      const header = { ...reply.header, memberId: BigInt(endpoint.length * 100 + endpoint.charCodeAt(7)) };
      if (mood === 'old term') return { ...reply, header: { ...header, raftTerm: 0n } };
      if (mood === 'other cluster') return { ...reply, header: { ...header, clusterId: 1n } };
      return { ...reply, header };
    },
    cut: (endpoint) => void cut.push(endpoint),
  };
  const endpoints = Object.keys(moods);
  const settings = { endpoints, srv: null, useProxies: true, username: null, password: null, tls: null };
  const skewed = { ...clock, now: () => later(clock.now(), aheadMs) };
  const client = makeEtcdClient(
    { clock: skewed, chance: { below: () => 0, hex: () => '' }, etcd: transport },
    () => settings,
    (_level, text) => void notes.push(text),
  );
  return {
    client,
    notes,
    statuses: () => statuses,
    tried,
    cut,
    moods,
    read: (budgetMs = 1_500) => client.request('range', { key: 'a' }, { budgetMs }),
    write: (budgetMs = 1_500) =>
      client.request('txn', { compare: [], success: [{ op: 'put', key: 'a', value: '' }], failure: [] }, { budgetMs }),
    pass: (ms: number) => {
      aheadMs += ms;
    },
    end: () => real.cut(url),
  };
}

test('the first endpoint that answers serves, and stays the favourite', async () => {
  const w = world({ 'http://a': 'refusing', 'http://b': 'no leader', 'http://c': 'well' });
  assert.equal((await w.read()).kind, 'done');
  assert.equal((await w.read()).kind, 'done');
  assert.deepEqual(w.tried, ['http://a', 'http://b', 'http://c', 'http://c']);
  w.end();
});

test('the version of etcd is judged once, whichever endpoint tells it', async () => {
  const w = world({ 'http://c': 'well', 'http://dd': 'well' });
  for (let minute = 0; minute < 3; minute++) {
    assert.equal((await w.read()).kind, 'done');
    while (w.statuses() <= minute) await makeClock().sleep(10);
    w.pass(61_000);
    w.moods['http://c'] = 'refusing'; // and the next one goes to the other
  }
  const status = await makeEtcdTransport({ tls: null }).call(etcd.urls[0] ?? '', 'status', {}, 1_000, null);
  const version = status.kind === 'answered' ? status.answer.version : '';
  const flaw = flawOf(version);
  const judged = w.notes.filter((text) => text.startsWith('etcd '));
  assert.deepEqual(judged, flaw === null ? [] : [`etcd ${version}: ${flaw}`]);
  w.end();
});

test('a missed deadline cuts the session once and puts the endpoint last', async () => {
  const w = world({ 'http://a': 'frozen', 'http://b': 'well' });
  const reply = await w.write();
  assert.ok(reply.kind === 'done' && reply.doubt, 'what the frozen one was sent may yet happen');
  w.moods['http://b'] = 'refusing';
  w.moods['http://a'] = 'well';
  assert.equal((await w.read()).kind, 'done');
  assert.deepEqual(w.cut, ['http://a', 'http://b']);
  assert.deepEqual(w.tried, ['http://a', 'http://b', 'http://b', 'http://a']);
  w.end();
});

test('a write without any answer is unknown when it may have arrived, unreachable when it cannot have [lesson 15]', async () => {
  for (const [mood, outcome] of [
    ['refusing', 'unreachable'],
    ['no leader', 'unreachable'],
    ['frozen', 'unknown'],
    ['odd', 'unknown'],
  ] as const) {
    const w = world({ 'http://a': mood, 'http://b': mood });
    const beganMs = performance.now();
    assert.equal((await w.write(300)).kind, outcome, mood);
    assert.equal((await w.read(300)).kind, 'unreachable', 'a read leaves nothing behind');
    assert.ok(performance.now() - beganMs < 900, 'within the budgets');
    w.end();
  }
});

test('a member with an older raft term or of another cluster is not believed', async () => {
  const w = world({ 'http://a': 'well', 'http://b': 'well' });
  await w.read();
  for (const mood of ['old term', 'other cluster'] as const) {
    w.moods['http://a'] = mood;
    assert.equal((await w.read()).kind, 'done');
    w.moods['http://b'] = mood;
    assert.equal((await w.read(300)).kind, 'unreachable');
    w.moods['http://b'] = 'well';
    w.pass(10_000);
    assert.equal((await w.read()).kind, 'done');
  }
  w.end();
});

test('a cluster built anew is accepted when most endpoints have shown nothing else for a minute', async () => {
  const w = world({ 'http://a': 'well', 'http://b': 'well', 'http://c': 'refusing' });
  await w.read();
  w.moods['http://a'] = 'other cluster';
  w.moods['http://b'] = 'other cluster';
  assert.equal((await w.read(300)).kind, 'unreachable');
  w.pass(61_000);
  assert.equal((await w.read()).kind, 'done');
  assert.equal(w.client.identity.changes(), 1);
  w.end();
});
