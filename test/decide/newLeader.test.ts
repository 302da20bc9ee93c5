import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Member } from '../../src/model/cluster.ts';
import type { Job } from '../../src/model/job.ts';
import type { Observation } from '../../src/model/observation.ts';
import { instantMs, later } from '../../src/model/units.ts';
import { jobOf, kinds } from './read.ts';
import {
  after,
  cleanlyStopped,
  cluster,
  following,
  leaderKey,
  member,
  standby,
  vacant,
  withCluster,
} from './values.ts';

/** Somebody else has just won the key: until it is the primary there is nothing to be had from it. */

const leads = (role: Member['role']): Partial<typeof cluster> => ({
  leader: leaderKey('n3'),
  members: [member('n1'), member('n2'), member('n3', { role })],
});
const stop: Job = {
  kind: 'stop',
  mode: 'fast',
  why: 'switchover',
  checkpointFirst: true,
  budget: { immediateAtMs: null, killAtMs: null },
};
const at = (seen: Observation, laterMs: number): Observation => ({ ...seen, nowMs: later(seen.nowMs, laterMs) });

const cutOff: Observation = { ...following, postgres: { ...standby, receiver: null } };

test('a standby turns to the new leader once that is promoted, or after a bounded wait', () => {
  const promoting = withCluster(cutOff, leads('replica'));
  const waiting = decide(promoting);
  assert.equal(waiting.rule, 'standby.follow');
  assert.deepEqual(waiting.actions, []);
  assert.deepEqual(jobOf(withCluster(cutOff, leads('primary')))?.kind, 'follow');
  const waited = { ...promoting, memory: waiting.memory };
  assert.deepEqual(kinds(at(waited, 1_400)), []);
  assert.equal(jobOf(at(waited, 1_600))?.kind, 'follow');
});

test('a standby that still streams turns to a new leader at once', () => {
  assert.equal(jobOf(withCluster(following, leads('replica')))?.kind, 'follow');
});

test('a former primary compares its history with that of the new leader once that is promoted, or after a bounded wait', () => {
  const down = after({ ...following, postgres: cleanlyStopped }, stop);
  const promoting = withCluster(down, leads('replica'));
  assert.equal(decide(promoting).rule, 'rejoin.stopped');
  assert.deepEqual(kinds(promoting), []);
  assert.equal(jobOf(withCluster(down, leads('primary')))?.kind, 'checkDivergence');
  assert.equal(jobOf(at(promoting, 1_500))?.kind, 'checkDivergence');
  assert.equal(jobOf({ ...promoting, jobs: { kind: 'idle', last: null } })?.kind, 'checkDivergence');
});

test('while the leader stops for a switchover only who may be its successor looks again and again', () => {
  const request = (candidate: string | null) => ({
    failover: { leader: 'n1', candidate, scheduledAt: null, problem: null, modRevision: cluster.revision },
    members: [member('n1', { role: 'primary', state: 'stopping' }), member('n2'), member('n3')],
  });
  const wakeInMs = (candidate: string | null): number => decide(withCluster(following, request(candidate))).wakeInMs;
  assert.ok(wakeInMs('n2') <= 100);
  assert.ok(wakeInMs(null) <= 100);
  assert.ok(wakeInMs('n3') > 1_000);
});

test('a bystander of a named succession asks nobody at first', () => {
  const named = (sinceMs: number): Observation => {
    const seen = withCluster(vacant, {
      failover: { leader: 'n1', candidate: 'n3', scheduledAt: null, problem: null, modRevision: cluster.revision },
    });
    assert.ok(seen.dcs.kind === 'reachable' && seen.dcs.vacancy !== null);
    const vacancy = { ...seen.dcs.vacancy, released: true, sinceMs: instantMs(seen.nowMs - sinceMs) };
    return { ...seen, dcs: { ...seen.dcs, vacancy } };
  };
  assert.equal(decide(named(20)).rule, 'race.candidateFirst');
  assert.deepEqual(kinds(named(20)), []);
  assert.deepEqual(kinds(named(400)), ['askPeers']);
});

test('nobody is asked while this primary stops: the looks at it would only slow it down', () => {
  const stopping: Observation = {
    ...following,
    jobs: { kind: 'busy', job: stop, sinceMs: following.nowMs, progress: null, cancelling: false, last: null },
  };
  assert.deepEqual(kinds(stopping), []);
  assert.ok(decide(stopping).wakeInMs >= 1_000);
});
