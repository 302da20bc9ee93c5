import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Divergence } from '../../src/model/job.ts';
import type { Observation } from '../../src/model/observation.ts';
import { instantMs, leaseId, lsn, revision, term, timeline } from '../../src/model/units.ts';
import { jobOf, kinds } from './read.ts';
import {
  after,
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
  won,
} from './values.ts';

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
  const stop = jobOf(other);
  assert.ok(stop?.kind === 'stop' && stop.mode === 'immediate');
  // However far away the deadline of the lost lease is.
  assert.ok(stop.budget.killAtMs !== null && stop.budget.killAtMs <= other.nowMs + 500);
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

test('a lost key is never put again by a renewal: a running primary asks for a new term, if its timeline is the newest [lesson 1]', () => {
  const gone = { ...withCluster(leading, { leader: null }), held: null };
  const armedMs = gone.guard.kind === 'present' ? gone.guard.armedMs : null;
  assert.ok(armedMs !== null);
  const asks = { kind: 'acquireLeaderKey', seenRevision: cluster.revision } as const;
  assert.deepEqual(decide(gone).actions, [{ ...asks, writesUntilMs: armedMs }]);
  const disarmed = { ...gone, guard: { ...following.guard } };
  assert.deepEqual(decide(disarmed).actions, [{ ...asks, writesUntilMs: gone.nowMs }]);
  const behind = { ...withCluster(leading, { leader: null, clusterTimeline: timeline(6) }), held: null };
  assert.ok(jobOf(behind)?.kind === 'stop');
});

test('a key that went in pause is asked for anew when the pause is over: the deadline of the lease before counts no more', () => {
  const over: Observation = {
    ...withCluster(leading, { leader: null }),
    held: { ...held, deadlineMs: instantMs(leading.nowMs - 84_000) },
    guard: { ...following.guard },
  };
  assert.deepEqual(kinds(over), ['dropLease']);
  assert.deepEqual(kinds({ ...over, held: null }), ['acquireLeaderKey']);
  assert.equal(jobOf({ ...over, guard: leading.guard })?.kind, 'stop', 'a guard that is armed has its deadline');
  assert.ok(
    jobOf({ ...over, dcs: unreachable(leading).dcs })?.kind === 'stop',
    'while etcd does not say so it is running out',
  );
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

test('an old primary that stopped uncleanly is recovered, compared, and rewound before it follows [lesson 60]', () => {
  const back: Observation = { ...following, postgres: crashed };
  assert.equal(jobOf(back)?.kind, 'crashRecovery');
  const clean: Observation = { ...following, postgres: cleanlyStopped };
  const check = jobOf(clean);
  assert.ok(check?.kind === 'checkDivergence');
  const found = (divergence: Divergence, endedMs = clean.nowMs): Observation =>
    after(clean, check, { divergence, endedMs });
  const fork = { forkTimeline: timeline(5), forkLsn: lsn('0/5000000'), myLsn: lsn('0/5000100') };
  assert.equal(jobOf(found({ kind: 'diverged', ...fork }))?.kind, 'rewind');
  assert.equal(jobOf(found({ kind: 'none' }))?.kind, 'startStandby');
  // Missing information never counts as diverged: it is asked again, after a breath.
  const unknown = { kind: 'unknown', why: 'no answer' } as const;
  assert.equal(jobOf(found(unknown)), undefined);
  assert.equal(jobOf(found(unknown, instantMs(clean.nowMs - 300)))?.kind, 'checkDivergence');
});

test('a rewind that ends while etcd is away is remembered: what it repaired is not diverged any more', () => {
  const clean: Observation = { ...following, postgres: cleanlyStopped };
  const check = jobOf(clean);
  assert.ok(check?.kind === 'checkDivergence');
  const fork = { forkTimeline: timeline(5), forkLsn: lsn('0/5000000'), myLsn: lsn('0/5000100') };
  const diverged = after(clean, check, { divergence: { kind: 'diverged', ...fork } });
  const rewind = jobOf(diverged);
  assert.ok(rewind?.kind === 'rewind');
  const blind = decide({ ...after(diverged, rewind), dcs: unreachable(clean).dcs });
  const started = after({ ...clean, memory: blind.memory }, { kind: 'startStandby', upstream: null });
  assert.equal(jobOf(started)?.kind, 'startStandby');
});

test('a diverged standby that crashed comes up once more: pg_rewind wants a clean end, and makes none of a standby', () => {
  const divergence = {
    leader: 'n1',
    leaderTimeline: null,
    term: term(40n),
    verdict: 'diverged',
    rewound: false,
  } as const;
  const memory = { ...following.memory, divergence };
  assert.ok(cleanlyStopped.kind === 'stopped');
  const stopped = cleanlyStopped;
  const down = (state: 'in archive recovery' | 'shut down in recovery'): Observation => ({
    ...following,
    memory,
    postgres: { ...stopped, standbySignal: true, control: { ...stopped.control, state } },
  });
  assert.equal(jobOf(down('in archive recovery'))?.kind, 'startStandby');
  assert.equal(jobOf(down('shut down in recovery'))?.kind, 'rewind');
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
  const first = withCluster(empty, {
    leader: null,
    initialize: { kind: 'absent' },
    members: [member('n2'), member('n3', { role: 'uninitialized', state: 'stopped' })],
    clusterTimeline: null,
    status: null,
    history: null,
  });
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

test('an empty node begins no cluster where one may be: a member says so, or there was one a moment ago', () => {
  const gone = {
    leader: null,
    initialize: { kind: 'absent' },
    clusterTimeline: null,
    status: null,
    history: null,
  } as const;
  const empty: Observation = { ...following, postgres: { kind: 'noData' }, peers: [] };
  const alone = withCluster(empty, { ...gone, members: [member('n2')] });
  assert.deepEqual(kinds(alone), ['claimInitialize', 'startJob']);
  assert.deepEqual(kinds(withCluster(empty, { ...gone, members: [member('n1', { role: 'primary' })] })), ['askPeers']);
  assert.deepEqual(kinds(withCluster(empty, { ...gone, members: [member('n1')] })), ['askPeers'], 'a standby');
  assert.deepEqual(kinds(withCluster(alone, { status: cluster.status })), ['askPeers'], 'a leader wrote it');
  const answers = { ...alone, peers: [peer('n1', lsn('0/5000100'), { runsAsPrimary: true })] };
  assert.deepEqual(kinds(answers), ['askPeers']);
  const waiting = { kind: 'waiting', sinceMs: alone.nowMs } as const;
  const askedAgain = { ...answers, peers: answers.peers.map((one) => ({ ...one, last: waiting })) };
  assert.deepEqual(kinds(askedAgain), ['askPeers'], 'its word stands while it is asked again');
  assert.ok(alone.dcs.kind === 'reachable');
  const sinceMs = instantMs(alone.nowMs - 29_000);
  const wiped: Observation = {
    ...alone,
    dcs: {
      ...alone.dcs,
      vacancy: { last: leaderKey('n1'), sinceMs, released: false, lease: { kind: 'unknown' } },
    },
  };
  assert.deepEqual(kinds(wiped), ['askPeers']);
  assert.deepEqual(kinds({ ...wiped, nowMs: instantMs(wiped.nowMs + 1_100) }), ['claimInitialize', 'startJob']);
});

test('a standby does not give a wiped store its identity; a primary does [lesson 30]', () => {
  assert.deepEqual(kinds(withCluster(following, { leader: null, initialize: { kind: 'absent' } })), ['askPeers']);
  assert.equal(decide(withCluster(leading, { initialize: { kind: 'absent' } })).actions[0]?.kind, 'writeInitialize');
});

test('without any primary a standby restores the identity that etcd told before, or that all others have', () => {
  const wiped = withCluster(following, {
    leader: null,
    initialize: { kind: 'absent' },
    members: [member('n2'), member('n3')],
  });
  assert.ok(wiped.dcs.kind === 'reachable');
  const sinceMs = instantMs(wiped.nowMs - 29_000);
  const vacancy = { last: leaderKey('n1'), sinceMs, released: false, lease: { kind: 'ended' } } as const;
  const early: Observation = { ...wiped, dcs: { ...wiped.dcs, vacancy }, peers: [] };
  const late: Observation = { ...early, nowMs: instantMs(early.nowMs + 1_100) };
  const known = (seen: Observation, systemId: string): Observation => ({
    ...seen,
    memory: { ...seen.memory, systemId },
  });
  assert.deepEqual(kinds(late), ['askPeers'], 'it never saw who the cluster was');
  assert.deepEqual(kinds(known(early, control.systemId)), ['askPeers'], 'the primary may still come');
  assert.deepEqual(kinds(known(late, control.systemId)), ['writeInitialize']);
  assert.deepEqual(kinds(known(late, '7')), ['askPeers']);
  const says = (systemId: string) => peer('n3', lsn('0/5000100'), { systemId });
  assert.deepEqual(kinds({ ...late, peers: [says(control.systemId)] }), ['writeInitialize']);
  assert.deepEqual(kinds({ ...late, peers: [says('7')] }), ['askPeers']);
  const alone = withCluster(late, { members: [member('n2')] });
  assert.deepEqual(kinds({ ...alone, peers: [says(control.systemId)] }), ['askPeers']);
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

test('a fact is told once, though rule and lease both rest on it', () => {
  const names = decide(leading).because.map(([name]) => name);
  assert.deepEqual(names, [...new Set(names)]);
  assert.ok(names.includes('leaseLeftMs'));
});
