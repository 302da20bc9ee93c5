import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import { memberRecord } from '../../src/decide/upkeep/member.ts';
import type { Divergence, FinishedJob, Job } from '../../src/model/job.ts';
import { needIn } from '../../src/model/need.ts';
import type { Observation } from '../../src/model/observation.ts';
import { instantMs, later, pid, term, timeline } from '../../src/model/units.ts';
import { doneJob, following, standby, withSettings } from './values.ts';

/** A replica that does not get on ends in one clear state, which says what to do; and a repair counts as one once it streams. */

const from = { member: 'n1', host: 'n1', port: 5432, slot: null };
const premise = { term: term(40n), leader: 'n1', systemId: null };
const clone: Job = { kind: 'clone', from, premise };
const quiet: Observation = { ...following, postgres: { ...standby, receiver: null } };
const withLast = (seen: Observation, last: FinishedJob): Observation => ({ ...seen, jobs: { kind: 'idle', last } });
const after = (seen: Observation, ms: number): Observation => ({ ...seen, nowMs: later(seen.nowMs, ms) });
const need = (seen: Observation): string | null => needIn(decide(seen).because);
const jobOf = (seen: Observation) =>
  decide(seen).actions.flatMap((action) => (action.kind === 'startJob' ? [action.job] : []))[0];

/** So many copies, none of which streamed. */
function copied(times: number, seen: Observation = quiet): Observation {
  let now = seen;
  for (let at = 0; at < times; at += 1) {
    now = withLast(after(now, 60_000), doneJob(clone, instantMs(now.nowMs + 59_000)));
    now = { ...now, memory: decide(now).memory };
    now = { ...now, memory: decide(now).memory }; // seen twice, counted once
  }
  return now;
}
const receiving = (seen: Observation, id: number): Observation => {
  const receiver =
    following.postgres.kind === 'running' && following.postgres.role === 'standby' ? following.postgres.receiver : null;
  assert.ok(receiver?.status === 'streaming');
  return { ...seen, postgres: { ...standby, receiver: { ...receiver, pid: pid(id) } } };
};

test('repairs are counted under one leader, each once, and forgotten when a stream lasts; not when a receiver is started again and again', () => {
  assert.equal(copied(2).memory.vain?.repairs, 2);
  let seen = receiving(after(copied(2), 1_000), 7);
  seen = { ...seen, memory: decide(seen).memory };
  const flapping = receiving(after(seen, 20_000), 8);
  assert.equal(decide(flapping).memory.vain?.repairs, 2);
  assert.equal(decide(receiving(after(seen, 9_999), 7)).memory.vain?.repairs, 2);
  assert.equal(decide(receiving(after(seen, 10_000), 7)).memory.vain, null);
});

test('a timeline that the server waits for in vain: it is stopped once to forget it, and keeps off its number from then on', () => {
  const check: Job = { kind: 'checkDivergence', from, leaderTimeline: null };
  const found = (astray: readonly number[]): FinishedJob =>
    doneJob(check, quiet.nowMs, { divergence: { kind: 'none', astray: astray.map(timeline) } });
  const memory = { ...quiet.memory, notStreamingSinceMs: later(quiet.nowMs, -60_000) };
  const stopOf = (seen: Observation): readonly number[] | undefined => {
    const job = jobOf(seen);
    return job?.kind === 'stop' ? job.forgets : undefined;
  };
  const seen = withLast({ ...quiet, memory }, found([7, 6]));
  assert.deepEqual(stopOf(seen), [7, 6]);
  assert.equal(stopOf(receiving(seen, 7)), undefined, 'it streams');
  const stop = jobOf(seen);
  assert.ok(stop !== undefined);
  const remembers = (ended: 'done' | 'failed') =>
    decide(withLast(seen, doneJob(stop, quiet.nowMs, { ended }))).memory.forgottenTimeline;
  assert.deepEqual([remembers('done'), remembers('failed')], [7, null]);
  const again = withLast({ ...quiet, memory: { ...memory, forgottenTimeline: timeline(7) } }, found([7]));
  assert.equal(stopOf(again), undefined, 'something tells it again each time it starts');
  assert.deepEqual(
    decide(again).because.find(([what]) => what === 'astray'),
    ['astray', '7'],
  );
  assert.match(need(after(again, 120_000)) ?? '', /log/);
});

test('whose WAL is gone again after three copies is left as it is, and says what to do', () => {
  const segment = '000000050000000000000005';
  const check = doneJob({ kind: 'checkDivergence', from, leaderTimeline: null }, instantMs(0), {
    divergence: { kind: 'none', walGone: segment },
  });
  const gone = (seen: Observation): Observation => ({
    ...withLast(seen, check),
    memory: {
      ...seen.memory,
      notStreamingSinceMs: later(seen.nowMs, -60_000),
      divergence: {
        leader: 'n1',
        leaderTimeline: null,
        term: term(40n),
        verdict: 'none',
        rewound: true,
        walGone: { segment, times: 3, endedMs: instantMs(0) },
      },
    },
  });
  const copying = { postgres: { removeDataDirectoryOnDivergedTimelines: true } };
  const twice = withSettings(gone(copied(2)), copying);
  assert.equal(jobOf(twice)?.kind, 'stop');
  const thrice = withSettings(gone(copied(3)), copying);
  assert.equal(jobOf(thrice)?.kind, 'checkDivergence', 'it looks again, should the WAL be there after all');
  assert.match(need(thrice) ?? '', /^repaired 3 times, .* n1 keeps enough WAL/);
  const down: Observation = {
    ...thrice,
    postgres: {
      kind: 'stopped',
      control: { ...standby.control, state: 'shut down in recovery' },
      standbySignal: true,
      backupLabel: false,
      orphans: [],
      crashed: false,
    },
  };
  assert.equal(jobOf(down)?.kind, 'startStandby', 'it still serves reads');
});

const checked = (divergence: Divergence, forMs: number): Observation => {
  const seen = { ...quiet, memory: { ...quiet.memory, notStreamingSinceMs: later(quiet.nowMs, -forMs) } };
  const job = { kind: 'checkDivergence', from, leaderTimeline: null } as const;
  return withLast(seen, doneJob(job, instantMs(quiet.nowMs - 100), { divergence }));
};
const causeOf = (seen: Observation): unknown => decide(seen).because.find(([name]) => name === 'cause')?.[1] ?? null;

test('a login that is refused, a full disk and a lost slot are told by name, with the remedy', () => {
  const refused = checked({ kind: 'unknown', why: 'n1: no pg_hba.conf entry', refused: true }, 10_000);
  assert.deepEqual([decide(refused).rule, causeOf(refused)], ['standby.notStreaming', 'loginRefused']);
  assert.match(need(refused) ?? '', /pg_hba\.conf/);
  const full = checked({ kind: 'none', hindrance: { kind: 'diskFull', freeBytes: 5 } }, 10_000);
  assert.deepEqual([causeOf(full), need(full)], ['diskFull', 'the disk of its WAL is full: make room']);
  const lost: Divergence = { kind: 'none', hindrance: { kind: 'slotLost', slot: 'n2', status: 'lost' } };
  assert.deepEqual([causeOf(checked(lost, 10_000)), need(checked(lost, 10_000))], ['slotLost', null]);
  assert.match(need(checked(lost, 120_000)) ?? '', /slot n2 \(lost\)/);
});

test('what has no name needs people after two minutes, unless something may still bring it on', () => {
  assert.equal(need(checked({ kind: 'none' }, 119_000)), null);
  assert.match(need(checked({ kind: 'none' }, 120_000)) ?? '', /postgres\.log/);
  const replaying = checked({ kind: 'none' }, 600_000);
  assert.equal(need({ ...replaying, postgres: { ...standby, receiver: null, replaysOwnWal: true } }), null);
  const archive = { postgres: { recovery: { restore_command: 'cp' } } };
  assert.equal(need(withSettings(checked({ kind: 'none' }, 600_000), archive)), null);
});

test('a repair that fails five times in a row says so, and is tried again all the same', () => {
  const failing = (failures: number, error: string): Observation => {
    const last = doneJob(clone, instantMs(following.nowMs - 100), { ended: 'failed', error });
    const repair = { failures, notBeforeMs: later(following.nowMs, 5_000), countedEndMs: last.endedMs };
    return withLast({ ...following, postgres: { kind: 'noData' }, memory: { ...following.memory, repair } }, last);
  };
  assert.equal(need(failing(4, 'x')), null);
  assert.equal(
    need(failing(5, 'pg_basebackup: error: could not write to file "base/1": No space left on device')),
    'clone failed 5 times in a row: the disk is full: make room',
  );
  assert.match(need(failing(6, 'FATAL:  no pg_hba.conf entry for replication')) ?? '', /a login is refused/);
  assert.equal(jobOf(after(failing(6, 'x'), 5_000))?.kind, 'clone');
});

test('what people must do stands in the member key as long as it is so, and no longer', () => {
  const published = (seen: Observation): unknown =>
    decide(seen).upkeep.flatMap((action) => (action.kind === 'publishMember' ? [action.member.other] : []))[0];
  const full = checked({ kind: 'none', hindrance: { kind: 'diskFull', freeBytes: 5 } }, 10_000);
  assert.deepEqual(published(full), { matriarch: 1, needs_operator: 'the disk of its WAL is full: make room' });
  const key = { ...memberRecord(full), other: { matriarch: 1, needs_operator: 'x' } };
  const before = full.dcs.kind === 'reachable' ? full.dcs.cluster.members.find(({ name }) => name === 'n2') : undefined;
  assert.ok(before !== undefined);
  assert.deepEqual(published({ ...following, published: { ...before, ...key } }), { matriarch: 1 });
});

test('what empties a data directory for one leader, and perhaps waits for room to keep WAL, is called off under another', () => {
  const removing = (leader: string): Observation => ({
    ...following,
    jobs: {
      kind: 'busy',
      job: { kind: 'removeData', why: 'diverged', premise: { ...premise, leader }, force: true, leader: from },
      sinceMs: later(following.nowMs, -60_000),
      progress: 'waits for room',
      cancelling: false,
      last: null,
    },
  });
  assert.deepEqual(decide(removing('n9')).actions, [{ kind: 'cancelJob', why: 'its reign is over' }]);
  assert.deepEqual([decide(removing('n1')).rule, decide(removing('n1')).actions], ['job.running', []]);
});
