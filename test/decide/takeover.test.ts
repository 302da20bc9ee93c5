import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Observation } from '../../src/model/observation.ts';
import { instantMs, leaseId, pid, timeline } from '../../src/model/units.ts';
import { kinds } from './read.ts';
import {
  crashed,
  held,
  leaderKey,
  leading,
  member,
  primary,
  unreachable,
  withCluster,
  withSettings,
} from './values.ts';

/** What is mine of a leader key that bears my name, and what of a lease that no guard stands behind. */

const rule = (seen: Observation): string => decide(seen).rule;
const disarmed: Observation['guard'] = {
  kind: 'present',
  pid: pid(5),
  armedMs: null,
  freezeGuard: 'sentinel',
  device: 'unused',
};
/** n1, where Patroni ran until just now. */
const fromPatroni: Observation = { ...leading, held: null, guard: disarmed };

test('coming from Patroni the key that bears my name is taken over as it was seen', () => {
  assert.equal(rule(fromPatroni), 'primary.adopt');
  assert.deepEqual(decide(fromPatroni).actions, [{ kind: 'adoptLeaderKey', seen: leaderKey('n1') }]);
});

test('it is not taken over in doubt: each of these stays an unleased primary, which is stopped in time', () => {
  const doubts: Record<string, Observation> = {
    'nobody could be asked': { ...fromPatroni, name: { kind: 'free', asked: false } },
    'nobody was asked yet': { ...fromPatroni, name: { kind: 'unchecked' } },
    'registered at another address': withCluster(fromPatroni, { members: [member('n1', { host: 'elsewhere' })] }),
    'no member of that name': withCluster(fromPatroni, { members: [member('n2')] }),
    'another timeline': { ...fromPatroni, postgres: { ...primary, timeline: timeline(6) } },
    'a key without a lease': withCluster(fromPatroni, { leader: { ...leaderKey('n1'), lease: null } }),
    'no guard': { ...fromPatroni, guard: { kind: 'absent', why: 'it does not start' } },
    'half a bootstrap': { ...fromPatroni, postgres: { ...primary, left: 'initdb' } },
    'too late': {
      ...fromPatroni,
      memory: { ...fromPatroni.memory, unleasedSinceMs: instantMs(fromPatroni.nowMs - 11_000) },
    },
  };
  for (const [what, seen] of Object.entries(doubts)) assert.equal(rule(seen), 'primary.unleased', what);
  assert.notEqual(rule(unreachable(fromPatroni)), 'primary.adopt');
  assert.notEqual(rule(withSettings(fromPatroni, { cluster: { pause: true } })), 'primary.adopt');
  assert.equal(rule(withCluster(fromPatroni, { leader: leaderKey('n3') })), 'primary.leaderElsewhere');
});

test('another under my name: the agent ends before it has said anything [lesson 8]', () => {
  const decision = decide({ ...leading, name: { kind: 'inUse', why: 'n1 is alive at http://n1:8008' } });
  assert.equal(decision.rule, 'name.inUse');
  assert.deepEqual(decision.upkeep, []);
  assert.ok(decision.actions.some((action) => action.kind === 'exit' && action.code === 1));
});

const unguarded = (forMs: number, more: Partial<Observation> = {}): Observation => ({
  ...leading,
  guard: { kind: 'absent', why: 'no answer in 500 ms' },
  memory: { ...leading.memory, unguardedSinceMs: instantMs(leading.nowMs - forMs) },
  ...more,
});

test('a lease that no guard stands behind is given up: first the server, after a ttl, and then the key', () => {
  assert.equal(rule(unguarded(5_000)), 'primary.healthy');
  const long = decide(unguarded(31_000));
  assert.equal(long.rule, 'guard.missing');
  const [action] = long.actions;
  assert.ok(action?.kind === 'startJob' && action.job.kind === 'stop');
  assert.deepEqual(kinds(unguarded(11_000, { postgres: crashed })), ['releaseLeaderKey']);
  const past: Observation['guard'] = {
    kind: 'present',
    pid: pid(5),
    armedMs: instantMs(leading.nowMs - 1),
    freezeGuard: null,
    device: 'unused',
  };
  assert.deepEqual(kinds(unguarded(11_000, { postgres: crashed, guard: past })), ['releaseLeaderKey']);
  assert.equal(decide({ ...leading, held: { ...held, lease: leaseId(7n) } }).memory.unguardedSinceMs, null);
});

test('a start that hangs is called off first, and not waited for', () => {
  const job = { kind: 'startPrimary', premise: { term: null, leader: null, systemId: null }, limitMs: 1 } as const;
  const busy = (cancelling: boolean): Observation['jobs'] => ({
    kind: 'busy',
    job,
    sinceMs: leading.nowMs,
    progress: null,
    cancelling,
    last: null,
  });
  assert.deepEqual(kinds(unguarded(11_000, { postgres: crashed, jobs: busy(false) })), ['cancelJob']);
  assert.deepEqual(kinds(unguarded(11_000, { postgres: crashed, jobs: busy(true) })), ['releaseLeaderKey']);
});

test('in pause, and where the guard is switched off by name, nothing of this counts', () => {
  const paused = withSettings(unguarded(60_000), { cluster: { pause: true } });
  assert.notEqual(rule(paused), 'guard.missing');
  assert.equal(decide({ ...leading, guard: { kind: 'off' } }).memory.unguardedSinceMs, null);
});
