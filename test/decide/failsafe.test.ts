import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import { promisedTerm, promisesDue, whyNoPromise } from '../../src/decide/failsafe.ts';
import { rehearse } from '../../src/decide/rehearse/rehearse.ts';
import type { PromiseAsk, Promised } from '../../src/model/failsafe.ts';
import type { Observation } from '../../src/model/observation.ts';
import { noPast } from '../../src/model/rehearsal.ts';
import { instantMs, leaseId, lsn, revision, term } from '../../src/model/units.ts';
import { kinds } from './read.ts';
import {
  after,
  cleanlyStopped,
  cluster,
  following,
  held,
  leaderKey,
  leading,
  member,
  peer,
  primary,
  silent,
  standby,
  unreachable,
  vacant,
  withCluster,
  withSettings,
} from './values.ts';

/** A primary without etcd, and those that it asks. */

const now = leading.nowMs;
const map = { n1: 'http://n1:8008/patroni', n2: 'http://n2:8008/patroni', n3: 'http://n3:8008/patroni' };
const on = { cluster: { failsafeMode: true } };
const due: Partial<typeof held> = { sentMs: instantMs(now - 9_500), deadlineMs: instantMs(now + 15_500) };
const lonely = (more: Partial<Observation['failsafe']> = {}): Observation => {
  const seen = withSettings(unreachable(leading), on);
  return { ...seen, held: { ...held, ...due }, failsafe: { ...seen.failsafe, map, ...more } };
};
const promised: Promised = {
  to: 'n1',
  term: term(40n),
  givenMs: instantMs(now - 5_000),
  untilMs: instantMs(now + 25_000),
  anybodyUntilMs: null,
  at: { host: 'n1', port: 5432 },
  lsn: null,
  slots: {},
};
const bound = (more: Partial<Promised> = {}): Observation => ({
  ...vacant,
  failsafe: { ...vacant.failsafe, promised: { ...promised, ...more } },
});

test('etcd does not answer as the renewal is due: all members are asked, beside the loop', () => {
  const decision = decide(lonely());
  assert.equal(decision.leaseRule, 'lease.doubt');
  assert.equal(decision.rule, 'primary.etcdAway');
  assert.deepEqual(
    decision.actions.map(({ kind }) => kind),
    ['askPromises'],
  );
  assert.equal(decide({ ...lonely(), held: { ...held, ...due, byMembers: true } }).leaseRule, 'lease.failsafe');
});

test('an agent that took the lease over from the one before it asks at once', () => {
  assert.equal(promisesDue({ ...lonely(), held: { ...held, proven: false } }), true);
});

test('nobody is asked: before it is time, while a round is under way, in pause, with the mode off, over a standby', () => {
  const not: Readonly<Record<string, Observation>> = {
    'just renewed': { ...lonely(), held },
    'asked just now': lonely({ askingSinceMs: instantMs(now - 100) }),
    paused: withSettings(lonely(), { cluster: { pause: true } }),
    'mode off': withSettings(lonely(), { cluster: { failsafeMode: false } }),
    'nobody knows whom': lonely({ map: null }),
    'I am not on the list': lonely({ map: { n2: map.n2 } }),
    'a standby': { ...lonely(), postgres: standby },
    'no lease': { ...lonely(), held: null },
  };
  for (const [why, seen] of Object.entries(not)) assert.equal(promisesDue(seen), false, why);
});

test('a primary that does not come up, or on which no commit ends, keeps nobody from its place', () => {
  const hung = (forMs: number): Observation => ({
    ...lonely(),
    health: { provenMs: null, hindrance: { kind: 'fsync stalled', sinceMs: instantMs(now - forMs), why: 'x' } },
  });
  assert.equal(promisesDue(hung(20_000)), true);
  assert.equal(promisesDue(hung(31_000)), false);
  assert.equal(promisesDue(withSettings(hung(31_000), { cluster: { primaryHealth: 'report' } })), true);
  const down = (sinceMs: number, starts: number): Observation => ({
    ...lonely(),
    postgres: cleanlyStopped,
    memory: {
      ...leading.memory,
      crash: { sinceMs: instantMs(now - sinceMs), attemptsMs: Array.from({ length: starts }, () => now) },
    },
  });
  assert.equal(promisesDue(down(1_000, 0)), true);
  assert.equal(promisesDue(down(1_000, 3)), false, 'it goes down again and again');
  assert.equal(promisesDue(down(301_000, 1)), false, 'primary_start_timeout');
  // That it is down is remembered without etcd, too.
  const first = { ...down(1_000, 0), memory: leading.memory };
  assert.equal(decide(first).memory.crash?.sinceMs, now);
});

test('synchronous mode: a server starts in place without etcd with the list that it was last seen to go by, or not at all', () => {
  const sync = (seen: Observation): Observation => withSettings(seen, { cluster: { synchronousMode: 'on' } });
  const shows = (names: string, written: string): Observation => ({
    ...sync(lonely()),
    held: { ...held, ...due, byMembers: true },
    postgres: { ...primary, synchronous: { ...primary.synchronous, names, written } },
  });
  const goesBy = decide(shows('"n2"', '"n2"')).memory;
  // Another list is on its way into the server: /sync, which comes after it, does not rely on that one yet.
  const onItsWay = decide({ ...shows('"n2"', '2 ("n2","n3")'), memory: goesBy }).memory;
  const started = (memory: Observation['memory']) => {
    const decision = decide({ ...shows('', ''), postgres: cleanlyStopped, memory });
    return decision.actions.flatMap((action) =>
      action.kind === 'startJob' && action.job.kind === 'startPrimary' ? [action.job.synchronousNames] : [],
    );
  };
  assert.deepEqual(started(onItsWay), ['"n2"']);
  assert.deepEqual(started(decide({ ...shows('', ''), postgres: cleanlyStopped, memory: onItsWay }).memory), ['"n2"']);
  assert.deepEqual(started(leading.memory), [], 'an agent that begins anew');
  assert.deepEqual(started({ ...leading.memory, wentBy: { term: term(39n), names: '' } }), [], 'of a reign before');
});

test('etcd says that the key is gone, or another has it: that is no doubt, and nobody is asked', () => {
  const seen = { ...withSettings(leading, on), held: { ...held, ...due }, failsafe: lonely().failsafe };
  for (const leader of [null, leaderKey('n3')]) {
    const decision = decide(withCluster(seen, { leader }));
    assert.equal(decision.leaseRule, 'lease.lost');
    assert.ok(!decision.actions.map(({ kind }) => kind).includes('askPromises'));
  }
});

test('etcd answers reads, and renewals fail: after a while the members are asked as well', () => {
  const seen = { ...withSettings(leading, on), failsafe: lonely().failsafe };
  const overdue = { ...held, sentMs: instantMs(now - 13_500), deadlineMs: instantMs(now + 11_500) };
  assert.deepEqual(kinds({ ...seen, held: { ...held, ...due } }).slice(0, 1), ['renewLease']);
  assert.deepEqual(kinds({ ...seen, held: overdue }).slice(0, 2), ['askPromises', 'renewLease']);
});

test('a renewal without an answer has the members asked at once, where they may be', () => {
  const asks = (seen: Observation): unknown => decide(seen).actions.find(({ kind }) => kind === 'renewLease');
  const seen = { ...withSettings(leading, on), held: { ...held, ...due }, failsafe: lonely().failsafe };
  assert.deepEqual(asks(seen), { kind: 'renewLease', orAskPromises: true });
  assert.deepEqual(asks(withSettings(seen, { cluster: { failsafeMode: false } })), {
    kind: 'renewLease',
    orAskPromises: false,
  });
  assert.deepEqual(asks({ ...seen, held: { ...held, ...due, releaseInDoubt: true } }), {
    kind: 'renewLease',
    orAskPromises: false,
  });
});

test('not all promise: the primary stops in time, and says who did not', () => {
  const last = { sentMs: instantMs(now - 50), refusals: [{ member: 'n3', why: 'no answer' }] };
  const scarce = { ...held, sentMs: instantMs(now - 21_000), deadlineMs: instantMs(now + 4_000) };
  const decision = decide({ ...lonely({ last }), held: scarce });
  assert.equal(decision.rule, 'lease.runningOut');
  assert.deepEqual(
    decision.because.filter(([name]) => name === 'failsafe'),
    [['failsafe', 'no promise of n3 (no answer)']],
  );
});

test('whoever promised does not race, whatever it is named for, until the promise is over', () => {
  assert.equal(decide(bound()).rule, 'race.promised');
  const forced = { leader: null, candidate: 'n2', scheduledAt: null, problem: null, modRevision: revision(9n) };
  assert.equal(decide(withCluster(bound(), { failover: forced })).rule, 'race.promised');
  assert.equal(decide(bound({ untilMs: now })).rule, 'race.acquire');
  // Longer than that it is not kept, with the mode switched off either: what was promised counts.
  assert.equal(decide(withSettings(bound(), { cluster: { failsafeMode: false } })).rule, 'race.promised');
});

test('a promise is void when whoever it was given to says that it is no primary, asked since; or when its reign is over', () => {
  const says = (askedMs: number, more = {}, since: 'answered' | 'silent' = 'answered'): Observation => {
    const n1 = { ...peer('n1', lsn('0/5000100'), more), askedMs: instantMs(askedMs) };
    const { last } = since === 'answered' ? n1 : silent('n1');
    return { ...bound(), peers: [{ ...n1, last }, peer('n3', lsn('0/5000100'))] };
  };
  assert.equal(decide(says(now - 50)).rule, 'race.acquire');
  assert.equal(decide(says(now - 6_000)).rule, 'race.promised');
  assert.equal(
    decide(says(now - 50, {}, 'silent')).rule,
    'race.acquire',
    'that it has fallen silent takes nothing back',
  );
  assert.equal(decide(says(now - 50, { noPrimary: false })).rule, 'race.promised');
  assert.equal(decide(bound({ term: term(39n) })).rule, 'race.acquire');
  assert.equal(decide(bound({ term: null })).rule, 'race.promised');
});

test('an agent that has just begun does not know what was promised before: it waits one ttl where there is a list, or hears all', () => {
  const listed = { failsafe: { members: map, modRevision: revision(70n) } };
  const anybodyUntilMs = instantMs(now + 29_000);
  const blank = { to: null, term: null, givenMs: instantMs(now - 1_000), untilMs: anybodyUntilMs, anybodyUntilMs };
  const fresh = withCluster(bound(blank), listed);
  assert.equal(decide(fresh).rule, 'race.promised');
  const all = [peer('n1', lsn('0/5000100')), peer('n3', lsn('0/5000100'))];
  assert.equal(decide({ ...fresh, peers: all }).rule, 'race.acquire');
  assert.equal(
    decide(bound(blank)).rule,
    'race.acquire',
    'without a list, and with the mode off, nobody can have asked',
  );
});

test('who is not on the list does not lead, unless there is surely no primary', () => {
  const without = { failsafe: { members: { n1: map.n1, n3: map.n3 }, modRevision: revision(70n) } };
  const decision = decide(withCluster(vacant, without));
  assert.equal(decision.rule, 'race.notListed');
  assert.match(String(decision.because.find(([name]) => name === 'needsOperator')?.[1]), /delete the key failsafe/);
  const all = [peer('n1', lsn('0/5000100')), peer('n3', lsn('0/5000100'))];
  assert.equal(decide({ ...withCluster(vacant, without), peers: all }).rule, 'race.acquire');
});

test('how far the primary without etcd had written counts for the lag limit', () => {
  const far = bound({ untilMs: now, lsn: lsn('0/6000100') });
  assert.equal(decide({ ...far, peers: [silent('n1')] }).rule, 'race.notEligible');
});

test('a standby that went down meanwhile streams from whom it promised; what was a primary is compared first', () => {
  const stopped = {
    kind: 'stopped',
    standbySignal: true,
    backupLabel: false,
    orphans: [],
    crashed: false,
    control: { ...standby.control, state: 'shut down in recovery' },
  } as const;
  const upstreamOf = (seen: Observation) => {
    const job = decide(seen).actions.find((action) => action.kind === 'startJob');
    return job?.kind === 'startJob' && job.job.kind === 'startStandby' ? job.job.upstream : 'no start';
  };
  assert.deepEqual(upstreamOf({ ...bound(), postgres: stopped }), {
    member: 'n1',
    host: 'n1',
    port: 5432,
    slot: 'n2',
  });
  assert.equal(upstreamOf({ ...bound({ untilMs: now }), postgres: stopped }), null);
  const former = { ...stopped, standbySignal: false, control: { ...primary.control, state: 'shut down' } } as const;
  assert.equal(upstreamOf({ ...bound(), postgres: former }), null);
});

test('the leader keeps the list: all members with an address; switched off, it goes', () => {
  const writes = (seen: Observation) => decide(seen).upkeep.filter(({ kind }) => kind === 'writeFailsafe');
  const seen = withSettings(leading, on);
  const write = { kind: 'writeFailsafe', members: map, seenModRevision: null, term: held.term };
  assert.deepEqual(writes(seen), [write]);
  const listed = withCluster(seen, { failsafe: { members: map, modRevision: revision(70n) } });
  assert.deepEqual(writes({ ...listed, failsafe: { ...listed.failsafe, map } }), []);
  // Nothing is known of what the agent before this one began to write.
  assert.deepEqual(writes(listed), [{ ...write, seenModRevision: revision(70n) }]);
  const off = withSettings({ ...listed, failsafe: { ...listed.failsafe, map } }, { cluster: { failsafeMode: false } });
  assert.deepEqual(writes(off), [{ ...write, members: null, seenModRevision: revision(70n) }]);
  const garbage = withCluster(seen, { garbage: [{ key: '/service/demo/failsafe', why: 'no JSON object' }] });
  assert.deepEqual(writes(garbage), [{ ...write, seenModRevision: 'any' }]);
  const untold = withCluster(seen, { members: [member('n1', { apiUrl: null }), member('n2')] });
  assert.deepEqual(writes(untold), [], 'a list without the leader would be of no use');
  assert.deepEqual(writes(withSettings(following, on)), []);
});

const ask: PromiseAsk = {
  name: 'n1',
  at: null,
  slots: {},
  term: term(40n),
  ttlMs: 30_000,
  lsn: null,
  asks: 'n2',
  tries: [],
};

test('who may promise', () => {
  const seen = withSettings(following, on);
  const status = (of: Observation | null, more: Partial<PromiseAsk> = {}, leads = false): number | null =>
    whyNoPromise({ seen: of, leads, longestTtlMs: 40_000 }, { ...ask, ...more })?.status ?? null;
  assert.equal(status(seen), null);
  assert.equal(status(withSettings(bound(), on)), null);
  assert.equal(status(unreachable(seen)), null);
  assert.equal(status(null), 503);
  assert.equal(status(following), 502);
  assert.equal(status(seen, {}, true), 500, 'it has a lease, or asks for the key in this moment');
  assert.equal(status({ ...seen, postgres: primary }), 500);
  assert.equal(status({ ...seen, jobs: after(seen, { kind: 'bootstrap' }).jobs }), null);
  assert.equal(status(seen, { name: 'n2' }), 400);
  assert.equal(status(seen, { ttlMs: 80_001 }), 400, 'longer than anybody who has a right to ask could need');
  assert.equal(status(seen, { ttlMs: 80_000 }), null, 'by a ttl that was lowered since');
  assert.equal(status(seen, { asks: 'n3' }), 400, 'an address that leads to another member');
  assert.equal(status(seen, { asks: null }), null, 'a Patroni does not say');
  assert.equal(status(seen, { name: 'n3' }), 409, 'n1 holds the key');
  assert.equal(status(seen, { term: term(39n) }), 409, 'of a reign that is over');
  assert.equal(status(unreachable(seen), { term: term(39n) }), 409);
  assert.equal(status(seen, { term: null }), null, 'a Patroni tells no term');
  const toAnother = withSettings(unreachable({ ...bound({ to: 'n3' }), peers: [] }), on);
  assert.equal(status(toAnother), 409, 'n3 was promised its place, in the same reign');
  assert.equal(status(toAnother, { term: null }), 409);
  assert.equal(status(toAnother, { term: term(41n) }), null, 'a later reign ends that');
  assert.equal(status({ ...toAnother, nowMs: promised.untilMs }), null);
  assert.equal(status(withSettings(bound({ untilMs: now, term: term(41n) }), on)), null, 'a promise that is over');
  // The key went to n1 once more as etcd went, and n1 has not heard of that.
  const tries = [leaderKey('n1').lease ?? leaseId(0n)];
  assert.equal(status(seen, { term: term(39n), tries }), null);
  assert.equal(status(seen, { term: term(39n), tries: [leaseId(99n)] }), 409);
  assert.equal(status(seen, { name: 'n3', term: term(39n), tries }), 409);
  assert.equal(promisedTerm(seen, { ...ask, term: term(39n), tries }), leaderKey('n1').term, 'not void at once');
  assert.equal(promisedTerm(seen, { ...ask, term: term(39n), tries: [leaseId(99n)] }), term(39n));
  const later = { ...vacant.failsafe, promised: { ...promised, term: term(41n) } };
  assert.equal(status(withSettings({ ...vacant, failsafe: later }, on)), 409, 'another asked since');
});

test('a new cluster has the mode on, by name; one that says no, or has a configuration, keeps its own', () => {
  const texts = (seen: Observation) =>
    decide(seen).upkeep.flatMap((action) => (action.kind === 'writeConfig' ? [JSON.parse(action.text)] : []));
  const born = withCluster({ ...leading, settings: { ...leading.settings, dynamicText: null } }, { config: null });
  assert.deepEqual(texts(born), [{ failsafe_mode: true, ttl: 30 }]);
  const { local } = born.settings;
  const bootstrap = { ...(local.bootstrap ?? { initdb: [], pgHba: [], postInit: null, users: [] }) };
  const says = { ...local, bootstrap: { ...bootstrap, dcs: { failsafe_mode: false } } };
  assert.deepEqual(texts({ ...born, settings: { ...born.settings, local: says } }), [{ failsafe_mode: false }]);
  assert.deepEqual(texts(leading), []);
});

test('rehearsed: without etcd the primary goes on, or not when one of those it must ask is gone, too', () => {
  const listed = withCluster(withSettings(leading, on), {
    failsafe: { members: map, modRevision: revision(70n) },
    leader: { ...leaderKey('n1'), lease: leaseId(7n) },
  });
  const seen = {
    ...listed,
    failsafe: { ...listed.failsafe, map },
    peers: [peer('n2', lsn('0/5000100')), peer('n3', lsn('0/5000100'))],
  };
  const outcome = (without: readonly string[], of: Observation = seen) => {
    const told = rehearse(of, { without, marginMs: 5_000, past: noPast });
    return 'outcome' in told ? told.outcome.kind : null;
  };
  assert.equal(outcome(['etcd']), 'goesOn');
  assert.equal(outcome(['etcd', 'n3']), 'stops');
  assert.equal(outcome(['etcd'], { ...seen, peers: [peer('n2', lsn('0/5000100')), silent('n3')] }), 'stops');
  assert.equal(outcome(['etcd'], withSettings(seen, { cluster: { failsafeMode: false } })), 'stops');
  assert.ok(cluster.members.length === 3);
});
