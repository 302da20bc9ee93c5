import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import { memberRecord } from '../../src/decide/upkeep/member.ts';
import type { Cluster, Member } from '../../src/model/cluster.ts';
import type { FinishedJob, Job } from '../../src/model/job.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { Tags } from '../../src/model/settings.ts';
import { instantMs, revision } from '../../src/model/units.ts';
import { kinds } from './read.ts';
import { settings } from './settings.ts';
import {
  cleanlyStopped,
  control,
  crashed,
  following,
  member,
  peer,
  primary,
  standby,
  withCluster,
  withSettings,
} from './values.ts';

const claim = (owner: string | null): Cluster['initialize'] => ({
  kind: 'bootstrapping',
  modRevision: revision(5n),
  createRevision: revision(5n),
  owner: owner === null ? null : { name: owner, modRevision: revision(5n) },
});
const bare = (
  initialize: Cluster['initialize'],
  members = [member('n2', { role: 'uninitialized', state: 'stopped' })],
) =>
  withCluster(
    { ...following, settings: settings('n2'), postgres: { kind: 'noData' } },
    { initialize, leader: null, members, status: null, history: null, clusterTimeline: null, config: null },
  );
const rule = (seen: Observation): string => decide(seen).rule;
const waited = (seen: Observation, forMs: number): Observation => ({
  ...seen,
  memory: { ...seen.memory, unclaimedSinceMs: instantMs(seen.nowMs - forMs) },
});
const finished = (ended: FinishedJob['ended'], job: Job = { kind: 'bootstrap' }): Observation['jobs'] => ({
  kind: 'idle',
  last: {
    job,
    ended,
    error: ended === 'failed' ? 'initdb: no space left' : null,
    startedMs: instantMs(1),
    endedMs: instantMs(following.nowMs - 100),
    divergence: null,
    stage: null,
  },
});
const busy: Observation['jobs'] = {
  kind: 'busy',
  job: { kind: 'bootstrap' },
  sinceMs: instantMs(following.nowMs - 100),
  progress: null,
  cancelling: false,
  last: null,
};

test('a claim that bears my name is taken up again, at the revision it was seen at', () => {
  const [first, second] = decide(bare(claim('n2'))).actions;
  assert.deepEqual(first, {
    kind: 'claimInitialize',
    over: { modRevision: revision(5n), ownerModRevision: revision(5n) },
  });
  assert.ok(second?.kind === 'startJob' && second.job.kind === 'bootstrap');
});

test("another's claim is waited for while it lives, and so is one without an owner while somebody may be at it [lesson 100]", () => {
  assert.deepEqual(kinds(bare(claim('n3'))), []);
  assert.deepEqual(kinds(bare(claim(null))), ['askPeers'], 'it may have been made a moment ago');
  const atIt = member('n3', { role: 'uninitialized', state: 'initializing new cluster' });
  const long = (more: readonly ReturnType<typeof member>[]) =>
    waited(bare(claim(null), [member('n2'), ...more]), 200_000);
  assert.deepEqual(kinds(long([atIt])), ['askPeers']);
  assert.deepEqual(kinds(long([member('n3', { role: 'primary', state: 'starting' })])), ['askPeers']);
  const says = {
    ...long([]),
    peers: [peer('n3', null, { state: 'running custom bootstrap script', role: 'replica' })],
  };
  assert.deepEqual(kinds(says), ['askPeers']);
});

test('nobody is at it: the claim is free, after the silence of a member whose key lives', () => {
  const idle = member('n3', { role: 'uninitialized', state: 'stopped' });
  const seen = (forMs: number, answers: boolean) =>
    waited(
      {
        ...bare(claim(null), [member('n2', { role: 'uninitialized', state: 'stopped' }), idle]),
        peers: answers ? [peer('n3', null, { state: 'stopped', role: 'uninitialized' })] : [],
      },
      forMs,
    );
  assert.deepEqual(kinds(seen(25_000, true)), ['claimInitialize', 'startJob']);
  assert.deepEqual(kinds(seen(25_000, false)), ['askPeers']);
  assert.deepEqual(kinds(seen(61_000, false)), ['claimInitialize', 'startJob']);
});

test('a claim of mine that this node can not carry out is given back', () => {
  const seen = withSettings(bare(claim('n2')), { tags: { nofailover: true } });
  assert.deepEqual(decide(seen).actions, [{ kind: 'dropInitialize', seenModRevision: revision(5n) }]);
});

test('whole data under my claim, running or not: the cluster is told who it is', () => {
  const told = ['writeInitialize', 'writeConfig', 'acquireLeaderKey'];
  for (const postgres of [primary, standby, crashed, cleanlyStopped]) {
    const seen: Observation = { ...bare(claim('n2')), postgres };
    assert.equal(rule(seen), 'bootstrap.finish', postgres.kind);
    assert.deepEqual(kinds(seen), told);
  }
});

test('without an owner whole data finishes what nobody else is at; a standby does not define a cluster', () => {
  const seen = (postgres: Observation['postgres'], forMs: number): Observation =>
    waited({ ...bare(claim(null)), postgres }, forMs);
  assert.equal(rule(seen(crashed, 15_000)), 'bootstrap.finish');
  assert.equal(rule(seen(primary, 15_000)), 'bootstrap.finish');
  assert.equal(rule(seen(crashed, 1_000)), 'standby.startAlone');
  assert.deepEqual(kinds(seen(crashed, 1_000)), [], 'and it is not started as a standby either');
  assert.equal(rule(seen(standby, 15_000)), 'race.uninitialized');
  assert.equal(rule({ ...bare(claim('n3')), postgres: primary }), 'primary.unleased');
});

test('a server that runs on half a bootstrap is stopped', () => {
  const decision = decide({ ...bare(claim('n2')), postgres: { ...primary, left: 'initdb' } });
  assert.equal(decision.rule, 'bootstrap.half');
  const [action] = decision.actions;
  assert.ok(action?.kind === 'startJob' && action.job.kind === 'stop');
});

test('while the work goes on the claim is made again when its lease has ended, and the work called off when another has it', () => {
  const at = (initialize: Cluster['initialize']): Observation => ({ ...bare(initialize), jobs: busy });
  assert.equal(rule(at(claim('n2'))), 'job.running');
  assert.deepEqual(kinds(at(claim(null))), ['claimInitialize']);
  assert.deepEqual(kinds(at({ kind: 'absent' })), ['claimInitialize']);
  assert.deepEqual(kinds(at(claim('n3'))), ['cancelJob']);
});

test('a bootstrap that failed gives its own claim back, and no other; one that was called off ends nothing', () => {
  const after = (initialize: Cluster['initialize'], ended: FinishedJob['ended']): Observation => ({
    ...bare(initialize),
    jobs: finished(ended),
  });
  assert.deepEqual(kinds(after(claim('n2'), 'failed')), ['dropInitialize', 'exit']);
  assert.deepEqual(kinds(after(claim('n3'), 'failed')), ['exit']);
  assert.deepEqual(kinds(after(claim('n3'), 'cancelled')), []);
});

test('the data of another cluster is not finished', () => {
  const other = { ...primary, control: { ...control, systemId: '7000000000000000001' } };
  assert.equal(rule({ ...following, postgres: other }), 'data.foreign');
});

test('a copy is made from a running member that offers itself, else from where this node will stream from, else from the leader [B-35]', () => {
  const copiesFrom = (tags: Partial<Tags>, ofN3: Partial<Member>) => {
    const members = [member('n1', { role: 'primary' }), member('n3', ofN3)];
    const seen = withCluster({ ...following, postgres: { kind: 'noData' } }, { members });
    const begun = decide(withSettings(seen, { tags })).actions.find(({ kind }) => kind === 'startJob');
    return begun?.kind === 'startJob' && begun.job.kind === 'clone' ? begun.job.from?.member : null;
  };
  assert.equal(copiesFrom({}, {}), 'n1');
  assert.equal(copiesFrom({}, { tags: { clonefrom: true } }), 'n3');
  assert.equal(copiesFrom({}, { tags: { clonefrom: true }, state: 'stopped' }), 'n1');
  assert.equal(copiesFrom({ replicatefrom: 'n3' }, {}), 'n3');
  assert.equal(copiesFrom({ replicatefrom: 'n3' }, { state: 'stopped' }), 'n1', 'nobody waits for that one');
  assert.equal(copiesFrom({ nostream: true }, {}), 'n1', 'it streams from nobody, and has to begin with something');
});

test('whose name stands in /sync is copied from the leader alone, on an empty machine and for a reinit; others as ever', () => {
  const members = [member('n1', { role: 'primary' }), member('n3', { tags: { clonefrom: true } })];
  const copiesFrom = (named: readonly string[], asks: Observation['asks']) => {
    const sync = { leader: 'n1', members: named, quorum: 0, modRevision: revision(60n) };
    const seen = withCluster({ ...following, postgres: { kind: 'noData' }, asks }, { members, sync });
    const set = { cluster: { synchronousMode: 'on' }, tags: { replicatefrom: 'n3' } } as const;
    const begun = decide(withSettings(seen, set)).actions.find(({ kind }) => kind === 'startJob');
    return begun?.kind === 'startJob' && begun.job.kind === 'clone' ? begun.job.from?.member : null;
  };
  const reinit = [{ id: 7, kind: 'reinitialize', force: true, fromLeader: false }] as const;
  for (const asks of [[], reinit]) {
    assert.equal(copiesFrom(['n2'], asks), 'n1');
    assert.equal(copiesFrom(['n4'], asks), 'n3');
  }
});

test('a standby that does not stream and has an archive says so in its key; one without says nothing', () => {
  const restores = { recovery: { restore_command: 'cp /archive/%f %p' } };
  const stateOf = (seen: Observation, postgres = {}) =>
    memberRecord({ ...seen, settings: { ...seen.settings, postgres: { ...seen.settings.postgres, ...postgres } } })
      .replicationState;
  const alone = { ...following, postgres: { ...standby, receiver: null } };
  assert.equal(stateOf(alone, restores), 'in archive recovery');
  assert.equal(stateOf(alone), null);
  assert.equal(stateOf(following, restores), 'streaming');
  assert.equal(stateOf({ ...following, postgres: primary }, restores), null);
});
