import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withTrueTimes } from '../../src/lab/faults/trueTimes.ts';
import type { History, Write } from '../../src/model/history.ts';

const zero = 1_700_000_000_000;
const hourMs = 3_600_000;
const write = (serverMs: number | null, rest: Partial<Write> = {}): Write => ({
  kind: 'write',
  outcome: 'acknowledged',
  client: 'one',
  key: 'one',
  value: 1,
  sentMs: zero,
  endedMs: zero + 40,
  node: 'node1',
  serverMs,
  timeline: 1,
  systemId: '7',
  error: null,
  ...rest,
});
const timesOf = (history: History): readonly (number | null)[] =>
  withTrueTimes(history, [hourMs, -hourMs, 0]).map((seen) => (seen.kind === 'write' ? seen.serverMs : null));

test('the clock that a server was set to is taken out of what it says', () => {
  assert.deepEqual(timesOf([write(zero + hourMs + 20), write(zero - hourMs + 20), write(zero + 20)]), [
    zero + 20,
    zero + 20,
    zero + 20,
  ]);
});

test('a server whose clock is wrong by anything else is believed: it is judged by what it said', () => {
  const wrong = [zero + hourMs + 60_000, zero + 5_000, zero - 2 * hourMs];
  assert.deepEqual(timesOf(wrong.map((serverMs) => write(serverMs))), wrong);
  const history = [write(zero + hourMs)];
  assert.equal(withTrueTimes(history, []), history, 'where no clock was set');
});

test('what has no answer has no time of a server either', () => {
  const lost = write(null, { outcome: 'unknown', endedMs: null });
  assert.deepEqual(withTrueTimes([lost], [hourMs]), [lost]);
});
