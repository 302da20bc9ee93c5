import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readIncident } from '../../src/codec/incident.ts';

const whole = {
  version: 1,
  id: '20261125-201351-123',
  scope: 'demo',
  node: 'node1',
  kind: 'promotion',
  state: 'closed',
  began: '2026-11-25T20:13:51.123Z',
  trigger: 'leader: node2 -> -',
  decisions: [],
  phases: [{ phase: 'writable', afterMs: 260 }],
  jobs: [],
  evidence: [],
  leader: { before: 'node2', after: 'node1' },
  timeline: { before: 1, after: 2 },
};

test('an incident is read as it was written', () => {
  assert.deepEqual(readIncident(JSON.stringify(whole)), whole);
});

/** Whoever goes through its lists (metrics do, for past promotions) must not stumble over one of them. */
test('a file that is no incident, or not wholly one, is none', () => {
  for (const text of ['', '{', '[]', '{}', JSON.stringify({ ...whole, version: 2 })])
    assert.equal(readIncident(text), null);
  for (const change of [
    { phases: [null] },
    { phases: [{}] },
    { phases: 'x' },
    { jobs: [3] },
    { evidence: ['x'] },
    { leader: null },
  ])
    assert.equal(readIncident(JSON.stringify({ ...whole, ...change })), null, JSON.stringify(change));
});
