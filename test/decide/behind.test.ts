import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Divergence, FinishedJob } from '../../src/model/job.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { LocalPostgres } from '../../src/model/postgres.ts';
import { instantMs, lsn, term, timeline } from '../../src/model/units.ts';
import { control, doneJob, following, standby, withSettings } from './values.ts';

/** A standby that cannot go on as it is: its WAL is gone at the leader, or its replay stands still. */

const from = { member: 'n1', host: 'n1', port: 5432, slot: null };
const checked = (divergence: Divergence, endedMs: number): FinishedJob =>
  doneJob({ kind: 'checkDivergence', from, leaderTimeline: null }, instantMs(endedMs), { divergence });
const stopped: LocalPostgres = {
  kind: 'stopped',
  control: { ...control, state: 'shut down in recovery' },
  standbySignal: true,
  backupLabel: false,
  orphans: [],
  crashed: false,
};
const lost: Observation = {
  ...following,
  postgres: { ...standby, receiver: null },
  memory: { ...following.memory, notStreamingSinceMs: instantMs(following.nowMs - 60_000) },
};
const copying = { postgres: { removeDataDirectoryOnDivergedTimelines: true } };
const gone: Divergence = { kind: 'none', walGone: '000000050000000000000005' };

/** So many checks, each followed by a few cycles. */
function afterChecks(first: Observation, verdicts: readonly Divergence[]): Observation {
  let seen = first;
  for (const [i, divergence] of verdicts.entries())
    for (let cycle = 0; cycle < 3; cycle++) {
      seen = { ...seen, jobs: { kind: 'idle', last: checked(divergence, seen.nowMs - 100 + i) } };
      seen = { ...seen, memory: { ...decide(seen).memory, notStreamingSinceMs: lost.memory.notStreamingSinceMs } };
    }
  return seen;
}
const jobOf = (seen: Observation) =>
  decide(seen).actions.flatMap((action) => (action.kind === 'startJob' ? [action.job] : []))[0];

test('one check that finds the WAL gone is counted once; three in a row are believed', () => {
  assert.equal(afterChecks(lost, [gone]).memory.divergence?.walGone?.times, 1);
  assert.equal(afterChecks(lost, [gone, gone]).memory.divergence?.walGone?.times, 2);
  assert.equal(afterChecks(lost, [gone, gone, { kind: 'none' }]).memory.divergence?.walGone, undefined);
});

test('where a setting allows it, a standby whose WAL is gone at the leader is stopped, and copied anew', () => {
  const seen = afterChecks(withSettings(lost, copying), [gone, gone, gone]);
  const stop = jobOf(seen);
  assert.ok(stop?.kind === 'stop', decide(seen).rule);
  const remove = jobOf({ ...seen, postgres: stopped });
  assert.ok(remove?.kind === 'removeData' && remove.force);
  assert.equal(remove.premise.term, term(40n), 'with the leader known that has all of it');
});

test('where no setting allows it, it stays as it is, serves reads, and says what to do', () => {
  const seen = afterChecks(lost, [gone, gone, gone]);
  const decision = decide(seen);
  assert.equal(decision.rule, 'standby.notStreaming');
  assert.equal(jobOf(seen), undefined);
  assert.ok(decision.wakeInMs >= 500, 'it does not look twenty times a second for ever');
  assert.match(String(decision.because.find(([name]) => name === 'needsOperator')?.[1]), /run reinit/);
  const started = jobOf({ ...seen, postgres: stopped });
  assert.equal(started?.kind, 'startStandby');
});

const reignOf = (leader: string): Observation['memory']['divergence'] => ({
  leader,
  leaderTimeline: null,
  term: term(40n),
  verdict: 'none',
  rewound: true,
});
const diverged: Divergence = {
  kind: 'diverged',
  forkTimeline: timeline(5),
  forkLsn: lsn('0/1000'),
  myLsn: lsn('0/2000'),
};
const rewoundUnder = (leader: string): Observation => ({
  ...lost,
  memory: { ...lost.memory, divergence: reignOf(leader) },
});

/** A Patroni of old puts its name over another's key: the term, which is the key's first revision, stays. */
test('a standby that was rewound onto one leader is judged anew under another, be it of the same term', () => {
  assert.equal(jobOf(afterChecks(rewoundUnder('n9'), [diverged]))?.kind, 'stop');
  assert.notEqual(jobOf(afterChecks(rewoundUnder('n1'), [diverged]))?.kind, 'stop', 'it may just have been started');
});

/** Seed 0x60d of sync mode: checked every five seconds for ever, and told that it is on the leader's history. */
test('a standby that is found diverged twice after it was rewound is copied, where a setting allows it', () => {
  const again = afterChecks(withSettings(rewoundUnder('n1'), copying), [diverged, diverged]);
  assert.equal(jobOf(again)?.kind, 'stop');
  assert.equal(
    jobOf({ ...again, postgres: stopped })?.kind,
    'removeData',
    'a second rewind would do no more than the first',
  );
  const between = withSettings(rewoundUnder('n1'), copying);
  assert.notEqual(jobOf(afterChecks(between, [diverged, { kind: 'none' }, diverged]))?.kind, 'stop', 'twice in a row');
  const needOf = (seen: Observation) => String(decide(seen).because.find(([name]) => name === 'needsOperator')?.[1]);
  const forbidden = afterChecks(rewoundUnder('n1'), [diverged, diverged]);
  assert.equal(jobOf({ ...forbidden, postgres: stopped }), undefined);
  assert.match(needOf({ ...forbidden, postgres: stopped }), /^diverged after it was repaired, .*: run reinit$/);
  const vain = { leader: 'n1', term: term(40n), repairs: 3, countedEndMs: again.nowMs, streaming: null };
  const thrice: Observation = { ...again, postgres: stopped, memory: { ...again.memory, vain } };
  assert.equal(jobOf(thrice), undefined);
  assert.match(needOf(thrice), /^repaired 3 times/);
});

test('replay that stands still is resumed from PostgreSQL 14 on, but not against an operator in pause [lesson 93]', () => {
  const paused: Observation = { ...following, postgres: { ...standby, replayPaused: true } };
  assert.equal(decide(paused).rule, 'standby.replayPaused');
  assert.deepEqual(decide(paused).actions, [{ kind: 'resumeReplay' }]);
  const calm = [
    withSettings(paused, { cluster: { pause: true } }),
    { ...paused, postgres: { ...standby, replayPaused: true, serverVersion: 130_012 } },
  ];
  for (const seen of calm) assert.notEqual(decide(seen).rule, 'standby.replayPaused');
});
