import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goodCandidates } from '../../src/api/candidates.ts';
import { later, lsn } from '../../src/model/units.ts';
import { leading, member, peer } from '../decide/values.ts';

test('what a member said before the request speaks for it only: it may have come back a moment ago', () => {
  const judge = (sinceMs: number, better: boolean) => {
    const said = better ? peer('n2', lsn('0/5000100')) : peer('n2', null, { state: 'creating replica' });
    const snapshot = { seen: { ...leading, peers: [said] } } as unknown as Parameters<typeof goodCandidates>[1];
    return goodCandidates([member('n2')], snapshot, leading.nowMs, later(leading.nowMs, sinceMs));
  };
  // It was asked 10 ms ago.
  assert.deepEqual(judge(-5, false), { good: [], undecided: true });
  assert.deepEqual(judge(-20, false), { good: [], undecided: false });
  assert.deepEqual(judge(-5, true), { good: ['n2'], undecided: false });
});

test('who was tagged nofailover a moment ago is no candidate, whatever it answered before', () => {
  const snapshot = { seen: { ...leading, peers: [peer('n2', lsn('0/5000100'))] } } as unknown as Parameters<
    typeof goodCandidates
  >[1];
  const judge = (tags: Readonly<Record<string, unknown>>) =>
    goodCandidates([member('n2', { tags })], snapshot, leading.nowMs, leading.nowMs);
  assert.deepEqual(judge({ nofailover: true, failover_priority: 5 }), { good: [], undecided: false });
  assert.deepEqual(judge({ failover_priority: 0 }), { good: [], undecided: false });
  assert.deepEqual(judge({ nofailover: false, failover_priority: 0 }).good, ['n2']);
});
