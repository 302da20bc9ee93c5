import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide } from '../../src/decide/decide.ts';
import { iAmLeader } from '../../src/decide/judge.ts';
import type { Observation } from '../../src/model/observation.ts';
import { instantMs, leaseId, lsn, revision, term, timeline } from '../../src/model/units.ts';
import {
  cleanlyStopped,
  cluster,
  crashed,
  following,
  held,
  leaderKey,
  leading,
  peer,
  primary,
  silent,
  standby,
  systemId,
} from './values.ts';

const now = leading.nowMs;
const postgres = fc.constantFrom<Observation['postgres']>(
  primary,
  { ...primary, timeline: timeline(4) },
  standby,
  { ...standby, receiver: null },
  crashed,
  cleanlyStopped,
  { kind: 'noData' },
  { kind: 'partialData', left: 'basebackup' },
  { kind: 'unreadable', why: 'input/output error' },
  { kind: 'starting', pid: primary.pid, sinceMs: now, standbySignal: false, control: primary.control },
  { kind: 'stopping', pid: primary.pid, sinceMs: now, believed: 'primary' },
  { kind: 'unresponsive', pid: primary.pid, sinceMs: now, believed: 'primary', why: 'no answer', control: null },
);
const leader = fc.constantFrom(
  null,
  leaderKey('n1'),
  leaderKey('n2'),
  { ...leaderKey('n1'), lease: leaseId(9n) },
  { ...leaderKey('n1'), term: term(41n) },
);
const initialize = fc.constantFrom<(typeof cluster)['initialize']>(
  cluster.initialize,
  { kind: 'absent' },
  { kind: 'bootstrapping', modRevision: revision(1n), createRevision: revision(1n), owner: null },
  { kind: 'invalid', text: 'x', modRevision: revision(1n) },
  { kind: 'done', systemId: '999999999999', modRevision: revision(1n) },
);
const failover = fc.constantFrom(
  null,
  { leader: 'n1', candidate: null, scheduledAt: null, problem: null, modRevision: revision(9n) },
  { leader: null, candidate: 'n1', scheduledAt: null, problem: null, modRevision: revision(9n) },
);
const dcs = fc.oneof(
  fc
    .record({
      leader,
      initialize,
      failover,
      lease: fc.constantFrom<'ended' | 'unknown' | null>('ended', 'unknown', null),
      released: fc.boolean(),
    })
    .map((draw): Observation['dcs'] => ({
      kind: 'reachable',
      sinceMs: instantMs(now - 600_000),
      readMs: now,
      cluster: { ...cluster, leader: draw.leader, initialize: draw.initialize, failover: draw.failover },
      vacancy:
        draw.leader !== null || draw.lease === null
          ? null
          : {
              last: leaderKey('n3'),
              sinceMs: instantMs(now - 50),
              released: draw.released,
              lease: { kind: draw.lease },
            },
    })),
  fc.constant<Observation['dcs']>({ kind: 'unreachable', sinceMs: now, why: 'no endpoint answers', lastSeen: null }),
);
const lease = fc.option(
  fc
    .record({ leftMs: fc.integer({ min: -5_000, max: 25_000 }), proven: fc.boolean() })
    .map(({ leftMs, proven }) => ({ ...held, deadlineMs: instantMs(now + leftMs), proven })),
  { nil: null },
);
const guard = fc.constantFrom<Observation['guard']>(
  leading.guard,
  following.guard,
  { kind: 'absent', why: 'x' },
  { kind: 'off' },
  { ...leading.guard, armedMs: instantMs(now - 1) } as Observation['guard'],
);
const peers = fc.array(
  fc.constantFrom(
    peer('n2', lsn('0/5000100')),
    peer('n3', lsn('0/5000900')),
    silent('n3'),
    peer('n3', lsn('0/5000100'), { runsAsPrimary: true }),
  ),
  { maxLength: 2 },
);
const jobs = fc.constantFrom<Observation['jobs']>(
  { kind: 'idle', last: null },
  {
    kind: 'busy',
    job: {
      kind: 'promote',
      premise: { term: held.term, leader: 'n1', systemId },
      mine: timeline(5),
      taken: timeline(5),
    },
    sinceMs: now,
    progress: null,
    cancelling: false,
    last: null,
  },
);
const asks = fc.constantFrom<Observation['asks']>(
  [],
  [{ id: 1, kind: 'stop' }],
  [{ id: 2, kind: 'reinitialize', force: false, fromLeader: false }],
);
const pause = fc.boolean();
const observations = fc.record({ postgres, dcs, held: lease, guard, peers, jobs, asks, pause }).map(
  ({ pause: paused, ...change }): Observation => ({
    ...leading,
    ...change,
    settings: { ...leading.settings, cluster: { ...leading.settings.cluster, pause: paused } },
  }),
);
const runs = { numRuns: 5_000 };

test('the same observation gives the same decision, and none makes a rule throw', () => {
  fc.assert(
    fc.property(observations, (seen) => {
      const decision = decide(seen);
      assert.deepEqual(decide(seen), decision);
      assert.deepEqual(
        decision.passed.filter((rule) => rule.includes('threw')),
        [],
      );
      assert.notEqual(decision.rule, 'none');
    }),
    runs,
  );
});

test('promotion or a start as primary implies the proven key, lease left, and an armed guard', () => {
  fc.assert(
    fc.property(observations, (seen) => {
      for (const action of decide(seen).actions) {
        if (action.kind !== 'startJob' || !['promote', 'startPrimary'].includes(action.job.kind)) continue;
        assert.ok(iAmLeader(seen));
        assert.ok(seen.held !== null && seen.held.deadlineMs > now + 5_000);
        assert.ok(
          seen.guard.kind === 'off' ||
            (seen.guard.kind === 'present' && seen.guard.armedMs !== null && seen.guard.armedMs > now),
        );
      }
    }),
    runs,
  );
});

test('nothing is renewed, acquired, promoted or removed while etcd does not answer', () => {
  fc.assert(
    fc.property(observations, (seen) => {
      if (seen.dcs.kind === 'reachable') return;
      const forbidden = decide(seen).actions.filter(
        (action) =>
          ['renewLease', 'acquireLeaderKey', 'releaseLeaderKey'].includes(action.kind) ||
          (action.kind === 'startJob' &&
            ['promote', 'startPrimary', 'removeData', 'clone', 'rewind'].includes(action.job.kind)),
      );
      assert.deepEqual(forbidden, []);
    }),
    runs,
  );
});

test('data is removed, cloned over or rewound only under a known leader of another name, in a cluster with an identity', () => {
  fc.assert(
    fc.property(observations, (seen) => {
      for (const action of decide(seen).actions) {
        if (action.kind !== 'startJob') continue;
        const { job } = action;
        if (job.kind !== 'rewind' && job.kind !== 'clone') continue;
        assert.ok(
          seen.dcs.kind === 'reachable' && seen.dcs.cluster.leader !== null && seen.dcs.cluster.leader.name !== 'n1',
        );
      }
    }),
    runs,
  );
});
