import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Action } from '../../src/model/decision.ts';
import type { Job } from '../../src/model/job.ts';
import type { Observation } from '../../src/model/observation.ts';
import { instantMs, leaseId, lsn, revision, term, timeline } from '../../src/model/units.ts';
import {
  cleanlyStopped,
  cluster,
  control,
  crashed,
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

const jobOf = (seen: Observation): Job | undefined =>
  decide(seen).actions.find((one): one is Extract<Action, { kind: 'startJob' }> => one.kind === 'startJob')?.job;
const kinds = (seen: Observation): readonly string[] => decide(seen).actions.map(({ kind }) => kind);

test('a healthy primary does nothing but keep its lease', () => {
  const decision = decide(leading);
  assert.equal(decision.rule, 'primary.healthy');
  assert.equal(decision.leaseRule, 'lease.hold');
  assert.deepEqual(decision.actions, []);
});

test('a renewal is due once a third of the ttl, or loop_wait, has passed since the last was sent', () => {
  const due = { ...leading, held: { ...held, sentMs: instantMs(leading.nowMs - 10_000) } };
  assert.deepEqual(kinds(due), ['renewLease']);
});

test('a lease taken over from the guardian is proven before anything rests on it', () => {
  assert.deepEqual(kinds({ ...leading, held: { ...held, proven: false } }), ['renewLease']);
});

test('etcd away: no renewal, PostgreSQL goes on while the lease lasts, and stops with the budget before the deadline', () => {
  const calm = unreachable(leading);
  assert.equal(decide(calm).leaseRule, 'lease.doubt');
  assert.deepEqual(kinds(calm), []);
  const late = { ...calm, held: { ...held, deadlineMs: instantMs(calm.nowMs + 4_000) } };
  const job = jobOf(late);
  assert.equal(decide(late).rule, 'lease.runningOut');
  assert.ok(job?.kind === 'stop' && job.mode === 'fast');
  assert.ok(job.budget.killAtMs !== null && job.budget.killAtMs < late.held.deadlineMs);
  assert.ok(job.budget.immediateAtMs !== null && job.budget.immediateAtMs < job.budget.killAtMs);
});

test('another holder of the key stops a primary at once, lease or not, job or not', () => {
  const other = withCluster(leading, { leader: { ...leaderKey('n3'), term: term(50n) } });
  assert.equal(decide(other).rule, 'primary.leaderElsewhere');
  assert.deepEqual(decide(other).actions[0], { kind: 'dropLease' });
  assert.ok(jobOf(other)?.kind === 'stop');
  const promoting: Observation = {
    ...other,
    postgres: standby,
    jobs: {
      kind: 'busy',
      job: {
        kind: 'promote',
        premise: { term: held.term, leader: 'n1', systemId: null },
        mine: timeline(5),
        taken: timeline(5),
      },
      sinceMs: other.nowMs,
      progress: null,
      cancelling: false,
      last: null,
    },
  };
  assert.ok(kinds(promoting).includes('cancelJob'));
});

test('my name on a lease that is not mine is not my leadership', () => {
  const stranger = withCluster(leading, { leader: { ...leaderKey('n1'), lease: leaseId(99n) } });
  assert.equal(decide(stranger).leaseRule, 'lease.lost');
  const reborn = withCluster(leading, { leader: { ...leaderKey('n1'), term: term(41n) } });
  assert.equal(decide(reborn).leaseRule, 'lease.lost');
});

test('a lost key is never put again by a renewal: a running primary asks for a new term, if its timeline is the newest', () => {
  const gone = { ...withCluster(leading, { leader: null }), held: null };
  assert.deepEqual(decide(gone).actions, [{ kind: 'acquireLeaderKey', seenRevision: cluster.revision }]);
  const behind = { ...withCluster(leading, { leader: null, clusterTimeline: timeline(6) }), held: null };
  assert.ok(jobOf(behind)?.kind === 'stop');
});

test('a primary without a proven lease is stopped after retry_timeout', () => {
  const adopted: Observation = { ...unreachable(leading), held: null, guard: { ...following.guard } };
  assert.deepEqual(kinds(adopted), []);
  const late = { ...adopted, memory: { ...adopted.memory, unleasedSinceMs: instantMs(adopted.nowMs - 10_001) } };
  assert.equal(decide(late).rule, 'primary.unleased');
  assert.ok(jobOf(late)?.kind === 'stop');
});

test('a crashed primary is started again in place while its lease lasts', () => {
  const seen = { ...leading, postgres: crashed };
  assert.equal(decide(seen).rule, 'primary.crashed');
  assert.equal(jobOf(seen)?.kind, 'startPrimary');
});

test('a crashed primary with an unproven lease, little lease, or no armed guard is not started', () => {
  for (const change of [
    { held: { ...held, proven: false } },
    { held: { ...held, deadlineMs: instantMs(leading.nowMs + 6_000) } },
    { guard: { ...following.guard } },
  ]) {
    assert.equal(jobOf({ ...leading, postgres: crashed, ...change }), undefined);
  }
});

test('with primary_start_timeout 0 a crashed primary gives way to a standby that can take over, and only then', () => {
  const seen = withSettings(
    { ...leading, postgres: crashed, peers: [peer('n2', lsn('0/5000100'))] },
    { cluster: { primaryStartTimeoutMs: 0 } },
  );
  assert.equal(decide(seen).rule, 'primary.crashed.giveWay');
  assert.deepEqual(decide(seen).actions, [{ kind: 'releaseLeaderKey', lsn: null }]);
  assert.equal(jobOf({ ...seen, peers: [silent('n2')] })?.kind, 'startPrimary');
});

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

test('a reachable living primary always vetoes, whatever its tags', () => {
  const seen = {
    ...vacant,
    peers: [
      peer('n1', lsn('0/5000100'), { runsAsPrimary: true, role: 'primary', nofailover: true }),
      peer('n3', lsn('0/5000100')),
    ],
  };
  assert.equal(decide(seen).rule, 'race.livingPrimary');
});

test('a standby behind another waits for it, for a bounded time', () => {
  const seen = { ...vacant, peers: [silent('n1'), peer('n3', lsn('0/5000200'))] };
  const first = decide(seen);
  assert.equal(first.rule, 'race.peerAhead');
  const later = {
    ...seen,
    memory: { ...first.memory, waitingFor: { member: 'n3', sinceMs: instantMs(seen.nowMs - 5_001) } },
  };
  assert.equal(decide(later).rule, 'race.acquire');
});

test('a peer last known ahead that does not answer gets the short grace only', () => {
  const seen = withCluster(
    { ...vacant, peers: [silent('n1'), silent('n3')] },
    { members: [member('n2'), member('n3', { xlogLocation: lsn('0/5000200') })] },
  );
  assert.equal(decide(seen).rule, 'race.peerAhead');
  const later = {
    ...seen,
    memory: { ...seen.memory, waitingFor: { member: 'n3', sinceMs: instantMs(seen.nowMs - 1_001) } },
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

test('at equal position the higher failover_priority goes first, unless it is the former leader', () => {
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
  assert.equal(decide({ ...fresh, startedMs: instantMs(fresh.nowMs - 30_001) }).rule, 'race.acquire');
});

const won: Observation = { ...leading, postgres: { ...standby, receiver: null } };

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
  const garbage = withCluster(won, { members: [member('n2', { timeline: timeline(1e9) })] });
  assert.equal(takenBy(garbage), standby.timeline);
});

test('promotion needs the key, an armed guard, and lease for itself and for a stop after it', () => {
  assert.equal(jobOf(won)?.kind, 'promote');
  assert.equal(jobOf({ ...won, guard: following.guard }), undefined);
  assert.equal(jobOf({ ...won, held: { ...held, deadlineMs: instantMs(won.nowMs + 6_000) } }), undefined);
  assert.equal(jobOf({ ...won, held: null }), undefined);
});

const asked = withCluster(
  { ...leading, peers: [peer('n2', lsn('0/5000100')), peer('n3', lsn('0/5000100'))] },
  { failover: { leader: 'n1', candidate: 'n2', scheduledAt: null, problem: null, modRevision: revision(95n) } },
);

test('an old answer speaks for a candidate, not against it: it is asked before a request is refused', () => {
  const restored = { ...peer('n2', lsn('0/5000100')) };
  const unfit = { ...restored, said: restored.said === null ? null : { ...restored.said, position: null } };
  const old = { ...unfit, askedMs: instantMs(asked.nowMs - 5_000) };
  const waiting = decide({ ...asked, peers: [old] });
  assert.equal(waiting.rule, 'leading.requested');
  assert.deepEqual(
    waiting.actions.map(({ kind }) => kind).filter((kind) => kind !== 'renewLease'),
    ['askPeers'],
  );
  const refused = decide({ ...asked, peers: [{ ...unfit, askedMs: instantMs(asked.nowMs - 100) }] });
  assert.ok(refused.actions.some(({ kind }) => kind === 'clearFailover'));
});

test('a switchover stops PostgreSQL after a checkpoint, hands over when the candidate has the shutdown record, and follows', () => {
  const first = decide(asked);
  assert.equal(first.rule, 'leading.requested');
  const job = jobOf(asked);
  assert.ok(job?.kind === 'stop' && job.checkpointFirst);
  const stopped: Observation = {
    ...asked,
    postgres: cleanlyStopped,
    memory: first.memory,
    jobs: {
      kind: 'idle',
      last: {
        job,
        ended: 'done',
        error: null,
        startedMs: asked.nowMs,
        endedMs: asked.nowMs,
        divergence: null,
        stage: 'fast',
      },
    },
  };
  const behind = { ...stopped, peers: [peer('n2', control.checkpoint), peer('n3', lsn('0/5000100'))] };
  assert.deepEqual(kinds(behind), ['askPeers']);
  const caught = decide(stopped);
  assert.equal(caught.rule, 'switchover.handOver');
  assert.deepEqual(caught.actions, [{ kind: 'releaseLeaderKey', lsn: control.checkpoint }]);
});

test('a switchover to a silent or nofailover candidate is refused and cleared', () => {
  for (const peers of [[silent('n2')], [peer('n2', lsn('0/5000100'), { nofailover: true })]]) {
    assert.deepEqual(decide({ ...asked, peers }).actions, [{ kind: 'clearFailover', seenModRevision: revision(95n) }]);
  }
});

test('an unreadable schedule is cleared, never acted on', () => {
  const seen = withCluster(asked, {
    failover: { leader: 'n1', candidate: 'n2', scheduledAt: null, problem: 'not a time', modRevision: revision(95n) },
  });
  assert.deepEqual(kinds(seen), ['clearFailover']);
});

test('an old primary that stopped uncleanly is recovered, compared, and rewound before it follows', () => {
  const back: Observation = { ...following, postgres: crashed };
  assert.equal(jobOf(back)?.kind, 'crashRecovery');
  const clean: Observation = { ...following, postgres: cleanlyStopped };
  const check = jobOf(clean);
  assert.equal(check?.kind, 'checkDivergence');
  const last = {
    job: check,
    ended: 'done',
    error: null,
    startedMs: clean.nowMs,
    endedMs: clean.nowMs,
    stage: null,
  } as const;
  const diverged: Observation = {
    ...clean,
    jobs: {
      kind: 'idle',
      last: {
        ...last,
        divergence: { kind: 'diverged', forkTimeline: timeline(5), forkLsn: lsn('0/5000000'), myLsn: lsn('0/5000100') },
      },
    },
  };
  assert.equal(jobOf(diverged)?.kind, 'rewind');
  assert.equal(
    jobOf({ ...clean, jobs: { kind: 'idle', last: { ...last, divergence: { kind: 'none' } } } })?.kind,
    'startStandby',
  );
  // Missing information never counts as diverged: it is asked again, after a breath.
  const unknown = { ...last, divergence: { kind: 'unknown', why: 'no answer' } } as const;
  assert.equal(jobOf({ ...clean, jobs: { kind: 'idle', last: unknown } }), undefined);
  const earlier = { ...unknown, endedMs: instantMs(clean.nowMs - 300) };
  assert.equal(jobOf({ ...clean, jobs: { kind: 'idle', last: earlier } })?.kind, 'checkDivergence');
});

test('a diverged node without pg_rewind and without a setting that allows a wipe is left to a human', () => {
  const seen = withSettings(
    {
      ...following,
      postgres: cleanlyStopped,
      memory: {
        ...following.memory,
        divergence: { leader: 'n1', leaderTimeline: null, term: term(40n), verdict: 'diverged', rewound: false },
      },
    },
    { postgres: { usePgRewind: false } },
  );
  assert.equal(jobOf(seen), undefined);
  assert.ok(decide(seen).because.some(([name]) => name === 'needsOperator'));
});

test('foreign data ends the agent and touches nothing', () => {
  const seen = withCluster(leading, {
    initialize: { kind: 'done', systemId: '1234567890', modRevision: revision(2n) },
  });
  const decision = decide(seen);
  assert.equal(decision.rule, 'data.foreign');
  assert.deepEqual(
    decision.actions.map(({ kind }) => kind),
    ['exit'],
  );
  assert.deepEqual(decision.upkeep, []);
});

test('paused: nothing is started, stopped or promoted, and the lease goes on', () => {
  const pausedLeader = withSettings(
    { ...leading, held: { ...held, sentMs: instantMs(leading.nowMs - 11_000) } },
    { cluster: { pause: true } },
  );
  assert.deepEqual(kinds(pausedLeader), ['renewLease']);
  assert.deepEqual(kinds(withSettings(vacant, { cluster: { pause: true } })), []);
  assert.deepEqual(kinds(withSettings({ ...following, postgres: cleanlyStopped }, { cluster: { pause: true } })), []);
});

test('a standby that was cut off from etcd stays a standby', () => {
  assert.deepEqual(kinds(unreachable(following)), []);
  assert.equal(jobOf(unreachable({ ...following, postgres: cleanlyStopped }))?.kind, 'startStandby');
});

test('a standby whose upstream changed turns to the new one', () => {
  const seen = withCluster(following, { leader: { ...leaderKey('n3'), term: term(44n) } });
  const job = jobOf(seen);
  assert.ok(job?.kind === 'follow' && job.upstream?.host === 'n3');
});

test('an empty node clones from the leader, bootstraps when it wins the key to, or waits', () => {
  const empty: Observation = { ...following, postgres: { kind: 'noData' } };
  assert.equal(jobOf(empty)?.kind, 'clone');
  const first = withCluster(empty, { leader: null, initialize: { kind: 'absent' } });
  assert.deepEqual(kinds(first), ['claimInitialize', 'startJob']);
  assert.deepEqual(
    kinds(
      withCluster(first, {
        initialize: {
          kind: 'bootstrapping',
          modRevision: revision(1n),
          createRevision: revision(1n),
          owner: { name: 'n3', modRevision: revision(1n) },
        },
      }),
    ),
    [],
  );
});

test('a standby never gives a wiped store its identity; a primary does', () => {
  assert.deepEqual(kinds(withCluster(following, { leader: null, initialize: { kind: 'absent' } })), []);
  assert.equal(decide(withCluster(leading, { initialize: { kind: 'absent' } })).actions[0]?.kind, 'writeInitialize');
});

test('SIGTERM on the primary: stop, hand over, leave', () => {
  const stop = { ...leading, asks: [{ id: 1, kind: 'stop' } as const], peers: [peer('n2', lsn('0/5000100'))] };
  assert.equal(jobOf(stop)?.kind, 'stop');
  const down = { ...stop, postgres: cleanlyStopped };
  assert.deepEqual(kinds(down), ['releaseLeaderKey']);
  assert.deepEqual(kinds({ ...withCluster(down, { leader: null }), held: null }), ['exit']);
});

test('the guard is disarmed only where nothing can write and no lease is held', () => {
  const armed = { ...following, guard: leading.guard };
  assert.ok(decide(armed).upkeep.some(({ kind }) => kind === 'disarmGuard'));
  for (const seen of [leading, { ...armed, postgres: primary }, won])
    assert.ok(!decide(seen).upkeep.some(({ kind }) => kind === 'disarmGuard'));
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
