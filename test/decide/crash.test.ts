import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { LocalPostgres } from '../../src/model/postgres.ts';
import { instantMs, lsn, timeline } from '../../src/model/units.ts';
import { jobOf, kinds } from './read.ts';
import {
  cleanlyStopped,
  crashed,
  doneJob,
  held,
  leading,
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

/** A server that goes down again and again: growing pauses, the better of the others, and never nobody where somebody could lead. */

const level = lsn('0/5000100');
const ago = (ms: number) => instantMs(leading.nowMs - ms);
const factIn = (seen: Observation, name: string): unknown => decide(seen).because.find(([fact]) => fact === name)?.[1];

type Stopped = Extract<LocalPostgres, { kind: 'stopped' }>;
const stoppedAs = (more: Partial<Stopped>): LocalPostgres =>
  crashed.kind === 'stopped' ? { ...crashed, ...more } : crashed;

/** It went down just now, and before that so often, a second between two. */
function downAgain(times: number, more: Partial<Observation> = {}): Observation {
  const crashes = Array.from({ length: times - 1 }, (_, n) => ago(1_000 * (times - 1 - n)));
  const crash = { sinceMs: null, attemptsMs: crashes.slice(0, 3) };
  return { ...leading, postgres: crashed, ...more, memory: { ...leading.memory, crashes, crash } };
}

test('a server that goes down again and again is started with growing pauses, at most half a minute', () => {
  const alone = { peers: [silent('n2'), silent('n3')] };
  assert.equal(jobOf(downAgain(1, alone))?.kind, 'startPrimary');
  assert.equal(jobOf(downAgain(3, alone))?.kind, 'startPrimary', 'the third time it is started at once still');
  const pauses = [4, 5, 6, 7, 8, 9, 20].map((times) => factIn(downAgain(times, alone), 'pauseMs'));
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  const down = decide(downAgain(5, alone));
  assert.equal(down.rule, 'primary.crashesAgain');
  assert.ok(down.leaseRule !== 'lease.none', 'the lease goes on');
  assert.ok(down.because.some(([name]) => name === 'needsOperator'));
});

test('the pause ends, and time alone makes crashes fewer', () => {
  const down = decide(downAgain(5, { peers: [silent('n2')] }));
  const over: Observation = { ...downAgain(5), peers: [silent('n2')], memory: down.memory };
  const later = { ...over, nowMs: instantMs(over.nowMs + 2_001), held: null };
  const held = leading.held && { ...leading.held, deadlineMs: instantMs(leading.held.deadlineMs + 2_001) };
  const guard =
    leading.guard.kind === 'present' ? { ...leading.guard, armedMs: held?.deadlineMs ?? null } : leading.guard;
  assert.equal(jobOf({ ...later, held, guard })?.kind, 'startPrimary');
  const healthy = { ...leading, nowMs: instantMs(leading.nowMs + 598_500), memory: down.memory };
  assert.equal(decide(healthy).memory.crashes.length, 2, 'counted for ten minutes each');
  const well = { ...healthy, nowMs: instantMs(leading.nowMs + 600_001) };
  assert.deepEqual(decide(well).memory.crashes, []);
});

test('each crash counts once, whoever leads next; a stop that was asked for is none', () => {
  const first = decide({ ...leading, postgres: crashed });
  assert.deepEqual(first.memory.crashes, [leading.nowMs]);
  const still = decide({ ...leading, nowMs: instantMs(leading.nowMs + 10), postgres: crashed, memory: first.memory });
  assert.equal(still.memory.crashes.length, 1);
  const follows = decide({ ...vacant, memory: { ...vacant.memory, crashes: [ago(5_000)] } });
  assert.equal(follows.memory.crashes.length, 1, 'as a standby it is remembered');
  const ran = { ...leading.memory, lastRole: 'primary' } as const;
  assert.deepEqual(decide({ ...leading, memory: ran, postgres: stoppedAs({ crashed: false }) }).memory.crashes, []);
  assert.deepEqual(decide({ ...leading, postgres: primary }).memory.crashes, []);
  // An agent that finds it so when it begins: it went down together with the agent before it.
  assert.equal(decide({ ...leading, postgres: stoppedAs({ crashed: false }) }).memory.crashes.length, 1);
  assert.deepEqual(decide({ ...leading, postgres: cleanlyStopped }).memory.crashes, []);
  const over = { ...unreachable(leading), held: { ...held, deadlineMs: ago(1_000) }, postgres: crashed };
  assert.deepEqual(decide(over).memory.crashes, [], 'the guards ended it, with its lease');
  const counted = { ...leading.memory, crash: { sinceMs: ago(3_000), attemptsMs: [] }, crashes: [ago(3_000)] };
  assert.equal(decide({ ...leading, memory: counted, postgres: crashed }).memory.crashes.length, 1, 'and told so');
});

test('a promotion that failed counts once, with the crash that it failed of', () => {
  const premise = { term: leading.held?.term ?? null, leader: 'n1', systemId: '1' };
  const promote = {
    kind: 'promote',
    synchronousNames: '',
    upstream: null,
    premise,
    mine: timeline(5),
    taken: timeline(5),
  } as const;
  const jobs = { kind: 'idle', last: doneJob(promote, leading.nowMs, { ended: 'failed' }) } as const;
  const failed = decide({ ...won, jobs });
  assert.deepEqual([failed.rule, failed.memory.crashes.length], ['leading.promoteFailed', 1]);
  assert.equal(decide({ ...won, jobs, memory: failed.memory }).memory.crashes.length, 1);
  assert.equal(decide({ ...won, jobs, postgres: stoppedAs({ standbySignal: true }) }).memory.crashes.length, 1);
  const untold = { kind: 'idle', last: doneJob(promote, leading.nowMs, { ended: 'failed', untold: true }) } as const;
  const notTold = decide({ ...won, jobs: untold });
  assert.deepEqual(
    [notTold.rule, notTold.memory.crashes.length],
    ['leading.promoteFailed', 0],
    'the server never heard',
  );
});

test('the lead is not handed round among servers that go down as often; one that did not takes over', () => {
  const worn = { crashes: 3 };
  const others = downAgain(4, { peers: [peer('n2', level, worn), peer('n3', level, worn)] });
  assert.equal(decide(others).rule, 'primary.crashesAgain');
  const better = downAgain(4, { peers: [peer('n2', level, worn), peer('n3', level)] });
  assert.deepEqual([decide(better).rule, kinds(better)], ['primary.crashed.giveWay', ['releaseLeaderKey']]);
  assert.equal(factIn(better, 'successors'), 'n3');
  assert.match(String(factIn(better, 'noBetter')), /^n2: /);
  const asked = { ...leading.memory, crash: { sinceMs: ago(600), attemptsMs: [] } };
  const atOnce = withSettings({ ...others, memory: asked }, { cluster: { primaryStartTimeoutMs: 0 } });
  assert.equal(jobOf(atOnce)?.kind, 'startPrimary', 'nor by primary_start_timeout 0');
});

test('a server that does not come up at all gives way to whoever can lead, however often that one went down', () => {
  const peers = [peer('n2', level, { crashes: 9 })];
  const seen = downAgain(4, { peers });
  const longDown = { ...seen, memory: { ...seen.memory, crash: { sinceMs: ago(331_000), attemptsMs: [] } } };
  assert.equal(decide(longDown).rule, 'primary.crashed.giveWay');
  assert.deepEqual(kinds(longDown), ['releaseLeaderKey']);
});

test('the pause is no part of primary_start_timeout: a start after it has its whole time', () => {
  const times = 8;
  const seen = withSettings(downAgain(times, { peers: [peer('n2', level, { crashes: 3 })] }), {
    cluster: { primaryStartTimeoutMs: 10_000 },
  });
  const crash = { sinceMs: ago(17_000), attemptsMs: [] };
  const crashes = Array.from({ length: times }, () => ago(17_000));
  const starting: Observation = {
    ...seen,
    postgres: { kind: 'starting', pid: primary.pid, sinceMs: ago(500), standbySignal: false, control: primary.control },
    memory: { ...seen.memory, crash, crashes },
  };
  assert.notEqual(decide(starting).rule, 'primary.startTooLong');
  const slow = { ...starting, memory: { ...starting.memory, crash: { ...crash, sinceMs: ago(27_000) } } };
  assert.equal(decide(slow).rule, 'primary.startTooLong');
});

test('of those that are as far, whoever did not go down again and again goes first, before any priority', () => {
  const crashes = [ago(3_000), ago(2_000), ago(1_000)];
  const worn: Observation = { ...vacant, memory: { ...vacant.memory, crashes } };
  assert.equal(decide(worn).rule, 'race.peerAhead');
  assert.equal(
    decide({ ...worn, postgres: { ...standby, receivedLsn: lsn('0/5000200') } }).rule,
    'race.acquire',
    'data first',
  );
  const its = { ...vacant, peers: [silent('n1'), peer('n3', level, { failoverPriority: 9, crashes: 3 })] };
  assert.equal(decide(its).rule, 'race.acquire');
  assert.equal(decide({ ...worn, peers: [silent('n1'), peer('n3', level, { crashes: 3 })] }).rule, 'race.acquire');
});

test('the key is not given away at the first try: that is no second crash, and its time does not begin anew', () => {
  const crashes = [ago(3_000), ago(2_000), ago(1_000)];
  const often = {
    ...leading.memory,
    lastRole: 'primary',
    crashes,
    crash: { sinceMs: null, attemptsMs: crashes },
  } as const;
  let seen: Observation = { ...leading, postgres: crashed, peers: [peer('n2', level)], memory: often };
  for (let look = 0; look < 5; look++) {
    const { rule, memory } = decide(seen);
    assert.deepEqual([rule, memory.crashes.length], ['primary.crashed.giveWay', 4]);
    seen = { ...seen, nowMs: instantMs(seen.nowMs + 20), memory };
  }
  const long = { sinceMs: ago(331_000), attemptsMs: [ago(330_000)] };
  const first = { ...seen, memory: { ...often, crashes: [ago(331_000)], crash: long } };
  const again = { ...first, nowMs: instantMs(first.nowMs + 20), memory: decide(first).memory };
  assert.deepEqual([decide(first).rule, decide(again).rule], ['primary.crashed.giveWay', 'primary.crashed.giveWay']);
  const gone = decide({ ...withCluster(again, { leader: null }), held: null });
  assert.equal(gone.memory.crash, null, 'with the key its outage is over');
});
