import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Observation } from '../../src/model/observation.ts';
import { instantMs, lsn, revision, timeline } from '../../src/model/units.ts';
import { jobOf, kinds } from './read.ts';
import {
  cluster,
  following,
  held,
  leading,
  member,
  peer,
  primary,
  silent,
  standby,
  vacant,
  withCluster,
  withSettings,
  won,
} from './values.ts';

/** Nobody leads: who may, who goes first, and what the winner begins. */
test('the lease of the dead leader ended: the most advanced standby asks for the key at once', () => {
  const decision = decide(vacant);
  assert.equal(decision.rule, 'race.acquire');
  assert.deepEqual(decision.actions, [
    { kind: 'acquireLeaderKey', seenRevision: cluster.revision, announce: timeline(6) },
  ]);
});

test('a key that went while its lease lives says nothing about its holder', () => {
  assert.ok(vacant.dcs.kind === 'reachable' && vacant.dcs.vacancy !== null);
  const deleted: Observation = {
    ...vacant,
    dcs: {
      ...vacant.dcs,
      vacancy: { ...vacant.dcs.vacancy, lease: { kind: 'alive', leftMs: 20_000, askedMs: vacant.nowMs } },
    },
  };
  assert.equal(decide(deleted).rule, 'race.leaseAlive');
  // The holder answers that it is no primary: nothing more to wait for.
  const confessed: Observation = { ...deleted, peers: [peer('n1', lsn('0/5000100')), peer('n3', lsn('0/5000100'))] };
  assert.equal(decide(confessed).rule, 'race.acquire');
  const released: Observation = {
    ...deleted,
    dcs: {
      ...vacant.dcs,
      vacancy: {
        ...vacant.dcs.vacancy,
        released: true,
        lease: { kind: 'alive', leftMs: 20_000, askedMs: vacant.nowMs },
      },
    },
  };
  assert.equal(decide(released).rule, 'race.acquire');
});

test('a reachable living primary always vetoes, whatever its tags [lesson 9]', () => {
  const seen = {
    ...vacant,
    peers: [
      peer('n1', lsn('0/5000100'), { runsAsPrimary: true, role: 'primary', nofailover: true }),
      peer('n3', lsn('0/5000100')),
    ],
  };
  assert.equal(decide(seen).rule, 'race.livingPrimary');
  // Asked again it has its veto; it is over when no answer comes.
  const waiting = { kind: 'waiting', sinceMs: vacant.nowMs } as const;
  const [first, ...others] = seen.peers;
  assert.ok(first !== undefined);
  assert.equal(decide({ ...seen, peers: [{ ...first, last: waiting }, ...others] }).rule, 'race.livingPrimary');
  const gone = { ...first, last: { kind: 'silent', atMs: vacant.nowMs, why: 'no answer' } as const };
  assert.equal(decide({ ...seen, peers: [gone, ...others] }).rule, 'race.acquire');
});

/** The same vacancy, begun so long ago. */
const vacantFor = (ms: number): Observation => {
  assert.ok(vacant.dcs.kind === 'reachable' && vacant.dcs.vacancy !== null);
  const vacancy = { ...vacant.dcs.vacancy, sinceMs: instantMs(vacant.nowMs - ms) };
  return { ...vacant, dcs: { ...vacant.dcs, vacancy } };
};

test('a standby behind another waits for it, for a bounded time', () => {
  const seen = { ...vacantFor(6_000), peers: [silent('n1'), peer('n3', lsn('0/5000200'))] };
  const first = decide(seen);
  assert.equal(first.rule, 'race.peerAhead');
  const later = {
    ...seen,
    memory: { ...first.memory, turns: [{ member: 'n3', sinceMs: instantMs(seen.nowMs - 5_001) }] },
  };
  assert.equal(decide(later).rule, 'race.acquire');
  const anew = { ...later, dcs: vacant.dcs };
  assert.equal(decide(anew).rule, 'race.peerAhead', 'somebody led meanwhile: it has its turn again');
});

test('a member that answers while its server starts is waited for, once and for a bounded time', () => {
  const starting = peer('n3', null, { state: 'starting' });
  const first = decide({ ...vacantFor(6_000), peers: [silent('n1'), starting] });
  assert.equal(first.rule, 'race.peerStarting');
  const begun = instantMs(vacant.nowMs - 5_001);
  const seen = { ...vacantFor(6_000), memory: { ...first.memory, startingSinceMs: begun } };
  assert.equal(decide({ ...seen, peers: [silent('n1'), starting] }).rule, 'race.acquire');
  const down = { ...seen, memory: { ...first.memory, startingSinceMs: instantMs(vacant.nowMs - 1_001) } };
  const broken = [silent('n1'), peer('n3', null, { state: 'stopped' })];
  assert.equal(decide({ ...vacantFor(6_000), peers: broken }).rule, 'race.peerStarting', 'it may be started next');
  assert.equal(decide({ ...down, peers: broken }).rule, 'race.acquire', 'or it is down for days');
  const up = peer('n3', lsn('0/5000200'));
  assert.equal(decide({ ...seen, peers: [silent('n1'), up] }).rule, 'race.peerAhead', 'and then has its turn');
});

test('a peer last known ahead that does not answer gets the short grace only', () => {
  const seen = withCluster(
    { ...vacantFor(6_000), peers: [silent('n1'), silent('n3')] },
    { members: [member('n2'), member('n3', { xlogLocation: lsn('0/5000200') })] },
  );
  assert.equal(decide(seen).rule, 'race.peerAhead');
  const later = {
    ...seen,
    memory: { ...seen.memory, turns: [{ member: 'n3', sinceMs: instantMs(seen.nowMs - 1_001) }] },
  };
  assert.equal(decide(later).rule, 'race.acquire');
});

test('the dead leader being furthest ahead costs nothing', () => {
  const seen = withCluster(vacant, {
    members: [member('n1', { role: 'primary', xlogLocation: lsn('0/5000900') }), member('n2'), member('n3')],
  });
  assert.equal(decide(seen).rule, 'race.acquire');
});

test('too far behind, nofailover, or without a guard: not eligible, and says why', () => {
  const lagging = withCluster(vacant, {
    status: { optime: lsn('0/6000100'), slots: {}, retainSlots: [], modRevision: revision(1n) },
  });
  assert.equal(
    decide(withSettings(lagging, { cluster: { maximumLagBytesOnFailover: 1_000 } })).rule,
    'race.notEligible',
  );
  assert.equal(decide(withSettings(vacant, { tags: { nofailover: true } })).rule, 'race.notEligible');
  assert.equal(decide({ ...vacant, guard: { kind: 'absent', why: 'it does not start' } }).rule, 'race.notEligible');
});

test('at equal position the higher failover_priority goes first, unless it is the former leader [lesson 34]', () => {
  assert.equal(
    decide({ ...vacant, peers: [peer('n3', lsn('0/5000100'), { failoverPriority: 2 })] }).rule,
    'race.peerAhead',
  );
  assert.equal(
    decide({ ...vacant, peers: [peer('n1', lsn('0/5000100'), { failoverPriority: 2 }), peer('n3', lsn('0/5000100'))] })
      .rule,
    'race.acquire',
  );
});

test('an agent that never saw a leader asks everyone, or waits a ttl', () => {
  assert.ok(vacant.dcs.kind === 'reachable');
  const fresh: Observation = {
    ...vacant,
    dcs: { ...vacant.dcs, vacancy: null },
    startedMs: instantMs(vacant.nowMs - 500),
    peers: [silent('n3')],
  };
  assert.equal(decide(fresh).rule, 'race.unknownPast');
  assert.equal(decide({ ...fresh, peers: [peer('n3', lsn('0/5000100'))] }).rule, 'race.acquire');
  const begins = peer('n3', null, { state: 'starting', noPrimary: false });
  assert.equal(decide({ ...fresh, peers: [begins] }).rule, 'race.unknownPast', 'it does not know yet');
  assert.equal(decide({ ...fresh, startedMs: instantMs(fresh.nowMs - 30_001) }).rule, 'race.acquire');
});

test('who had no etcd saw no leader: time counts since etcd answers, and so do the words of the others', () => {
  assert.ok(vacant.dcs.kind === 'reachable');
  const n3 = peer('n3', lsn('0/5000100'));
  const back: Observation = {
    ...vacant,
    dcs: { ...vacant.dcs, vacancy: null, sinceMs: instantMs(vacant.nowMs - 200) },
    startedMs: instantMs(vacant.nowMs - 600_000),
    peers: [n3],
  };
  assert.equal(decide(back).rule, 'race.acquire', 'n3 was asked after etcd came back');
  assert.equal(decide({ ...back, peers: [silent('n3')] }).rule, 'race.unknownPast');
  const before = { ...n3, askedMs: instantMs(vacant.nowMs - 300) };
  assert.equal(decide({ ...back, peers: [before] }).rule, 'race.unknownPast', 'what it said before does not count');
});

test('a promotion keeps off the timelines that others have begun, and off no garbage', () => {
  const takenBy = (seen: Observation) => {
    const job = jobOf(seen);
    return job?.kind === 'promote' ? job.taken : undefined;
  };
  assert.equal(takenBy(won), standby.timeline);
  const begun = withCluster(won, { members: [member('n2', { timeline: timeline(standby.timeline + 2) })] });
  assert.equal(takenBy(begun), standby.timeline + 2);
  const told = (modRevision: bigint) =>
    withCluster(won, { announced: { timeline: timeline(standby.timeline + 3), modRevision: revision(modRevision) } });
  assert.equal(takenBy(told(1n)), standby.timeline + 3);
  assert.equal(takenBy(told(held.term)), standby.timeline + 2, 'what was told with my key is mine to begin');
  const forgotten = { ...won.memory, forgottenTimeline: timeline(standby.timeline + 4) };
  assert.equal(takenBy({ ...won, memory: forgotten }), standby.timeline + 4, 'what is not on the disk any more');
  const garbage = withCluster(won, { members: [member('n2', { timeline: timeline(1e9) })] });
  assert.equal(takenBy(garbage), standby.timeline);
});

test('promotion needs the key, an armed guard, and lease for itself and for a stop after it', () => {
  assert.equal(jobOf(won)?.kind, 'promote');
  assert.equal(jobOf({ ...won, guard: following.guard }), undefined);
  assert.equal(jobOf({ ...won, held: { ...held, deadlineMs: instantMs(won.nowMs + 6_000) } }), undefined);
  assert.equal(jobOf({ ...won, held: null }), undefined);
});

test('/history tells of a timeline that kept off others, and of a position on those that leads nowhere', () => {
  const ends = [{ timeline: timeline(2), end: lsn('0/4000000'), reason: 'no recovery target specified' }];
  const seen: Observation = { ...leading, postgres: { ...primary, timeline: timeline(5) }, localHistory: ends };
  const written = decide(seen).upkeep.find(({ kind }) => kind === 'writeHistory');
  assert.ok(written?.kind === 'writeHistory');
  assert.deepEqual(
    written.lines.map((line) => [line.timeline, line.end]),
    [
      [2, lsn('0/4000000')],
      [4, 0n],
    ],
  );
  const history = { lines: written.lines, modRevision: revision(90n) };
  for (const mine of [3, 4]) {
    const left = withCluster(
      { ...vacant, postgres: { ...standby, timeline: timeline(mine), receivedLsn: lsn('0/3000000') } },
      { history, clusterTimeline: timeline(5), status: null },
    );
    assert.equal(decide(left).rule, 'race.notEligible', `on timeline ${mine}`);
  }
});

test('of those ahead the one that answers counts, however many silent ones were waited for', () => {
  const seen = withCluster(vacantFor(6_000), { members: [member('n1'), member('n2'), member('n3'), member('n4')] });
  const ahead = lsn('0/5000200');
  const both: Observation = {
    ...seen,
    peers: [{ ...silent('n3'), said: peer('n3', ahead).said }, peer('n4', ahead)],
    memory: { ...seen.memory, turns: [{ member: 'n3', sinceMs: instantMs(seen.nowMs - 1_500) }] },
  };
  assert.equal(decide(both).rule, 'race.peerAhead');
  assert.ok(decide(both).because.some(([name, value]) => name === 'peer' && value === 'n4'));
  const alone = withCluster({ ...both, peers: both.peers.slice(0, 1) }, { members: [member('n2'), member('n3')] });
  assert.equal(decide(alone).rule, 'race.acquire');
});

test('a question of history that nobody answers does not hold up the race: its leader is gone', () => {
  const from = { member: 'n1', host: 'n1', port: 5432, slot: null };
  const job = { kind: 'checkDivergence', from, leaderTimeline: null } as const;
  const busy = { kind: 'busy', job, sinceMs: vacant.nowMs, progress: null, cancelling: false, last: null } as const;
  assert.deepEqual(kinds({ ...vacant, jobs: busy }), ['cancelJob']);
  assert.deepEqual(kinds({ ...vacant, jobs: { ...busy, cancelling: true } }), [], 'once');
  assert.deepEqual(kinds({ ...following, jobs: busy }), [], 'it leads');
});

test('the last primary was left without a guard: only its own word, or that of people, opens the race', () => {
  const left = withCluster(vacant, { unfenced: 'n1' });
  assert.equal(decide(left).rule, 'race.unfenced');
  assert.deepEqual(kinds(left), ['askPeers']);
  const peers = (n1: Parameters<typeof peer>[2], askedMs = vacant.nowMs) => [
    { ...peer('n1', lsn('0/5000100'), n1), askedMs },
    peer('n3', lsn('0/5000100')),
  ];
  assert.equal(decide({ ...left, peers: peers({ noPrimary: false }) }).rule, 'race.unfenced');
  const before = instantMs(vacant.nowMs - 60_000);
  assert.equal(decide({ ...left, peers: peers({ noPrimary: true }, before) }).rule, 'race.unfenced', 'said before');
  assert.deepEqual(kinds({ ...left, peers: peers({ noPrimary: true }) }), ['acquireLeaderKey']);
  assert.deepEqual(kinds(withCluster(left, { unfenced: 'n2' })), ['acquireLeaderKey'], 'I know of myself');
  const request = (leader: string | null) =>
    withCluster(left, {
      failover: { leader, candidate: 'n2', scheduledAt: null, problem: null, modRevision: revision(9n) },
    });
  assert.notEqual(decide(request(null)).rule, 'race.unfenced', 'a failover that people ask for');
  assert.equal(decide(request('n1')).rule, 'race.unfenced', 'a switchover needs the old leader');
});

test('who is named in a switchover, and left the way of the cluster, is not excused from the check of its history', () => {
  const failover = { leader: 'n1', candidate: 'n2', scheduledAt: null, problem: null, modRevision: revision(9n) };
  const line = { timeline: timeline(5), end: lsn('0/5000000'), reason: '', at: null, newLeader: null };
  const history = { lines: [line], modRevision: revision(8n) };
  const left = withCluster(vacant, { failover, history, clusterTimeline: timeline(6) });
  assert.equal(decide(withCluster(vacant, { failover })).rule, 'race.acquire');
  assert.equal(decide(left).rule, 'race.notEligible');
  // An operator who names it without a leader decides.
  assert.equal(decide(withCluster(left, { failover: { ...failover, leader: null } })).rule, 'race.acquire');
});

test('who gave the key away and is named now does not stand back', () => {
  const gave = { ...vacant, memory: { ...vacant.memory, noRaceBeforeMs: instantMs(vacant.nowMs + 5_000) } };
  assert.equal(decide(gave).rule, 'race.gaveAway');
  const failover = { leader: null, candidate: 'n2', scheduledAt: null, problem: null, modRevision: revision(9n) };
  assert.equal(decide(withCluster(gave, { failover })).rule, 'race.acquire');
});

/** n2 behind n3, and n3 behind n4; both answer. */
function behindTwo(turns: Observation['memory']['turns'] = []): Observation {
  const seen = withCluster(vacantFor(30_000), { members: ['n1', 'n2', 'n3', 'n4'].map((name) => member(name)) });
  const peers = [silent('n1'), peer('n3', lsn('0/5000200')), peer('n4', lsn('0/5000300'), { etcdAwayMs: 12_345 })];
  return { ...seen, peers, memory: { ...seen.memory, turns } };
}
const factIn = (seen: Observation, name: string): unknown => decide(seen).because.find(([fact]) => fact === name)?.[1];

test('each that is ahead has one turn in a vacancy, the furthest first: whoever takes nothing makes way for the next', () => {
  const ago = (ms: number) => instantMs(vacant.nowMs - ms);
  const first = behindTwo();
  assert.equal(decide(first).rule, 'race.peerAhead');
  assert.equal(factIn(first, 'peer'), 'n4');
  assert.match(String(factIn(first, 'itSays')), /its etcd has not answered for 12.3 s/);
  const begun = [{ member: 'n4', sinceMs: ago(5_001) }];
  const second = behindTwo(begun);
  assert.equal(factIn(second, 'peer'), 'n3', 'it is better than this node, and had no turn');
  assert.deepEqual(decide(second).memory.turns, [...begun, { member: 'n3', sinceMs: vacant.nowMs }]);
  const both = [
    { member: 'n4', sinceMs: ago(10_002) },
    { member: 'n3', sinceMs: ago(5_001) },
  ];
  assert.equal(decide(behindTwo(both)).rule, 'race.acquire');
  const told = String(factIn(behindTwo(both), 'passedOver'));
  assert.equal(told, 'n4 at 0/5000300, its etcd has not answered for 12.3 s; n3 at 0/5000200');
});

test('who comes and goes has no second turn: all turns of a vacancy are bounded together', () => {
  const begun = [{ member: 'n3', sinceMs: instantMs(vacant.nowMs - 5_001) }];
  const seen = behindTwo([...begun, { member: 'n4', sinceMs: instantMs(vacant.nowMs - 5_001) }]);
  const flaps = { ...seen, peers: [silent('n1'), peer('n3', lsn('0/5000200')), silent('n4')] };
  assert.equal(decide(flaps).rule, 'race.acquire');
  assert.equal(decide({ ...flaps, peers: seen.peers }).rule, 'race.acquire');
});

test('whoever was named and did not take the key is told, too', () => {
  const failover = {
    leader: 'n1',
    candidate: 'n3',
    scheduledAt: null,
    modRevision: revision(88n),
    problem: null,
  };
  const seen = withCluster(vacantFor(6_000), { failover });
  assert.equal(decide(seen).rule, 'race.acquire');
  assert.equal(factIn(seen, 'passedOver'), 'n3');
});

test('a candidate whose etcd is away takes no key: the primary is not stopped for it', () => {
  const failover = { leader: 'n1', candidate: 'n3', scheduledAt: null, modRevision: revision(88n), problem: null };
  const asked = withCluster(
    { ...leading, peers: [peer('n2', lsn('0/5000100')), peer('n3', lsn('0/5000100'))] },
    { failover },
  );
  assert.equal(
    decide(asked).actions.some(({ kind }) => kind === 'startJob'),
    true,
  );
  const cut = { ...asked, peers: [peer('n2', lsn('0/5000100')), peer('n3', lsn('0/5000100'), { etcdAwayMs: 3_000 })] };
  const refused = decide(cut);
  assert.deepEqual(kinds(cut), ['clearFailover']);
  assert.ok(refused.because.some(([name, value]) => name === 'n3' && /its etcd/.test(String(value))));
});
