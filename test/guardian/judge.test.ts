import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  disarmedState,
  readAsk,
  readGuardState,
  readHeard,
  writeDeadline,
  writeGuardState,
  writeReply,
} from '../../src/codec/guard.ts';
import { judge, judgeDeadline, judgeLowering, type Sight, whyNotDisarm } from '../../src/guardian/judge.ts';
import { readPidFile } from '../../src/guardian/postmaster.ts';
import { instantMs, leaseId, pid, term, wallMs } from '../../src/model/units.ts';
import type { ProcessInfo } from '../../src/model/world.ts';

const one = (number: number): ProcessInfo => ({
  pid: pid(number),
  parent: pid(1),
  state: 'running',
  startTicks: 1,
  startedWallMs: wallMs(0),
  executable: '/usr/bin/postgres',
  cwd: '/data',
  commandLine: 'postgres',
});
const passed: Sight = {
  nowMs: instantMs(1_000),
  deadlineMs: instantMs(1_000),
  postmaster: one(10),
  others: [one(11)],
  standbyState: null,
  told: false,
};

test('only a deadline that has passed is a reason to act', () => {
  assert.deepEqual(judge({ ...passed, deadlineMs: instantMs(1_001) }), { kind: 'rest' });
  assert.deepEqual(judge({ ...passed, deadlineMs: null }), { kind: 'rest' });
  assert.deepEqual(judge(passed), { kind: 'strike', postmaster: 10, others: [11] });
  assert.deepEqual(judge({ ...passed, postmaster: null }), { kind: 'strike', postmaster: null, others: [11] });
  assert.deepEqual(judge({ ...passed, postmaster: null, others: [] }), { kind: 'clear' });
});

test('a standby is spared; a running primary with a standby.signal is not', () => {
  assert.equal(judge({ ...passed, standbyState: 'in archive recovery' }).kind, 'spare');
  assert.equal(judge({ ...passed, standbyState: 'in production' }).kind, 'strike');
  assert.equal(judge({ ...passed, postmaster: null, standbyState: 'in archive recovery' }).kind, 'strike');
});

test('a standby that was told to become the primary is none any more', () => {
  assert.equal(judge({ ...passed, standbyState: 'in archive recovery', told: true }).kind, 'strike');
  const standby = { running: true, starting: false, told: true, state: 'in archive recovery' } as const;
  assert.match(whyNotDisarm(standby) ?? '', /told to become the primary/);
  assert.equal(whyNotDisarm({ ...standby, running: false }), null);
});

test('disarming needs proof that nothing here accepts writes', () => {
  const seen = { running: true, starting: false, told: false, state: 'in production' } as const;
  assert.match(whyNotDisarm(seen) ?? '', /in production/);
  assert.match(whyNotDisarm({ ...seen, state: null }) ?? '', /unreadable/);
  assert.equal(whyNotDisarm({ ...seen, state: 'in archive recovery' }), null);
  assert.equal(whyNotDisarm({ ...seen, running: false }), null, 'crashed, and nothing runs');
  assert.match(whyNotDisarm({ ...seen, running: false, starting: true }) ?? '', /about to start/);
});

test('a deadline moves forward within a term, and to anywhere ahead in another', () => {
  const held = { deadlineMs: instantMs(5_000), term: 7n };
  const ask = (deadlineMs: number, reign: bigint) =>
    judgeDeadline(held, { deadlineMs: instantMs(deadlineMs), term: reign }, instantMs(1_000));
  assert.deepEqual([ask(6_000, 7n), ask(4_000, 7n), ask(4_000, 8n)], ['moved', 'kept', 'moved']);
  assert.deepEqual([ask(1_000, 7n), ask(900, 8n)], ['passed', 'passed']);
});

test('a deadline moves back only by name, within its term, and not by an ask that later renewals have overtaken', () => {
  const held = { deadlineMs: instantMs(300_000), term: 7n, sentMs: instantMs(5_000) };
  const ask = (deadlineMs: number, reign: bigint, sentMs: number) =>
    judgeLowering(
      held,
      { deadlineMs: instantMs(deadlineMs), term: reign, sentMs: instantMs(sentMs) },
      instantMs(8_000),
    );
  assert.deepEqual(
    [ask(9_000, 7n, 5_000), ask(300_000, 7n, 6_000), ask(310_000, 7n, 6_000)],
    ['moved', 'kept', 'kept'],
  );
  assert.deepEqual(ask(8_000, 7n, 5_000), { why: 'that instant has passed' });
  assert.deepEqual(ask(9_000, 8n, 5_000), { why: 'another deadline is in force' });
  assert.deepEqual(ask(9_000, 7n, 4_999), { why: 'a later renewal is in force' });
  const disarmed = { deadlineMs: null, term: null, sentMs: null };
  const late = judgeLowering(disarmed, { deadlineMs: instantMs(9_000), term: 7n, sentMs: instantMs(1) }, instantMs(1));
  assert.deepEqual(late, { why: 'another deadline is in force' });
});

test('state and lines read as they were written; anything else reads as nothing', () => {
  const state = {
    bootId: 'b',
    dataDir: '/d',
    deadlineMs: instantMs(12_345),
    lease: leaseId(7587895123456789123n),
    term: term(9n),
    ttlMs: 30_000,
    sentMs: instantMs(1),
  };
  assert.deepEqual(readGuardState(writeGuardState(state)), state);
  assert.deepEqual(readGuardState(writeGuardState(disarmedState('b', '/d'))), disarmedState('b', '/d'));
  assert.deepEqual([writeDeadline(state), writeDeadline(disarmedState('b', '/d'))], ['12345 b\n', 'none b\n']);
  for (const text of ['', '{', '[]', 'null', '{"bootId":1}', '{"bootId":"b","dataDir":"/d","deadlineMs":"1"}'])
    assert.equal(readGuardState(text), null, text);
  const reply = readHeard(writeReply(3, null, { pid: 1, version: 'v' }, state));
  assert.ok(reply?.kind === 'reply' && reply.reply.lease === '7587895123456789123' && reply.reply.ok);
  for (const line of ['', 'x', '{"id":4,"ask":"dance"}', '{"id":4,"ask":"deadline","deadlineMs":"1"}'])
    assert.equal(readAsk(line).kind, 'wrong', line);
});

test('postmaster.pid: a single-user server has a negative pid; nonsense is nobody', () => {
  assert.deepEqual(readPidFile('42\n/d\n1700000000\n'), { pid: 42, startedWallMs: 1_700_000_000_000 });
  assert.deepEqual(readPidFile('-42\n/d\n'), { pid: 42, startedWallMs: null });
  for (const text of ['', 'x', '0', '1', '-1', '1.5']) assert.equal(readPidFile(text), null, text);
});
