import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Job } from '../../src/model/job.ts';
import type { Observation } from '../../src/model/observation.ts';
import { instantMs, leaseId, lsn, revision, term, timeline, wallMs } from '../../src/model/units.ts';
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
  peer,
  primary,
  standby,
  systemId,
  unreachable,
  withCluster,
  withSettings,
} from './values.ts';

const pause = (seen: Observation): Observation => withSettings(seen, { cluster: { pause: true } });
const stop: Job = {
  kind: 'stop',
  mode: 'fast',
  why: 'switchover',
  checkpointFirst: true,
  budget: { immediateAtMs: null, killAtMs: null },
};
const request = { leader: 'n1', candidate: 'n2', scheduledAt: null, problem: null, modRevision: revision(95n) };
const steppingDown = { term: held.term, candidate: 'n2', sinceMs: leading.nowMs, shutdownLsn: null, givenUp: false };
const handingOver = pause(
  withCluster(
    after({ ...leading, postgres: cleanlyStopped, memory: { ...leading.memory, stepDown: steppingDown } }, stop),
    { failover: request },
  ),
);

test('paused: what a switchover began is brought to its end: handed over only with the shutdown checkpoint', () => {
  const behind = { ...handingOver, peers: [peer('n2', control.checkpoint), peer('n3', lsn('0/5000100'))] };
  assert.deepEqual(kinds(behind), ['askPeers']);
  const caught = decide({ ...handingOver, peers: [peer('n2', lsn('0/5000100'))] });
  assert.equal(caught.rule, 'switchover.handOver');
  assert.deepEqual(caught.actions, [{ kind: 'releaseLeaderKey', lsn: control.checkpoint }]);
});

test('a position on another timeline is no shutdown checkpoint', () => {
  const diverged = peer('n2', lsn('0/9000000'), { timeline: timeline(4) });
  assert.deepEqual(kinds({ ...handingOver, peers: [diverged] }), ['askPeers']);
});

test('paused: nobody has the shutdown checkpoint in time: the request is cleared, and the primary starts again', () => {
  const late = {
    ...after(handingOver, stop, { endedMs: instantMs(handingOver.nowMs - 3_001) }),
    peers: [peer('n2', control.checkpoint)],
  };
  const given = decide(late);
  assert.deepEqual(given.actions, [{ kind: 'clearFailover', seenModRevision: revision(95n) }]);
  const next = withCluster({ ...late, memory: given.memory, guard: following.guard }, { failover: null });
  assert.equal(jobOf(next)?.kind, 'startPrimary');
});

test('paused: the old primary of a switchover follows the new one; what people stopped stays stopped', () => {
  const down = pause({ ...following, postgres: cleanlyStopped });
  assert.deepEqual(kinds(down), []);
  const ours = { ...down, memory: { ...down.memory, stepDown: { ...steppingDown, shutdownLsn: control.checkpoint } } };
  assert.equal(jobOf(ours)?.kind, 'checkDivergence');
});

test('paused: a primary that people stopped gives the key away with its last position, and no request acts on it unseen', () => {
  const stopped = pause({ ...leading, postgres: cleanlyStopped });
  assert.deepEqual(decide(stopped).actions, [{ kind: 'releaseLeaderKey', lsn: control.checkpoint }]);
  assert.deepEqual(kinds(withCluster(stopped, { failover: request })), ['clearFailover', 'releaseLeaderKey']);
  assert.deepEqual(decide(pause({ ...leading, postgres: crashed })).actions, [{ kind: 'releaseLeaderKey', lsn: null }]);
});

test('paused: a running primary takes the free key, unless the cluster went on without it', () => {
  const free = pause({ ...withCluster(leading, { leader: null }), held: null });
  const writesUntilMs = free.guard.kind === 'present' ? free.guard.armedMs : null;
  assert.deepEqual(decide(free).actions, [{ kind: 'acquireLeaderKey', seenRevision: cluster.revision, writesUntilMs }]);
  assert.deepEqual(kinds(withCluster(free, { initialize: { kind: 'absent' } })), ['acquireLeaderKey']);
  assert.deepEqual(kinds(withCluster(free, { clusterTimeline: timeline(6) })), []);
  const newer = peer('n2', lsn('0/6000100'), { runsAsPrimary: true, timeline: timeline(6) });
  assert.deepEqual(kinds({ ...free, peers: [newer] }), []);
  const askedAgain = { ...newer, last: { kind: 'waiting', sinceMs: free.nowMs } } as const;
  assert.deepEqual(kinds({ ...free, peers: [askedAgain] }), [], 'what it said stands while it is asked again');
  const gone = { ...newer, last: { kind: 'silent', atMs: free.nowMs, why: 'no answer' } } as const;
  assert.deepEqual(kinds({ ...free, peers: [gone] }), ['acquireLeaderKey'], 'nobody knows whether it is there still');
  assert.deepEqual(kinds(withCluster(free, { leader: leaderKey('n2') })), []);
  assert.deepEqual(kinds(withCluster(free, { leader: { ...leaderKey('n1'), lease: leaseId(9n) } })), []);
});

test('paused: a standby that holds the key gives it back, unless it was named to take over', () => {
  const seen = pause({ ...leading, postgres: standby });
  assert.equal(decide(seen).rule, 'paused.standbyWithKey');
  assert.deepEqual(decide(seen).actions, [{ kind: 'releaseLeaderKey', lsn: null }]);
  const named = withCluster(seen, { failover: { ...request, leader: 'n2', candidate: 'n1' } });
  assert.equal(jobOf(named)?.kind, 'promote');
});

const keptUp = (seen: Observation): readonly string[] => decide(seen).upkeep.map(({ kind }) => kind);
const told = withCluster(leading, { unfenced: 'n1' });

test('paused: an armed guard is disarmed also beside a checkpoint, and with no guardian the dead-man switch rests', () => {
  const disarms = (seen: Observation): boolean => keptUp(seen).includes('disarmGuard');
  const busy = (job: Job): Observation =>
    pause({
      ...told,
      jobs: { kind: 'busy', job, sinceMs: leading.nowMs, progress: null, cancelling: false, last: null },
    });
  assert.ok(disarms(pause(told)));
  assert.ok(disarms(busy({ kind: 'checkpoint' })));
  assert.ok(!disarms(busy(stop)));
  assert.ok(disarms(pause({ ...told, guard: { kind: 'off' } })));
  assert.ok(!disarms({ ...told, guard: { kind: 'off' } }));
});

test('paused: before its guard is disarmed the cluster knows who is left without one; armed again, that is taken back', () => {
  const tells = (seen: Observation) => decide(seen).upkeep.filter(({ kind }) => kind === 'writeUnfenced');
  const { term: mine } = held;
  for (const untold of [leading, withCluster(leading, { unfenced: 'n3' })]) {
    assert.deepEqual(tells(pause(untold)), [{ kind: 'writeUnfenced', name: 'n1', term: mine }]);
    assert.ok(!keptUp(pause(untold)).includes('disarmGuard'));
  }
  assert.deepEqual(tells(pause(told)), []);
  assert.ok(!keptUp(unreachable(pause(leading))).includes('disarmGuard'), 'it could not be told');
  const disarmed = { ...told, guard: { ...told.guard, armedMs: null } } as Observation;
  assert.deepEqual(tells(disarmed), [], 'not before it is armed');
  assert.deepEqual(tells(told), [{ kind: 'writeUnfenced', name: null, term: mine }]);
  assert.deepEqual(tells(withCluster(following, { unfenced: 'n1' })), [], 'it is the leader who knows');
});

const asksReinit = pause({ ...following, asks: [{ id: 7, kind: 'reinitialize', force: false, fromLeader: false }] });
const premise = { term: term(40n), leader: 'n1', systemId };

test('paused: a fresh copy that was asked for is made to its end, and its server started', () => {
  const first = jobOf(asksReinit);
  assert.ok(first?.kind === 'stop' && first.mode === 'immediate' && first.budget.killAtMs !== null);
  const busy = { kind: 'busy', job: first, sinceMs: asksReinit.nowMs, progress: null, cancelling: false } as const;
  const stopping = decide({ ...asksReinit, jobs: { ...busy, last: null } });
  assert.deepEqual([stopping.rule, stopping.answers], ['asked.reinitialize', []]);
  const removal = jobOf({ ...asksReinit, postgres: cleanlyStopped });
  assert.equal(removal?.kind, 'removeData');
  const empty = decide({ ...asksReinit, postgres: { kind: 'noData' } });
  assert.equal(empty.answers[0]?.kind, 'accepted');

  const clone: Job = { kind: 'clone', from: { member: 'n1', host: 'n1', port: 5432, slot: null }, premise };
  assert.ok(cleanlyStopped.kind === 'stopped');
  const copy = { ...cleanlyStopped, standbySignal: true };
  const copied = after({ ...asksReinit, asks: [], postgres: copy }, clone);
  assert.equal(jobOf(copied)?.kind, 'startStandby');
  // Without such work an empty node waits for the pause to end.
  assert.deepEqual(kinds(pause({ ...following, postgres: { kind: 'noData' } })), []);
});

const restart: Observation['asks'][number] = {
  id: 8,
  kind: 'restart',
  role: null,
  pendingOnly: false,
  belowVersion: null,
  timeoutMs: null,
  schedule: null,
  raw: {},
};

test('a leader is restarted as the primary it is, whether it is stopped or gives no answer', () => {
  const unresponsive: Observation['postgres'] = {
    kind: 'unresponsive',
    pid: primary.pid,
    sinceMs: leading.nowMs,
    believed: 'primary',
    why: 'no answer',
    control,
  };
  for (const postgres of [primary, cleanlyStopped, crashed, unresponsive]) {
    const job = jobOf({ ...leading, postgres, asks: [restart] });
    assert.ok(job?.kind === 'restart' && job.as === 'primary', postgres.kind);
    assert.equal(job.premise.term, held.term);
  }
  const job = jobOf({ ...following, asks: [restart] });
  assert.ok(job?.kind === 'restart' && job.as === 'standby');
});

test('a restart that was planned keeps to all that was asked of it: the version, and how long the start may take', () => {
  const at = wallMs(leading.wallMs + 1_000);
  const due = (asked: Partial<typeof restart>) => {
    const { memory } = decide({ ...leading, asks: [{ ...restart, ...asked, schedule: at }] });
    return jobOf({ ...leading, wallMs: wallMs(at + 500), memory });
  };
  const job = due({ timeoutMs: 7_000, belowVersion: primary.serverVersion + 1 });
  assert.ok(
    job?.kind === 'restart' && job.limitMs === 7_000,
    JSON.stringify(job, (_, v) => String(v)),
  );
  assert.notEqual(due({ belowVersion: primary.serverVersion })?.kind, 'restart');
});

test('no primary is made a standby by a restart: without the key, or without etcd, it is refused', () => {
  const refused = (seen: Observation): boolean => decide({ ...seen, asks: [restart] }).answers[0]?.kind === 'refused';
  assert.ok(refused(unreachable(leading)));
  assert.ok(refused(pause({ ...withCluster(leading, { leader: leaderKey('n2') }), held: null })));
  assert.ok(refused(pause({ ...following, postgres: cleanlyStopped })));
});

test('paused: a stopped primary whose restart is asked for takes the free key first', () => {
  const free = pause({ ...withCluster({ ...leading, postgres: cleanlyStopped }, { leader: null }), held: null });
  const first = decide({ ...free, asks: [restart] });
  assert.deepEqual(first.actions, [{ kind: 'acquireLeaderKey', seenRevision: cluster.revision }]);
  assert.deepEqual(first.answers, []);
});
