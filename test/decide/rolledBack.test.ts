import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import { wantedUpstream } from '../../src/decide/judge.ts';
import type { Job } from '../../src/model/job.ts';
import { needIn } from '../../src/model/need.ts';
import type { Observation } from '../../src/model/observation.ts';
import { type InstantMs, instantMs, later, lsn, term, timeline } from '../../src/model/units.ts';
import {
  cluster,
  crashed,
  doneJob,
  following,
  leaderKey,
  leading,
  peer,
  standby,
  vacant,
  withCluster,
  withSettings,
} from './values.ts';

/** The disk of a primary was put back: what it asks before it goes on, and what a standby does that has more. */

const down: Observation = { ...leading, postgres: crashed };
const ago = (ms: number): InstantMs => later(down.nowMs, -ms);
const jobOf = (seen: Observation): Job | undefined =>
  decide(seen).actions.flatMap((action) => (action.kind === 'startJob' ? [action.job] : []))[0];
const kinds = (seen: Observation): readonly string[] => decide(seen).actions.map(({ kind }) => kind);
const asked = (seen: Observation): Observation => ({
  ...seen,
  memory: { ...seen.memory, crash: { sinceMs: ago(300), attemptsMs: [] } },
  peers: seen.peers.map((one) => ({ ...one, askedMs: ago(10), last: { kind: 'answered', atMs: ago(5) } as const })),
});
const at = lsn('0/5000200');

test('a start in place must reach whoever replayed most of this very timeline', () => {
  const peers = [
    peer('n2', at, { replayed: at }),
    peer('n3', lsn('0/9000000'), { replayed: lsn('0/9000000'), timeline: timeline(4) }),
  ];
  const job = jobOf(asked({ ...down, peers }));
  assert.ok(job?.kind === 'startPrimary');
  assert.deepEqual(job.mustReach, { member: 'n2', lsn: at });
  const foreign = jobOf(asked({ ...down, peers: [peer('n2', at, { replayed: at, systemId: '1' })] }));
  assert.ok(foreign?.kind === 'startPrimary' && foreign.mustReach === undefined);
});

test('the others are asked first, for 300 ms at most, and whoever is known not to answer is not waited for', () => {
  const before = {
    ...peer('n2', at, { replayed: at }),
    askedMs: ago(2_000),
    last: { kind: 'answered', atMs: ago(1_990) },
  } as const;
  const first: Observation = {
    ...down,
    peers: [before],
    memory: { ...down.memory, crash: { sinceMs: ago(100), attemptsMs: [] } },
  };
  assert.deepEqual([decide(first).rule, kinds(first)], ['primary.crashed', ['askPeers']]);
  const over = { ...first, memory: { ...first.memory, crash: { sinceMs: ago(300), attemptsMs: [] } } };
  assert.equal(jobOf(over)?.kind, 'startPrimary');
  const silent = { ...before, last: { kind: 'silent', atMs: ago(1_000), why: 'no answer' } } as const;
  assert.equal(jobOf({ ...first, startedMs: instantMs(0), peers: [silent] })?.kind, 'startPrimary');
  const begun = { ...first, startedMs: ago(50), peers: [{ ...silent, askedMs: null }] };
  assert.deepEqual(kinds(begun), ['askPeers'], 'nobody was asked by this agent');
  const dead = { ...before, askedMs: ago(60_000), last: { kind: 'waiting', sinceMs: ago(50) } } as const;
  assert.equal(jobOf({ ...first, peers: [dead] })?.kind, 'startPrimary');
  assert.equal(jobOf(asked(first))?.kind, 'startPrimary');
});

const premise = { term: term(40n), leader: 'n1', systemId: null };
const left = (seen: Observation): Observation => ({
  ...asked(seen),
  jobs: {
    kind: 'idle',
    last: doneJob({ kind: 'startPrimary', premise, limitMs: 1 }, ago(20), {
      ended: 'failed',
      error: 'not started',
      behind: { member: 'n2', lsn: at },
    }),
  },
});

test('a primary whose disk was put back gives way to whoever has more, and goes on where nobody who has may lead', () => {
  const gives = left({ ...down, peers: [peer('n2', at, { replayed: at }), peer('n3', lsn('0/5000100'))] });
  const decision = decide(gives);
  assert.deepEqual([decision.rule, kinds(gives)], ['primary.rolledBack', ['releaseLeaderKey']]);
  assert.deepEqual(
    decision.because.find(([name]) => name === 'successors'),
    ['successors', 'n2'],
  );
  assert.equal(decision.memory.noRaceBeforeMs, later(gives.nowMs, gives.settings.cluster.ttlMs));
  const tagged = left({ ...down, peers: [peer('n2', at, { replayed: at, nofailover: true })] });
  const job = jobOf(tagged);
  assert.ok(job?.kind === 'startPrimary' && job.mustReach === undefined, 'it was asked for already');
});

test('whoever is ahead is asked once more where its answer is old by then, for a second at most', () => {
  const seen = left({ ...down, peers: [peer('n2', at, { replayed: at })] });
  const old = {
    ...peer('n2', at, { replayed: at }),
    askedMs: ago(9_000),
    last: { kind: 'answered', atMs: ago(8_990) },
  } as const;
  const asking = { ...seen, peers: [old] };
  assert.deepEqual([decide(asking).rule, kinds(asking)], ['primary.rolledBack', ['askPeers']]);
  const last = seen.jobs.last && { ...seen.jobs.last, endedMs: ago(1_000) };
  assert.equal(jobOf({ ...asking, jobs: { kind: 'idle', last } })?.kind, 'startPrimary');
});

test('whoever may lead is asked again where only one that may not has said to be ahead: it may have looked before that', () => {
  const [n2, n3] = [
    peer('n2', at, { replayed: at, nofailover: true }),
    peer('n3', lsn('0/5000100'), { replayed: lsn('0/5000100') }),
  ];
  const seen = left({ ...down, peers: [n2, n3] });
  assert.deepEqual([decide(seen).rule, kinds(seen)], ['primary.rolledBack', ['askPeers']]);
  const told = left({ ...down, peers: [n2, peer('n3', lsn('0/5000300'), { replayed: lsn('0/5000300') })] });
  assert.deepEqual(kinds(told), ['releaseLeaderKey']);
});

test('in pause nothing is given away over it', () => {
  const seen = withSettings(left({ ...down, peers: [peer('n2', at, { replayed: at })] }), { cluster: { pause: true } });
  assert.notEqual(decide(seen).rule, 'primary.rolledBack');
});

test('whoever gave way starts as a standby of what it has: a recovery in place would write a record of its own', () => {
  const seen: Observation = { ...following, postgres: crashed, jobs: left(down).jobs };
  const job = jobOf(seen);
  assert.ok(job?.kind === 'startStandby' && job.upstream?.member === 'n1');
  assert.equal(jobOf({ ...seen, jobs: { kind: 'idle', last: null } })?.kind, 'crashRecovery');
});

const streaming = (said: string): Observation => ({
  ...following,
  postgres: { ...standby, receiver: { ...(standby.receiver ?? assert.fail()), latestEndLsn: lsn(said) } },
});

test('a stream from a leader that says to be behind is asked about, not more than every five seconds; one from another member is not', () => {
  assert.equal(decide(streaming('0/5000100')).rule, 'standby.following');
  const behind = streaming('0/50000F8');
  assert.deepEqual([decide(behind).rule, jobOf(behind)?.kind], ['standby.aheadOfLeader', 'checkDivergence']);
  const check: Job = {
    kind: 'checkDivergence',
    from: { member: 'n1', host: 'n1', port: 5432, slot: null },
    leaderTimeline: null,
  };
  const answered = (agoMs: number): Observation => ({
    ...behind,
    jobs: { kind: 'idle', last: doneJob(check, ago(agoMs), { divergence: { kind: 'none' } }) },
  });
  assert.equal(decide(answered(4_000)).rule, 'standby.following');
  assert.equal(decide(answered(6_000)).rule, 'standby.aheadOfLeader');
  const cascaded: Observation = {
    ...behind,
    postgres: { ...(behind.postgres as typeof standby), upstream: { host: 'n3', port: 5432, slot: 'n2' } },
  };
  assert.notEqual(decide(cascaded).rule, 'standby.aheadOfLeader');
});

const found = (seen: Observation): Observation => ({
  ...seen,
  jobs: {
    kind: 'idle',
    last: doneJob(
      { kind: 'checkDivergence', from: { member: 'n1', host: 'n1', port: 5432, slot: null }, leaderTimeline: null },
      ago(20),
      { divergence: { kind: 'ahead', myLsn: lsn('0/5000100'), leaderLsn: lsn('0/5000080') } },
    ),
  },
});
const known = (seen: Observation): Observation => ({ ...seen, memory: decide(found(seen)).memory });

test('a standby that is ahead of its leader follows nobody, says what to do, and does so for the whole reign', () => {
  const seen = found(following);
  const job = jobOf(seen);
  assert.deepEqual(job, { kind: 'follow', upstream: null, endReceiver: true });
  assert.match(
    needIn(decide(seen).because) ?? '',
    /has replayed 0\/5000100, and its leader n1 was at 0\/5000080 of the same timeline: the disk of n1 was rolled back.*failover --candidate n2, then reinit all others.*reinit n2/,
  );
  const quiet = known({ ...following, postgres: { ...standby, upstream: null, receiver: null } });
  assert.deepEqual([decide(quiet).rule, kinds(quiet)], ['standby.aheadOfLeader', []]);
  assert.notEqual(needIn(decide(quiet).because), null);
  assert.equal(
    wantedUpstream(quiet, (name) => name),
    null,
  );
  const later = { ...quiet, jobs: { kind: 'idle', last: null } } as const;
  assert.equal(decide(later).rule, 'standby.aheadOfLeader', 'the leader has gone on');
  assert.equal(decide(withSettings(later, { cluster: { pause: true } })).rule, 'standby.aheadOfLeader');
  const stopped: Observation = {
    ...later,
    postgres: { ...crashed, control: standby.control, standbySignal: true } as never,
  };
  const start = jobOf(stopped);
  assert.ok(start?.kind === 'startStandby' && start.upstream === null, 'it still serves reads');
});

test('what was found of one reign counts for no other, nor for a server that was put back', () => {
  const seen = known({ ...following, postgres: { ...standby, upstream: null, receiver: null } });
  const other = withCluster(seen, { leader: { ...leaderKey('n1'), term: term(41n) } });
  assert.equal(decide(other).rule, 'standby.follow');
  const put = { ...seen, postgres: { ...standby, replayedLsn: lsn('0/5000080'), upstream: null, receiver: null } };
  assert.equal(decide(put).rule, 'standby.follow');
});

test('a replay that stands while more is there is told after half a minute, however often a receiver is seen', () => {
  const stands = { ...standby, cannotReplay: true, receiver: null };
  let seen: Observation = { ...following, postgres: stands };
  seen = { ...seen, memory: decide(seen).memory };
  assert.deepEqual(seen.memory.replayStands, { lsn: stands.replayedLsn, sinceMs: seen.nowMs });
  const check: Job = {
    kind: 'checkDivergence',
    from: { member: 'n1', host: 'n1', port: 5432, slot: null },
    leaderTimeline: null,
  };
  const after = (ms: number, postgres: Observation['postgres']): Observation => {
    const nowMs = later(seen.nowMs, ms);
    return {
      ...seen,
      nowMs,
      postgres,
      jobs: { kind: 'idle', last: doneJob(check, later(nowMs, -100), { divergence: { kind: 'none' } }) },
    };
  };
  assert.equal(decide(after(29_000, standby)).rule, 'standby.following', 'one is seen now and then');
  const stuck = decide(after(30_000, standby));
  assert.equal(stuck.rule, 'standby.notStreaming');
  assert.match(
    needIn(stuck.because) ?? '',
    /replay stands at 0\/5000100: what its leader n1 has there does not continue what is here.*reinit n2/,
  );
  const moved = after(30_000, { ...standby, replayedLsn: lsn('0/5000108') });
  assert.deepEqual([decide(moved).rule, decide(moved).memory.replayStands], ['standby.following', null]);
});

test('what cannot be read for twenty seconds needs people, with the remedy for its cause', () => {
  const need = (why: string, forMs: number, from: Observation = following): string | null => {
    const seen: Observation = { ...from, postgres: { kind: 'unreadable', why } };
    return needIn(
      decide({ ...seen, memory: { ...seen.memory, unreadableSinceMs: later(seen.nowMs, -forMs) } }).because,
    );
  };
  assert.equal(need('/data: EACCES: permission denied', 19_000), null);
  assert.match(
    need('/data: EACCES: permission denied', 20_000) ?? '',
    /^\/data: EACCES.*: give .* to the user that this agent runs as/,
  );
  assert.match(need('the disk does not answer for 30000 ms', 20_000) ?? '', /see to the disk/);
  assert.match(need('pg_controldata: spawn pg_controldata ENOENT', 20_000) ?? '', /bin_dir/);
  assert.match(need('/data holds files (base) but no global/pg_control', 20_000) ?? '', /or reinit n2/);
  const alone = withCluster(following, { leader: null });
  assert.doesNotMatch(need('/data holds files (base) but no global/pg_control', 20_000, alone) ?? '', /reinit/);
  const first: Observation = { ...following, postgres: { kind: 'unreadable', why: 'x' } };
  assert.equal(decide(first).memory.unreadableSinceMs, first.nowMs);
  assert.equal(decide({ ...following, memory: decide(first).memory }).memory.unreadableSinceMs, null);
});

test('paused: a primary beside the leader, and a cluster without one, say that only people can end it', () => {
  const pause = (seen: Observation): Observation => withSettings(seen, { cluster: { pause: true } });
  const beside = pause({ ...withCluster(leading, { leader: leaderKey('n2') }), held: null });
  assert.equal(decide(beside).rule, 'paused.primaryWithoutKey');
  assert.match(needIn(decide(beside).because) ?? '', /accepts writes here beside the cluster, where n2 leads.*resume/);
  const behind = pause({ ...withCluster(leading, { leader: null, clusterTimeline: timeline(6) }), held: null });
  assert.match(needIn(decide(behind).because) ?? '', /which is on a newer timeline/);
  const taken = pause({ ...withCluster(leading, { leader: null }), held: null });
  assert.equal(needIn(decide(taken).because), null);
});

test('a vacancy that lasts says what people can do: in pause after a ttl, else after two, where a guardian or commits are missing', () => {
  const since = (ms: number): Observation => {
    const dcs = vacant.dcs.kind === 'reachable' ? vacant.dcs : assert.fail();
    const vacancy = dcs.vacancy === null ? null : { ...dcs.vacancy, sinceMs: later(vacant.nowMs, -ms) };
    return { ...vacant, startedMs: instantMs(0), dcs: { ...dcs, sinceMs: instantMs(0), vacancy } };
  };
  const need = (seen: Observation): string | null => needIn(decide(seen).because);
  const paused = (ms: number): Observation => withSettings(since(ms), { cluster: { pause: true } });
  const { ttlMs } = vacant.settings.cluster;
  assert.deepEqual([decide(paused(ttlMs)).rule, need(paused(ttlMs))], ['race.paused', null]);
  assert.match(need(paused(ttlMs + 1)) ?? '', /paused, and nobody leads: .*failover --candidate n2, or end the pause/);
  const unguarded = (ms: number): Observation => ({ ...since(ms), guard: { kind: 'absent', why: 'no room' } });
  assert.deepEqual([decide(unguarded(1_000)).rule, need(unguarded(1_000))], ['race.notEligible', null]);
  assert.match(need(unguarded(2 * ttlMs)) ?? '', /see to its guardian \(no room\)/);
  assert.equal(need(withSettings(unguarded(2 * ttlMs), { tags: { nofailover: true } })), null);
  const far: Observation = { ...since(2 * ttlMs), postgres: { ...standby, receivedLsn: lsn('0/1000000') } };
  assert.match(
    need(withCluster(far, { status: { ...(cluster.status ?? assert.fail()), optime: lsn('0/9000000') } })) ?? '',
    /failover --candidate n2 \(commits may be lost\)/,
  );
});
