import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { LocalPostgres } from '../../src/model/postgres.ts';
import { instantMs, pid, timeline } from '../../src/model/units.ts';
import { jobOf, kinds } from './read.ts';
import {
  after,
  cleanlyStopped,
  control,
  crashed,
  following,
  leading,
  peer,
  standby,
  withSettings,
  won,
} from './values.ts';

/** The key is mine, and no primary comes of it: it must not stay so; or it is not mine, and what is here must not be in the way. */

const agoMs = (ms: number) => instantMs(won.nowMs - ms);
const silentStandby = (forMs: number): Observation => ({
  ...won,
  postgres: {
    kind: 'unresponsive',
    pid: pid(4711),
    sinceMs: agoMs(forMs),
    believed: 'standby',
    why: 'no answer',
    control: standby.control,
  },
});

test('a standby that won and gives no answer is ended and begun anew after one ttl; a primary is not', () => {
  assert.deepEqual(kinds(silentStandby(20_000)), []);
  const job = jobOf(silentStandby(31_000));
  assert.ok(job?.kind === 'stop' && job.mode === 'immediate' && job.budget.killAtMs !== null);
  const seen = silentStandby(31_000);
  assert.ok(seen.postgres.kind === 'unresponsive');
  assert.deepEqual(kinds({ ...seen, postgres: { ...seen.postgres, believed: 'primary' } }), []);
});

test('a standby that won and does not come up gives the key back after primary_start_timeout', () => {
  const starting = (forMs: number): Observation => ({
    ...won,
    postgres: {
      kind: 'starting',
      pid: pid(4711),
      sinceMs: agoMs(forMs),
      standbySignal: true,
      control: standby.control,
    },
  });
  const limitMs = won.settings.cluster.primaryStartTimeoutMs;
  assert.deepEqual(kinds(starting(limitMs - 1_000)), []);
  assert.deepEqual(decide(starting(limitMs + 1_000)).actions, [{ kind: 'releaseLeaderKey', lsn: null }]);
});

test('who has no whole data gives the key back', () => {
  for (const left of ['basebackup', 'rewind', 'removal'] as const)
    assert.deepEqual(kinds({ ...won, postgres: { kind: 'partialData', left } }), ['releaseLeaderKey'], left);
});

test('only the end of a primary is told as the position of the cluster', () => {
  const asked = { ...leading, asks: [{ id: 1, kind: 'stop' } as const], peers: [peer('n2', control.checkpoint)] };
  const down = (state: 'shut down' | 'shut down in recovery'): Observation =>
    after(
      { ...asked, peers: [], postgres: { ...cleanlyStopped, control: { ...control, state } } as LocalPostgres },
      { kind: 'stop', mode: 'fast', why: '', checkpointFirst: false, budget: { immediateAtMs: null, killAtMs: null } },
      { stage: 'fast' },
    );
  assert.deepEqual(decide(down('shut down')).actions, [{ kind: 'releaseLeaderKey', lsn: control.checkpoint }]);
  assert.deepEqual(decide(down('shut down in recovery')).actions, [{ kind: 'releaseLeaderKey', lsn: null }]);
});

test('a diverged standby that crashed comes up first only where a rewind follows; a copy needs no clean end', () => {
  const diverged: Observation = {
    ...following,
    postgres: {
      ...crashed,
      standbySignal: true,
      control: { ...control, state: 'in archive recovery' },
    } as LocalPostgres,
    memory: {
      ...following.memory,
      divergence: {
        leader: 'n1',
        leaderTimeline: timeline(5),
        term: following.dcs.kind === 'reachable' ? (following.dcs.cluster.leader?.term ?? null) : null,
        verdict: 'diverged',
        rewound: false,
      } as Observation['memory']['divergence'],
    },
  };
  assert.equal(jobOf(diverged)?.kind, 'startStandby');
  const copies = withSettings(diverged, {
    postgres: { ...diverged.settings.postgres, usePgRewind: false, removeDataDirectoryOnDivergedTimelines: true },
  });
  assert.equal(jobOf(copies)?.kind, 'removeData');
});

test('etcd is away for a moment while the primary is down: its lease lasts, and it waits for a start in place', () => {
  const away = (forMs: number): Observation => ({
    ...leading,
    postgres: crashed,
    dcs: { kind: 'unreachable', sinceMs: agoMs(forMs), why: 'no answer', lastSeen: null },
  });
  assert.deepEqual(kinds(away(1_000)), []);
  assert.equal(decide(away(1_000)).rule, 'standby.startAlone');
  assert.equal(jobOf(away(11_000))?.kind, 'startStandby');
  assert.equal(jobOf({ ...away(1_000), held: null })?.kind, 'startStandby');
});
