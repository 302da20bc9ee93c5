import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { History, Read, Write } from '../../src/model/history.ts';
import { stalenessOf } from '../../src/model/laws/staleReads.ts';

const write = (value: number, endedMs: number, more: Partial<Write> = {}): Write => ({
  kind: 'write',
  outcome: 'acknowledged',
  client: 'w',
  key: 'k',
  value,
  sentMs: endedMs - 5,
  endedMs,
  node: 'n1',
  serverMs: endedMs,
  timeline: 1,
  systemId: null,
  error: null,
  ...more,
});
const read = (value: number | null, sentMs: number, more: Partial<Read> = {}): Read => ({
  kind: 'read',
  outcome: 'answered',
  client: 'r',
  key: 'k',
  value,
  sentMs,
  endedMs: sentMs + 2,
  node: 'n2',
  role: 'standby',
  error: null,
  ...more,
});
const of = (...history: History) => {
  const { reads, stalestMs, backwards, stalest } = stalenessOf(history);
  return [reads, stalestMs, backwards, stalest?.value ?? null];
};

test('a read is behind since the first value that it does not show was acknowledged', () => {
  assert.deepEqual(of(write(1, 100), write(2, 200), read(2, 250)), [1, null, 0, null]);
  assert.deepEqual(of(write(1, 100), write(2, 200), write(3, 300), read(1, 350)), [1, 150, 0, 1]);
  assert.deepEqual(of(write(1, 100), read(null, 350)), [1, 250, 0, null], 'nothing of the key yet');
  assert.deepEqual(of(write(1, 100), write(2, 200), read(1, 190)), [1, null, 0, null], 'sent before');
  assert.deepEqual(
    of(read(1, 900), write(3, 300), write(1, 100), read(3, 310), write(2, 200)),
    [2, 700, 1, 1],
    'any order',
  );
});

test('one that shows less than the same client saw before went backwards', () => {
  const all = [write(1, 10), write(2, 20), write(3, 30)];
  assert.deepEqual(of(...all, read(3, 40), read(1, 50), read(2, 60), read(3, 70)), [4, 30, 1, 1]);
  assert.deepEqual(of(...all, read(3, 40), read(3, 50, { client: 'another' })), [2, null, 0, null]);
});

test('what tells nothing is left out: other keys, all keys, no answer, writes that nobody acknowledged', () => {
  const failed = write(2, 20, { outcome: 'unknown' });
  assert.deepEqual(of(write(1, 10), failed, read(1, 90)), [1, null, 0, null]);
  const useless = [read(0, 90, { key: '*' }), read(0, 90, { key: 'j' }), read(0, 90, { outcome: 'failed' })];
  assert.deepEqual(of(write(1, 10), ...useless), [0, null, 0, null]);
});
