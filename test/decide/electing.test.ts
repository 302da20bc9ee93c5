import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import { hasWithdrawn } from '../../src/decide/synchronous/withdrawal.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import type { Decision } from '../../src/model/decision.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { PeerReport } from '../../src/model/peers.ts';
import { instantMs, type Lsn, lsn, revision, timeline } from '../../src/model/units.ts';
import { following, leading, peer, silent, vacant, withCluster, withSettings } from './values.ts';

/** Nobody leads, in synchronous mode: who may. I am n2; n1 led, and this vacancy is 100 ms old. */

const level = lsn('0/5000100');
const further = lsn('0/6000000');
const answers = (name: string, position: Lsn, more: Parameters<typeof peer>[2] = {}): PeerReport => ({
  ...peer(name, position, more),
  askedMs: instantMs(vacant.nowMs - 10),
});

interface Situation {
  readonly mode: 'on' | 'quorum';
  readonly members: readonly string[];
  readonly quorum?: number;
  readonly peers: readonly PeerReport[];
  readonly cluster?: Partial<Cluster>;
}
function ruleIn({ mode, members, quorum = 0, peers, cluster = {} }: Situation, released = false): string {
  const sync = { leader: 'n1', members, quorum, modRevision: revision(70n) };
  const seen: Observation = withCluster(withSettings(vacant, { cluster: { synchronousMode: mode } }), {
    sync,
    ...cluster,
  });
  assert.ok(seen.dcs.kind === 'reachable' && seen.dcs.vacancy !== null);
  const dcs = { ...seen.dcs, vacancy: { ...seen.dcs.vacancy, released } };
  return decide({ ...seen, dcs, peers }).rule;
}
const ask = (candidate: string, leader: string | null): Partial<Cluster> => ({
  failover: { leader, candidate, scheduledAt: null, problem: null, modRevision: revision(89n) },
});

test('what the last primary has beyond its standbys was never acknowledged, and is not waited for [lesson 33]', () => {
  const peers = [answers('n1', further), answers('n3', level)];
  assert.equal(ruleIn({ mode: 'on', members: ['n2'], peers }), 'race.acquire');
});

test('who was not waited for does not lead, however far it is, nor does anybody wait for it [lesson 39]', () => {
  const peers = [silent('n1'), answers('n3', further)];
  assert.equal(ruleIn({ mode: 'on', members: ['n2'], peers }), 'race.acquire');
  assert.equal(ruleIn({ mode: 'on', members: ['n3'], peers }), 'race.notSynchronous');
  assert.equal(ruleIn({ mode: 'on', members: ['N2'], peers }), 'race.acquire', 'names know no case [lesson 67]');
});

test('with a quorum, too few votes keep everybody from leading, but not whoever has all that was released [lesson 40]', () => {
  const alone = { mode: 'quorum', members: ['n2', 'n3'], quorum: 1, peers: [silent('n1'), silent('n3')] } as const;
  assert.equal(ruleIn({ ...alone, cluster: { members: [] } }), 'race.tooFewVotes');
  assert.equal(ruleIn({ ...alone, cluster: { members: [] } }, true), 'race.acquire');
  const later = { members: [], history: null, clusterTimeline: timeline(6) };
  assert.equal(
    ruleIn({ ...alone, cluster: later }, true),
    'race.tooFewVotes',
    'a position of another timeline says nothing',
  );
  assert.equal(ruleIn({ ...alone, peers: [answers('n3', level)], cluster: { members: [] } }), 'race.acquire');
  const unsure = { ...answers('n3', level), said: { ...answers('n3', level).said, isSure: false } } as PeerReport;
  assert.equal(ruleIn({ ...alone, peers: [unsure], cluster: { members: [] } }), 'race.tooFewVotes', 'it may have more');
  const older = answers('n3', further, { timeline: timeline(4) });
  assert.equal(ruleIn({ ...alone, peers: [older], cluster: { members: [] } }), 'race.tooFewVotes', 'it may be newer');
  const ahead = { ...alone, peers: [answers('n3', further)], cluster: { members: [] } };
  assert.notEqual(ruleIn(ahead), 'race.acquire', 'one that is ahead gives no vote');
});

test('a vote is of the time after the last reign was surely over: what a member saw before says nothing of what it confirmed', () => {
  const sync = { leader: 'n1', members: ['n2', 'n3'], quorum: 1, modRevision: revision(70n) };
  const quorum = withCluster(withSettings(vacant, { cluster: { synchronousMode: 'quorum' } }), { members: [], sync });
  assert.ok(quorum.dcs.kind === 'reachable' && quorum.dcs.vacancy !== null);
  const { dcs } = quorum;
  const vacancy = quorum.dcs.vacancy;
  const heard = (lookedAgoMs: number | null, overMs: number | null, vacancySinceMs = vacancy.sinceMs): Decision => {
    const voter = answers('n3', level); // asked 10 ms ago
    assert.ok(voter.said !== null);
    const peers = [silent('n1'), { ...voter, said: { ...voter.said, lookedAgoMs } }];
    const overSinceMs = overMs === null ? null : instantMs(quorum.nowMs - overMs);
    const memory = { ...quorum.memory, overSinceMs };
    return decide({ ...quorum, dcs: { ...dcs, vacancy: { ...vacancy, sinceMs: vacancySinceMs } }, peers, memory });
  };
  assert.equal(heard(0, 50).rule, 'race.acquire');
  assert.equal(heard(40, 50).rule, 'race.acquire');
  assert.equal(heard(41, 50).rule, 'race.tooFewVotes');
  assert.equal(heard(41, 50).wakeInMs, 15, 'it looks again in a moment');
  assert.equal(heard(null, 50).rule, 'race.tooFewVotes', 'an agent that does not say how old it is');
  assert.equal(heard(0, null).rule, 'race.tooFewVotes', 'over, as of this look');
  assert.equal(heard(0, 50, instantMs(quorum.nowMs - 20)).rule, 'race.tooFewVotes', 'over, but the reign before that');
});

test('a vote is a promise: whoever still receives has none, and this standby withdraws before it asks for any', () => {
  const sync = { leader: 'n1', members: ['n2', 'n3'], quorum: 1, modRevision: revision(70n) };
  const quorum = withCluster(withSettings(vacant, { cluster: { synchronousMode: 'quorum' } }), { members: [], sync });
  const voter = answers('n3', level);
  assert.ok(voter.said !== null);
  const heard = (hasWithdrawn: boolean | null): Decision =>
    decide({
      ...quorum,
      peers: [silent('n1'), { ...voter, said: { ...voter.said, hasWithdrawn } as PeerReport['said'] }],
    });
  assert.equal(heard(true).rule, 'race.acquire');
  assert.equal(
    heard(null).rule,
    'race.acquire',
    'a Patroni, or one without etcd: what it saw after the reign was over',
  );
  assert.deepEqual([heard(false).rule, heard(false).wakeInMs], ['race.tooFewVotes', 15]);

  const { postgres } = quorum;
  assert.ok(postgres.kind === 'running' && postgres.role === 'standby');
  const receiving = { ...quorum, postgres: { ...postgres, detached: false } };
  const { rule, actions } = decide(receiving);
  assert.equal(rule, 'race.withdraw');
  const job = { kind: 'follow', upstream: null, endReceiver: true } as const;
  assert.deepEqual(actions, [{ kind: 'startJob', job }]);
  const told = (agoMs: number, seen: Observation = receiving): Decision =>
    decide({
      ...seen,
      jobs: {
        kind: 'idle',
        last: {
          job: seen === receiving ? job : { kind: 'follow', upstream: null },
          ended: 'done',
          startedMs: instantMs(receiving.nowMs - agoMs),
          endedMs: instantMs(receiving.nowMs - agoMs),
          divergence: null,
          stage: null,
          error: null,
        },
      },
    });
  assert.deepEqual([told(20).rule, told(20).actions, told(20).wakeInMs], ['race.withdraw', [], 10]);
  assert.equal(told(1_001).actions.length, 1, 'a server that did not take it in is told again');

  // While the reign before may go on, no receiver is ended by hand.
  assert.ok(receiving.dcs.kind === 'reachable' && receiving.dcs.vacancy !== null);
  const lease = { kind: 'alive', leftMs: 20_000, askedMs: receiving.nowMs } as const;
  const early: Observation = {
    ...receiving,
    dcs: { ...receiving.dcs, vacancy: { ...receiving.dcs.vacancy, lease } },
  };
  assert.deepEqual(decide(early).actions, [{ kind: 'startJob', job: { kind: 'follow', upstream: null } }]);
  assert.deepEqual(told(20, early).actions, []);
  assert.deepEqual(told(120, early).actions, [{ kind: 'askLeaderLease' }, { kind: 'askPeers' }]);
  const idle = { ...receiving.settings.local.tags, nosync: true };
  const nosync = { ...receiving.settings, local: { ...receiving.settings.local, tags: idle } };
  const tagged: Observation = { ...receiving, settings: nosync };
  assert.equal(decide(tagged).rule, 'race.withdraw', 'the tag came after /sync named it: its vote counts yet');
  const unnamed = { leader: 'n1', members: ['n3'], quorum: 0, modRevision: revision(90n) };
  const unasked = withCluster(tagged, { sync: unnamed });
  assert.equal(hasWithdrawn(unasked), null);
  assert.notEqual(decide(unasked).rule, 'race.withdraw', 'nobody asks for its vote');
});

test('whether a standby has withdrawn is said only where it can know, and commits may wait for it', () => {
  const quorum = withSettings(vacant, { cluster: { synchronousMode: 'quorum' } });
  assert.ok(quorum.postgres.kind === 'running' && quorum.postgres.role === 'standby');
  assert.equal(hasWithdrawn(quorum), true);
  assert.equal(hasWithdrawn({ ...quorum, postgres: { ...quorum.postgres, detached: false } }), false);
  assert.equal(
    hasWithdrawn(withSettings(following, { cluster: { synchronousMode: 'quorum' } })),
    false,
    'there is a leader',
  );
  assert.equal(hasWithdrawn(vacant), null, 'asynchronous');
  const job = { kind: 'follow', upstream: { member: 'n1', host: 'n1', port: 5432, slot: null } } as const;
  const jobs = { kind: 'busy', job, sinceMs: quorum.nowMs, progress: null, cancelling: false, last: null } as const;
  assert.equal(hasWithdrawn({ ...quorum, jobs }), false, 'it is on its way to whoever led');
  assert.equal(hasWithdrawn(withSettings(quorum, { cluster: { pause: true } })), null);
  assert.equal(
    hasWithdrawn({ ...quorum, dcs: { kind: 'unreachable', sinceMs: quorum.nowMs, why: 'test', lastSeen: null } }),
    null,
  );
  assert.equal(hasWithdrawn(withSettings(leading, { cluster: { synchronousMode: 'quorum' } })), null);
});

test('a reign is not over while a member answers that it runs as primary', () => {
  const quorum = withSettings(vacant, { cluster: { synchronousMode: 'quorum' } });
  const over = (peers: readonly PeerReport[]): unknown =>
    decide({ ...quorum, peers, memory: { ...quorum.memory, overSinceMs: instantMs(quorum.nowMs - 50) } }).memory
      .overSinceMs;
  assert.equal(over([silent('n1')]), quorum.nowMs - 50);
  const living = answers('n1', further);
  assert.ok(living.said !== null);
  assert.equal(over([{ ...living, said: { ...living.said, runsAsPrimary: true } }]), null);
});

test('a failover to a member by name needs no votes, and no promise: people take the loss upon themselves [lesson 41]', () => {
  const peers = [silent('n1'), silent('n3')];
  for (const mode of ['on', 'quorum'] as const) {
    const situation = { mode, members: ['n3', 'n4'], quorum: mode === 'on' ? 0 : 1, peers };
    assert.equal(ruleIn({ ...situation, cluster: ask('n2', null) }), 'race.acquire', mode);
    assert.notEqual(
      ruleIn({ ...situation, cluster: ask('n2', 'n1') }),
      'race.acquire',
      `${mode}: a switchover never costs a commit`,
    );
  }
});
