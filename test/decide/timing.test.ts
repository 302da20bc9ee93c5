import assert from 'node:assert/strict';
import { test } from 'node:test';
import { etcdAnswerMs } from '../../src/decide/timing.ts';
import { instantMs, later } from '../../src/model/units.ts';
import { held, leading, withSettings } from './values.ts';

test('a look at etcd leaves a leader time to stop its clients, and before that to ask the members, unless they are asked', () => {
  const never = { askingSinceMs: null, last: null };
  const lease = { ...held, deadlineMs: later(held.sentMs, 25_000) };
  // The clients must go 5 s before the deadline.
  const waits = (leftMs: number, failsafeMode: boolean, asked: Parameters<typeof etcdAnswerMs>[3] = never): number => {
    const { cluster } = withSettings(leading, { cluster: { failsafeMode } }).settings;
    return etcdAnswerMs(cluster, lease, instantMs(lease.deadlineMs - 5_000 - leftMs), asked);
  };
  assert.deepEqual(
    [10_000, 1_000, 50].map((leftMs) => waits(leftMs, false)),
    [1_400, 1_000, 100],
  );
  assert.deepEqual(
    [10_000, 1_500, 1_000, 50].map((leftMs) => waits(leftMs, true)),
    [1_400, 900, 500, 100],
  );
  const asking = { askingSinceMs: instantMs(held.sentMs + 10), last: null };
  const refused = (sentMs: number) => ({
    askingSinceMs: null,
    last: { sentMs: instantMs(sentMs), refusals: [{ member: 'n2', why: 'no' }] },
  });
  assert.equal(waits(1_000, true, asking), 1_000);
  assert.equal(waits(1_000, true, refused(held.sentMs + 10)), 1_000);
  assert.equal(waits(1_000, true, refused(held.sentMs - 10)), 500, 'of a lease before this one');
  assert.equal(waits(-6_000, true), 1_400, 'once it is over there is time again');
});
