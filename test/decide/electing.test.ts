import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Cluster } from '../../src/model/cluster.ts';
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
