import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import type { Decision } from '../../src/model/decision.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { PeerReport } from '../../src/model/peers.ts';
import { instantMs, type Lsn, lsn, revision, timeline } from '../../src/model/units.ts';
import { peer, silent, vacant, withCluster, withSettings } from './values.ts';

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
  assert.equal(heard(41, 50).wakeInMs, 50, 'it looks again in a moment');
  assert.equal(heard(null, 50).rule, 'race.tooFewVotes', 'an agent that does not say how old it is');
  assert.equal(heard(0, null).rule, 'race.tooFewVotes', 'over, as of this look');
  assert.equal(heard(0, 50, instantMs(quorum.nowMs - 20)).rule, 'race.tooFewVotes', 'over, but the reign before that');
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

test('what is only written on this node is waited for: a power cut right after it was elected must cost nobody anything', () => {
  const peers = [silent('n1'), answers('n3', level)];
  const written = (mode: 'on' | 'quorum' | 'off', cluster: Partial<Cluster> = {}): string => {
    const sync = { leader: 'n1', members: ['n2', 'n3'], quorum: 1, modRevision: revision(70n) };
    const seen = withCluster(withSettings(vacant, { cluster: { synchronousMode: mode } }), { sync, ...cluster });
    assert.ok(seen.postgres.kind === 'running' && seen.postgres.role === 'standby');
    return decide({ ...seen, peers, postgres: { ...seen.postgres, durableLsn: lsn('0/5000000') } }).rule;
  };
  assert.equal(written('quorum'), 'race.notOnDisk');
  assert.equal(written('on'), 'race.notOnDisk');
  assert.equal(written('off'), 'race.acquire');
  assert.equal(written('quorum', ask('n2', null)), 'race.acquire', 'a failover that people ask for');
});
