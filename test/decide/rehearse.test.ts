import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rehearse, withoutLeader } from '../../src/decide/rehearse/rehearse.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { Sender } from '../../src/model/postgres.ts';
import { noPast } from '../../src/model/rehearsal.ts';
import { lsn } from '../../src/model/units.ts';
import { byStandby, healthy, here, play, question, rulesAgainst, standing } from './rehearsing.ts';
import {
  cleanlyStopped,
  leading,
  member,
  peer,
  primary,
  silent,
  unreachable,
  vacant,
  withCluster,
  withSettings,
} from './values.ts';

test('two standbys as far as each other: either may win, nothing is at risk, the lease is most of the time', () => {
  const answer = play(healthy);
  assert.deepEqual(answer.outcome, { kind: 'takesOver', winner: 'n2', equals: ['n3'] });
  assert.deepEqual(answer.risk, { bytes: 0n, oneLook: true, statusAgeMs: null });
  assert.equal(standing(answer, 'n3')?.verdict, 'couldTakeOver');
  const [lease, race, promotion] = answer.phases;
  assert.deepEqual(lease?.span, { leastMs: 20_000, typicalMs: 25_250, mostMs: 33_500 });
  assert.ok((race?.span?.mostMs ?? Number.POSITIVE_INFINITY) < 100);
  assert.equal(promotion?.span, null);
  assert.equal(answer.members.length, 2, 'who is gone has no standing');
});

test('every member gives the same answer, whoever is asked', () => {
  assert.deepEqual(play(byStandby).outcome, play(healthy).outcome);
});

test('the promotion takes what promotions took', () => {
  const { phases } = play(healthy, ['n1'], { past: { ...noPast, promotionsMs: [900, 300, 400] } });
  assert.deepEqual(phases.at(-1)?.span, { leastMs: 300, typicalMs: 400, mostMs: 900 });
});

test('lease, race and the way of the clients take what they took before; a lease only as far as the ttl was the same', () => {
  const past = {
    promotionsMs: [300],
    leasesMs: [5_000, 22_000, 21_000, 90_000],
    racesMs: [700, 20],
    routesMs: [1_500],
  };
  const { phases } = play(healthy, ['n1'], { past });
  const [lease, race, promotion, routed] = phases;
  assert.deepEqual(lease?.span, { leastMs: 20_000, typicalMs: 22_000, mostMs: 33_500 });
  const played = play(healthy).phases[1]?.span?.typicalMs ?? Number.NaN;
  assert.deepEqual(race?.span, { leastMs: Math.min(20, played), typicalMs: 700, mostMs: 700 });
  assert.deepEqual(promotion?.span, { leastMs: 300, typicalMs: 300, mostMs: 300 });
  assert.deepEqual([routed?.phase, routed?.span?.typicalMs], ['routed', 1_500]);
  assert.deepEqual(
    play(healthy).phases.map(({ phase }) => phase),
    ['lease', 'race', 'promotion'],
    'without a probe nobody knows when clients are served',
  );
});

test('who is further wins, and the other waits for it', () => {
  const answer = play({ ...healthy, peers: [peer('n2', lsn('0/5000080')), peer('n3', here)] });
  assert.deepEqual(answer.outcome, { kind: 'takesOver', winner: 'n3', equals: [] });
  assert.equal(standing(answer, 'n2')?.verdict, 'goesLater');
  assert.deepEqual(rulesAgainst(answer, 'n2'), ['race.peerAhead']);
  assert.equal(standing(answer, 'n2')?.behindBytes, 0x80n);
});

test('what the leader sees of a stream counts when it is newer than what the member said', () => {
  const sender = { applicationName: 'n2', flushLsn: here } as Sender;
  const seen = { ...healthy, postgres: { ...primary, senders: [sender] }, peers: [peer('n2', lsn('0/4000000'))] };
  assert.deepEqual(play(seen).risk, { bytes: 0n, oneLook: true, statusAgeMs: null });
});

test('everything the winner lacks is at risk', () => {
  const seen = { ...healthy, peers: [peer('n2', lsn('0/5000000')), peer('n3', lsn('0/5000040'))] };
  assert.deepEqual(play(seen).risk, { bytes: 0xc0n, oneLook: true, statusAgeMs: null });
});

test('nobody: each standby has its own reason, told by the rules', () => {
  const far = lsn('0/4000000');
  const answer = play({ ...healthy, peers: [peer('n2', far), peer('n3', here, { nofailover: true })] });
  assert.equal(answer.outcome.kind, 'nobody');
  assert.deepEqual(
    answer.members.map(({ name, verdict }) => [name, verdict]),
    [
      ['n2', 'mayNot'],
      ['n3', 'mayNot'],
    ],
  );
  assert.equal(rulesAgainst(answer, 'n2')?.[0], 'race.notEligible');
  const facts = standing(answer, 'n2')?.objections[0]?.because ?? [];
  assert.ok(facts.some(([fact]) => fact === 'lagBytes'));
  assert.deepEqual(standing(answer, 'n3')?.objections[0]?.because, [['nofailover', true]]);
  assert.ok(standing(answer, 'n2')?.passed.includes('race.paused'));
});

test('nobody: pause, a primary beside the leader, one left without a guard', () => {
  const why = (seen: Observation): unknown => {
    const answer = play(seen);
    return [answer.outcome.kind, answer.members.map(({ objections }) => objections[0]?.rule)];
  };
  const [n2, n3] = [peer('n2', here), peer('n3', here)];
  assert.deepEqual(why(withSettings(healthy, { cluster: { pause: true } })), [
    'nobody',
    ['race.paused', 'race.paused'],
  ]);
  const twoPrimaries = { ...healthy, peers: [n2, { ...peer('n3', here, { runsAsPrimary: true }) }] };
  assert.deepEqual(why(twoPrimaries), ['nobody', ['race.livingPrimary', null]]);
  assert.deepEqual(why(withCluster({ ...healthy, peers: [n2, n3] }, { unfenced: 'n1' })), [
    'nobody',
    ['race.unfenced', 'race.unfenced'],
  ]);
});

test('nobody: the others are dead, down, or not asked yet', () => {
  const answer = play({ ...healthy, peers: [silent('n2'), peer('n3', here, { state: 'starting' })] });
  assert.equal(answer.outcome.kind, 'nobody');
  assert.equal(standing(answer, 'n2')?.verdict, 'unknown');
  assert.equal(standing(answer, 'n2')?.objections[0]?.reason, 'its agent: no answer');
  assert.equal(standing(answer, 'n3')?.objections[0]?.reason, 'its PostgreSQL is starting');
  const alone = play(withCluster({ ...healthy, peers: [] }, { members: [member('n1')] }));
  assert.deepEqual(alone.outcome, { kind: 'nobody', why: 'no other member is left' });
});

test('a silent standby that was ahead is waited for, and no longer than its grace', () => {
  const gone = { ...peer('n3', lsn('0/5000200')), last: { kind: 'silent', atMs: leading.nowMs, why: 'x' } } as const;
  const answer = play({ ...healthy, peers: [peer('n2', here), gone] });
  assert.deepEqual(answer.outcome, { kind: 'takesOver', winner: 'n2', equals: [] });
  const tookMs = answer.phases[1]?.span?.mostMs ?? 0;
  assert.ok(tookMs >= leading.settings.cluster.aheadGraceMs && tookMs < 2_000, `${tookMs} ms`);
});

test('without a standby its leader leads on, and what would come next is told', () => {
  const answer = play(healthy, ['n2']);
  assert.equal(answer.outcome.kind, 'leadsOn');
  const next = answer.outcome.kind === 'leadsOn' ? answer.outcome.next : null;
  assert.deepEqual(next?.outcome, { kind: 'takesOver', winner: 'n3', equals: [] });
});

test('nobody leads already: the race as it stands, and no lease to wait for', () => {
  const answer = play(vacant, []);
  assert.deepEqual(answer.outcome, { kind: 'takesOver', winner: 'n2', equals: ['n3'] });
  assert.deepEqual(
    answer.phases.map(({ phase }) => phase),
    ['race', 'promotion'],
  );
  const alive = { ...vacant, peers: [silent('n1'), peer('n3', here)] };
  assert.ok(alive.dcs.kind === 'reachable' && alive.dcs.vacancy !== null);
  const lease = { kind: 'alive', leftMs: 9_000, askedMs: vacant.nowMs } as const;
  const dcs = { ...alive.dcs, vacancy: { ...alive.dcs.vacancy, lease } };
  const took = play({ ...alive, dcs }, []).phases[0]?.span?.mostMs ?? 0;
  assert.ok(took >= 9_000 && took < 11_000, `waits for the lease: ${took} ms`);
});

test('without etcd the leader stops before its lease ends, and nobody is promoted', () => {
  for (const seen of [healthy, byStandby]) {
    const answer = play(seen, ['etcd']);
    assert.equal(answer.outcome.kind, 'stops');
    const span = answer.phases[0]?.span;
    assert.ok(span != null && span.mostMs >= 19_000 && span.mostMs <= 20_000, JSON.stringify(span));
    assert.equal(span.mostMs - span.leastMs, 10_000, 'etcd may go at any moment between two renewals');
    assert.deepEqual(rulesAgainst(answer, 'n3'), ['standby.etcdAway']);
  }
  assert.equal(play(healthy, ['etcd', 'n1']).outcome.kind, 'nobody');
  const paused = play(withSettings(healthy, { cluster: { pause: true } }), ['etcd']);
  assert.equal(paused.outcome.kind, 'goesOn');
  assert.equal(play(unreachable(healthy), ['n1']).outcome.kind, 'nobody', 'etcd is gone already');
});

test('who is named must be there; a tag names all that have it', () => {
  assert.deepEqual(rehearse(healthy, { ...question, without: ['n1', 'n9', 'zone=b'] }), {
    kind: 'unknownNames',
    names: ['n9', 'zone=b'],
    members: ['n1', 'n2', 'n3'],
  });
  const zoned = withCluster(healthy, {
    members: [member('n1', { tags: { zone: 'a' } }), member('n2', { tags: { zone: 'a' } }), member('n3')],
  });
  const answer = play(zoned, ['zone=a']);
  assert.deepEqual(answer.without, ['n1', 'n2']);
  assert.deepEqual(answer.outcome, { kind: 'takesOver', winner: 'n3', equals: [] });
});

test('the question of every moment is who follows the leader', () => {
  assert.deepEqual(withoutLeader(healthy), ['n1']);
  assert.deepEqual(withoutLeader(vacant), []);
});

test('a node of its own is judged by all that it knows: its data, its jobs, its guard', () => {
  const down = play({ ...byStandby, postgres: cleanlyStopped });
  assert.equal(standing(down, 'n2')?.objections[0]?.reason, 'its PostgreSQL is stopped');
  const unguarded = play({ ...byStandby, guard: { kind: 'absent', why: 'no guardian' } });
  assert.deepEqual(standing(unguarded, 'n2')?.objections[0]?.because, [['guard', 'absent']]);
});
