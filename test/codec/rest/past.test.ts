import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPeerStatus } from '../../../src/codec/rest/peer.ts';
import { statusDocument } from '../../../src/codec/rest/status.ts';
import type { Observation } from '../../../src/model/observation.ts';
import { instantMs } from '../../../src/model/units.ts';
import { now, viewOf } from '../../api/handles.ts';
import { following, held, leading, withSettings } from '../../decide/values.ts';

/** What peers read of an agent whose loop hangs. */
const saidAt = (seen: Observation, afterMs: number, fenceDeadlineMs = seen.held?.deadlineMs ?? null) => {
  const view = viewOf(seen, { nowMs: instantMs(now + afterMs), fenceDeadlineMs });
  const text = JSON.stringify(statusDocument(view.snapshot, view), (_, v) => (typeof v === 'bigint' ? Number(v) : v));
  return readPeerStatus(text);
};
const deadlineInMs = held.deadlineMs - now;

test("a hung loop's word as primary counts until the guards have stopped PostgreSQL, and no longer", () => {
  assert.equal(saidAt(leading, 0)?.runsAsPrimary, true);
  assert.equal(saidAt(leading, deadlineInMs - 1)?.runsAsPrimary, true);
  const past = saidAt(leading, deadlineInMs + 1);
  assert.equal(past?.runsAsPrimary, false);
  assert.equal(past?.state, 'unknown');
  assert.equal(past?.noPrimary, false, 'nor is it proof of the contrary: the lease is waited for');
});

test('a deadline that the guardian keeps beyond the lease counts as well', () => {
  const guard = {
    kind: 'present',
    pid: null,
    armedMs: instantMs(now + 40_000),
    freezeGuard: null,
    device: 'unused',
  } as const;
  const unleased: Observation = { ...leading, held: null, guard };
  assert.equal(saidAt(unleased, 39_000)?.runsAsPrimary, true);
  assert.equal(saidAt(unleased, 41_000)?.runsAsPrimary, false);
});

test('where no guard would stop it, in pause or with none armed, its word has no end', () => {
  const paused = withSettings(leading, { cluster: { pause: true } });
  assert.equal(saidAt(paused, 600_000)?.runsAsPrimary, true);
  const unarmed: Observation = { ...leading, held: null, guard: { kind: 'absent', why: 'gone' } };
  assert.equal(saidAt(unarmed, 600_000)?.runsAsPrimary, true);
});

test('a loop that looks is believed, also after a deadline', () => {
  const late: Observation = { ...leading, held: { ...held, deadlineMs: instantMs(now - 1_000) } };
  const guard = {
    kind: 'present',
    pid: null,
    armedMs: instantMs(now - 1_000),
    freezeGuard: null,
    device: 'unused',
  } as const;
  assert.equal(saidAt({ ...late, guard }, 500)?.runsAsPrimary, true);
});

test('a standby whose loop hangs for a ttl is in a state that nobody knows', () => {
  assert.equal(saidAt(following, 39_000)?.state, 'running');
  assert.equal(saidAt(following, 41_000)?.state, 'unknown');
});
