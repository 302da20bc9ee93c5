import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Job } from '../../src/model/job.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { ReplicaMethod } from '../../src/model/settings.ts';
import { instantMs, later, revision } from '../../src/model/units.ts';
import {
  cleanlyStopped,
  cluster,
  doneJob,
  following,
  leaderKey,
  member,
  systemId,
  unreachable,
  vacant,
  withCluster,
  withSettings,
} from './values.ts';

/** From whom a copy is made, by what, and when one that is being made is given up. */

const startedBy = (seen: Observation): Job | null => {
  const begun = decide(seen).actions.find(({ kind }) => kind === 'startJob');
  return begun?.kind === 'startJob' ? begun.job : null;
};
const after = (seen: Observation, ms: number): Observation => ({ ...seen, nowMs: later(seen.nowMs, ms) });
const command = (name: string, more: object = {}): ReplicaMethod => ({
  kind: 'command',
  name,
  command: name,
  options: [],
  noParams: false,
  noLeader: false,
  keepData: false,
  ...more,
});
const methods = (seen: Observation, ...replicaMethods: readonly ReplicaMethod[]): Observation =>
  withSettings(seen, { postgres: { replicaMethods } });
const empty: Observation = { ...following, postgres: { kind: 'noData' } };
const n1 = member('n1', { role: 'primary' });
const offering = (name: string) => member(name, { tags: { clonefrom: true } });

test('from whom a copy failed is passed over as long as there is another, until a copy is made', () => {
  const from = (name: string) => ({ member: name, host: name, port: 5432, slot: null });
  const premise = { term: leaderKey('n1').term, leader: 'n1', systemId };
  const failedFrom = (name: string, names: readonly string[]): string | null => {
    const seen = withCluster(empty, { members: [n1, ...names.map(offering)] });
    const last = doneJob({ kind: 'clone', from: from(name), premise }, seen.nowMs, { ended: 'failed', error: 'x' });
    const counted = { ...seen, memory: decide({ ...seen, jobs: { kind: 'idle', last } }).memory };
    // What it left is removed in between: that is no copy, and nothing to forget it for.
    const removed = doneJob({ kind: 'removeData', why: 'x', premise, force: true, leader: null }, seen.nowMs);
    const job = startedBy({ ...after(counted, 61_000), jobs: { kind: 'idle', last: removed } });
    return job?.kind === 'clone' ? (job.from?.member ?? null) : null;
  };
  assert.equal(failedFrom('n3', ['n3', 'n4']), 'n4');
  assert.equal(failedFrom('n4', ['n3', 'n4']), 'n3');
  assert.equal(failedFrom('n3', ['n3']), 'n1', 'none but the leader is left');
  assert.equal(failedFrom('n1', []), 'n1', 'nobody else is there');
  const healed = doneJob({ kind: 'clone', from: from('n1'), premise }, instantMs(following.nowMs + 1));
  const repair = { failures: 2, notBeforeMs: instantMs(0), countedEndMs: instantMs(0), failedSource: 'n3' };
  const seen = { ...following, memory: { ...following.memory, repair }, jobs: { kind: 'idle', last: healed } as const };
  assert.equal(decide(seen).memory.repair, null);
});

test('nobody leads: a method that needs nobody makes the copy, when a leader could have come, and of a cluster that is known', () => {
  const alone = methods(
    { ...vacant, postgres: { kind: 'noData' } },
    { kind: 'basebackup' },
    command('archive', { noLeader: true }),
  );
  const long = after(alone, 31_000);
  assert.equal(startedBy(after(alone, 1_000)), null);
  assert.deepEqual(startedBy(long), { kind: 'clone', from: null, premise: { term: null, leader: null, systemId } });
  assert.equal(startedBy(methods(long, { kind: 'basebackup' }, command('archive'))), null);
  assert.equal(
    startedBy(withCluster(long, { initialize: { ...cluster.initialize, kind: 'invalid', text: 'x' } as never })),
    null,
  );
  assert.equal(startedBy(unreachable(long)), null);
});

const reinit = (fromLeader: boolean) => [{ id: 7, kind: 'reinitialize', force: false, fromLeader }] as const;

test('a reinit with keep_data goes over what lies here, the leader being asked; all else makes room first', () => {
  const stopped: Observation = { ...following, postgres: cleanlyStopped, asks: reinit(false) };
  const seen = withCluster(stopped, { members: [n1, offering('n3')] });
  const delta = command('delta', { keepData: true });
  const over = startedBy(methods(seen, delta, { kind: 'basebackup' }));
  assert.ok(over?.kind === 'clone');
  assert.deepEqual([over.from?.member, over.over?.member], ['n3', 'n1']);
  for (const other of [
    methods(seen, command('plain'), delta),
    methods(seen, { kind: 'basebackup' }, delta),
    methods({ ...seen, asks: reinit(true) }, delta),
  ]) {
    const job = startedBy(other);
    assert.ok(job?.kind === 'removeData' && job.force);
    assert.equal(job.copyFrom?.member, other.asks === seen.asks ? 'n3' : 'n1');
  }
});

test('whoever /sync names is copied from the leader by pg_basebackup alone: an archive may lack what the key says of it', () => {
  const sync = { leader: 'n1', members: ['n2'], quorum: 0, modRevision: revision(60n) };
  const named = (seen: Observation): Observation =>
    withSettings(withCluster(seen, { sync }), { cluster: { synchronousMode: 'on' } });
  const archive = command('archive', { keepData: true, noLeader: true });
  const job = startedBy(methods(named(empty), archive));
  assert.ok(job?.kind === 'clone');
  assert.deepEqual([job.from?.member, job.onlyBasebackup], ['n1', true]);
  const asked: Observation = { ...following, postgres: cleanlyStopped, asks: reinit(false) };
  assert.equal(startedBy(methods(named(asked), archive))?.kind, 'removeData');
  const nobody = after({ ...vacant, postgres: { kind: 'noData' } }, 31_000);
  assert.equal(startedBy(methods(nobody, archive))?.kind, 'clone');
  assert.equal(startedBy(methods(named(nobody), archive)), null);
});

test('--from-leader: from the leader, and by pg_basebackup alone', () => {
  const seen = withCluster({ ...empty, asks: reinit(true) }, { members: [n1, offering('n3')] });
  const job = startedBy(methods(seen, command('archive')));
  assert.ok(job?.kind === 'clone');
  assert.deepEqual([job.from?.member, job.onlyBasebackup], ['n1', true]);
  const other = startedBy({ ...seen, asks: reinit(false) });
  assert.ok(other?.kind === 'clone');
  assert.deepEqual([other.from?.member, other.onlyBasebackup], ['n3', undefined]);
});

test('a copy over given up data that was broken off goes on; what may be of people is set aside, and so is it all without such a method', () => {
  const half = { kind: 'partialData', left: 'basebackup', inPlace: true } as const;
  const delta = command('delta', { keepData: true });
  const job = startedBy(methods({ ...following, postgres: half }, delta));
  assert.ok(job?.kind === 'clone' && job.over?.member === 'n1');
  const doubtful = startedBy(methods({ ...following, postgres: { ...half, mayBeWhole: true } }, delta));
  assert.ok(doubtful?.kind === 'removeData' && !doubtful.force);
  const plain = startedBy({ ...following, postgres: half });
  assert.ok(plain?.kind === 'removeData' && plain.force);
  const paused = withSettings(methods({ ...following, postgres: half }, delta), { cluster: { pause: true } });
  assert.equal(startedBy(paused), null);
});

test('a copy by a method of the operator is not taken for the leader’s history, as one by pg_basebackup is', () => {
  const premise = { term: leaderKey('n1').term, leader: 'n1', systemId };
  const from = { member: 'n1', host: 'n1', port: 5432, slot: null };
  const job: Job = { kind: 'clone', from, premise };
  const made = (method?: string) => {
    const last = doneJob(job, following.nowMs, method === undefined ? {} : { method });
    return decide({ ...following, jobs: { kind: 'idle', last } }).memory.divergence;
  };
  assert.equal(made()?.rewound, true);
  assert.equal(made('archive'), null);
});

test('a copy is given up when another leads, its source is no member any more, and nothing comes from it', () => {
  const from = { member: 'n3', host: 'n3', port: 5432, slot: null };
  const premise = { term: leaderKey('n3').term, leader: 'n3', systemId };
  const job: Job = { kind: 'clone', from, premise };
  const copying = (
    change: { job?: Job; progressAgoMs?: number; members?: readonly string[]; leader?: string } = {},
  ) => {
    const { progressAgoMs = 11_000, members = ['n1', 'n2'], leader = 'n1' } = change;
    const seen = withCluster(empty, { members: members.map((name) => member(name)), leader: leaderKey(leader) });
    const sinceMs = later(seen.nowMs, -60_000);
    const progressMs = later(seen.nowMs, -progressAgoMs);
    const jobs = {
      kind: 'busy',
      job: change.job ?? job,
      sinceMs,
      progressMs,
      progress: 'x',
      cancelling: false,
      last: null,
    };
    return { ...seen, jobs } as Observation;
  };
  const isGivenUp = (seen: Observation): boolean => decide(seen).actions.some(({ kind }) => kind === 'cancelJob');
  assert.equal(isGivenUp(copying()), true);
  assert.equal(isGivenUp(copying({ progressAgoMs: 9_000 })), false, 'it gets on');
  assert.equal(isGivenUp(copying({ members: ['n1', 'n2', 'n3'] })), false);
  assert.equal(isGivenUp(copying({ leader: 'n3' })), false);
  assert.equal(isGivenUp(methods(copying(), command('archive'))), false, 'it may not need that member');
  assert.equal(isGivenUp(methods(copying({ job: { ...job, onlyBasebackup: true } }), command('archive'))), true);
});
