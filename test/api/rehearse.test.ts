import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRehearsals } from '../../src/agent/rehearsals.ts';
import { metrics } from '../../src/api/handlers/metrics.ts';
import { rehearse } from '../../src/api/handlers/rehearse.ts';
import type { Observation } from '../../src/model/observation.ts';
import { noPast } from '../../src/model/rehearsal.ts';
import { instantMs, lsn } from '../../src/model/units.ts';
import { following, leading, peer, unreachable } from '../decide/values.ts';
import { fakeAgent, now, snapshotOf, viewOf } from './handles.ts';
import { serve } from './serve.ts';

const seen: Observation = { ...leading, peers: [peer('n2', lsn('0/5000100')), peer('n3', lsn('0/5000100'))] };
const ask = (query: Readonly<Record<string, string>>, agent = fakeAgent(seen)) =>
  rehearse({ method: 'GET', path: '/rehearse', query, body: null }, { handles: agent, sleep: async () => {} });

test('GET /rehearse: without names it is the leader that goes; a name that is nobody is 404', async (t) => {
  const at = await serve(t, fakeAgent(seen));
  const reply = await fetch(`${at}/rehearse`);
  const document = (await reply.json()) as Record<string, unknown>;
  assert.equal(reply.status, 200);
  assert.deepEqual(document.without, ['n1']);
  assert.deepEqual(document.outcome, { kind: 'takes_over', winner: 'n2', equals: ['n3'] });
  assert.equal(document.bytes_at_risk, 0);
  assert.deepEqual(document.seen, { by: 'n1', age_ms: 0 });
  const without = async (names: string): Promise<unknown[]> => {
    const { status } = await fetch(`${at}/rehearse?without=${names}`);
    return [names, status];
  };
  assert.deepEqual(await without('n2'), ['n2', 200]);
  assert.deepEqual(await without('n1,etcd'), ['n1,etcd', 200]);
  assert.deepEqual(await without(',%20,'), [',%20,', 200]);
  const unknown = await fetch(`${at}/rehearse?without=n9`);
  assert.equal(unknown.status, 404);
  assert.deepEqual(await unknown.json(), { error: 'no member, and no tag of one: n9', members: ['n1', 'n2', 'n3'] });
});

test('fresh: the leader tells which clients would be cut, and how many transactions the bytes at risk may be', async () => {
  const load = { clients: 12, inTransaction: 3, sinceCheckpoint: { transactions: 1_000, walBytes: 64_000 } };
  const behind = { ...seen, peers: [peer('n2', lsn('0/50000C0'))] };
  const told = async (query: Readonly<Record<string, string>>, one: Observation = behind) => {
    let nowMs = Number(now);
    // Nobody answers anew: the wait for that has its bound.
    const agent = { ...fakeAgent(one, { load }), now: () => instantMs(nowMs) };
    const sleep = async (ms: number): Promise<void> => {
      nowMs += ms;
    };
    const request = { method: 'GET', path: '/rehearse', query: { fresh: '1', ...query }, body: null };
    const reply = await rehearse(request, { handles: agent, sleep });
    return reply.kind === 'json' ? (reply.value as Record<string, unknown>) : assert.fail(reply.kind);
  };
  const leader = await told({});
  assert.match(
    String(leader.answer),
    /; 64 bytes at risk, about 1 transaction; 12 clients are cut, 3 in a transaction$/,
  );
  assert.deepEqual(
    [leader.clients_cut, leader.clients_in_transaction, leader.transactions_at_risk_estimate],
    [12, 3, 1],
  );
  assert.deepEqual(leader.estimated_from, { since: 'the last checkpoint', transactions: 1_000, wal_bytes: 64_000 });
  assert.match(String((await told({}, seen)).answer), /; 0 bytes at risk; 12 clients are cut, 3 in a transaction$/);
  const other = await told({ without: 'n2' });
  assert.deepEqual([other.clients_cut, other.transactions_at_risk_estimate], [null, null], 'n1 leads on');
  assert.equal((await told({ without: 'etcd' })).clients_cut, 12, 'it stops');
  const unasked = await ask({}, fakeAgent(behind, { load }));
  assert.ok(unasked.kind === 'json' && (unasked.value as Record<string, unknown>).clients_cut === null);
});

test('no password of the settings is in any answer', async () => {
  const { local } = seen.settings;
  const login = { username: 'superuser', password: 'secret-word', ssl: {} };
  const settings = { ...seen.settings, local: { ...local, postgres: { ...local.postgres, superuser: login } } };
  for (const without of ['n1', 'n2', 'etcd']) {
    const reply = await ask({ without }, fakeAgent({ ...seen, settings }));
    const text = JSON.stringify(reply, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
    assert.ok(text.includes('n3') && !text.includes('secret-word'));
  }
});

test('before the first look it is 503', async () => {
  const reply = await ask({}, { ...fakeAgent(seen), snapshot: () => null, rehearse: () => null });
  assert.equal(reply.kind === 'json' && reply.status, 503);
});

test('fresh: everybody is asked anew, and the answer waits for those that answer and those that do not', async () => {
  let nowMs = Number(now);
  let asks = 0;
  const later = (): Observation => ({
    ...seen,
    nowMs: instantMs(nowMs),
    peers: seen.peers.map((report, i) =>
      i === 0
        ? { ...report, askedMs: instantMs(now + 60), last: { kind: 'answered', atMs: instantMs(now + 70) } }
        : { ...report, last: { kind: 'silent', atMs: instantMs(now + 200), why: 'no answer' } },
    ),
  });
  const agent = {
    ...fakeAgent(seen),
    now: () => instantMs(nowMs),
    askPeers: () => {
      asks += 1;
    },
    snapshot: () => snapshotOf(nowMs >= now + 200 ? later() : seen),
  };
  const sleep = async (ms: number): Promise<void> => {
    nowMs += ms;
  };
  const request = { method: 'GET', path: '/rehearse', query: { fresh: '1' }, body: null };
  await rehearse(request, { handles: agent, sleep });
  assert.equal(nowMs, now + 200);
  assert.deepEqual([asks, agent.wakes], [1, ['rehearse']], 'once, while the answer is awaited');
  const deaf = { ...agent, snapshot: () => snapshotOf(seen) };
  const reply = await rehearse(request, { handles: deaf, sleep });
  assert.ok(asks <= 8, `${asks} questions`);
  assert.ok(nowMs < now + 3_000 && reply.kind === 'json' && reply.status === 200, 'a bound, and the last look then');
});

test('metrics: whether somebody would take over, on every node; bytes at risk only where one look shows both ends', () => {
  const own = (one: Observation): string[] => {
    const reply = metrics(viewOf(one), fakeAgent(one));
    const lines = reply.kind === 'text' ? reply.text.split('\n') : [];
    return lines.filter((line) => /^matriarch_(failover|rehearsal)/.test(line));
  };
  const behind = { ...seen, peers: [peer('n2', lsn('0/50000C0'))] };
  assert.deepEqual(own(behind), [
    'matriarch_failover_possible{scope="demo",name="n1"} 1',
    'matriarch_rehearsal_bytes_at_risk{scope="demo",name="n1"} 64',
  ]);
  assert.deepEqual(own({ ...seen, peers: [] }), ['matriarch_failover_possible{scope="demo",name="n1"} 0']);
  const byStandby = { ...following, peers: [peer('n1', lsn('0/5000900'), { runsAsPrimary: true, noPrimary: false })] };
  assert.deepEqual(own(byStandby), ['matriarch_failover_possible{scope="demo",name="n2"} 1']);
  assert.deepEqual(own(unreachable(byStandby)), ['matriarch_failover_possible{scope="demo",name="n2"} 0']);
});

test('one look is played once, however often it is scraped', () => {
  let plays = 0;
  const snapshot = snapshotOf(seen);
  const rehearseIt = makeRehearsals({
    snapshot: () => snapshot,
    marginMs: () => 5_000,
    past() {
      plays += 1;
      return noPast;
    },
  });
  assert.equal(rehearseIt(null), rehearseIt(null));
  assert.equal(plays, 1);
});
