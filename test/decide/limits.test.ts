import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Job } from '../../src/model/job.ts';
import type { Observation } from '../../src/model/observation.ts';
import { instantMs, lsn, revision, timeline } from '../../src/model/units.ts';
import { jobOf, kinds } from './read.ts';
import {
  cleanlyStopped,
  control,
  crashed,
  doneJob,
  following,
  held,
  leading,
  peer,
  primary,
  silent,
  standby,
  systemId,
  withCluster,
  withSettings,
} from './values.ts';

const ago = (ms: number) => instantMs(leading.nowMs - ms);
const able = [peer('n2', lsn('0/5000100'))];

const recovering: Observation = withSettings(
  {
    ...leading,
    peers: able,
    postgres: { kind: 'starting', pid: primary.pid, sinceMs: ago(6_000), standbySignal: false, control },
  },
  { cluster: { primaryStartTimeoutMs: 5_000 } },
);
const startPrimary: Job = {
  kind: 'startPrimary',
  premise: { term: held.term, leader: 'n1', systemId },
  limitMs: 60_000,
};

test('a primary that recovers for longer than primary_start_timeout is stopped and gives way, if somebody can take over', () => {
  const job = jobOf(recovering);
  assert.equal(decide(recovering).rule, 'primary.startTooLong');
  assert.ok(job?.kind === 'stop' && job.mode === 'immediate' && job.budget.killAtMs !== null);
  const busy = decide({
    ...recovering,
    jobs: { kind: 'busy', job: startPrimary, sinceMs: ago(6_000), progress: null, cancelling: false, last: null },
  });
  assert.deepEqual(
    busy.actions.map(({ kind }) => kind),
    ['cancelJob'],
  );
  const down = decide({ ...recovering, postgres: crashed, memory: decide(recovering).memory });
  assert.equal(down.rule, 'primary.crashed.giveWay');
  assert.deepEqual(down.actions, [{ kind: 'releaseLeaderKey', lsn: null }]);
});

test('with nobody to take over, with time left, or paused, a recovery is waited for', () => {
  assert.deepEqual(kinds({ ...recovering, peers: [silent('n2')] }), ['askPeers']);
  assert.equal(jobOf(withSettings(recovering, { cluster: { primaryStartTimeoutMs: 7_000 } })), undefined);
  assert.equal(jobOf(withSettings(recovering, { cluster: { pause: true } })), undefined);
  const old = { ...peer('n2', lsn('0/5000100')), askedMs: ago(6_000) };
  assert.deepEqual(kinds({ ...recovering, peers: [old] }), ['askPeers']);
  assert.deepEqual(kinds({ ...recovering, peers: [peer('n2', lsn('0/5000100'), { timeline: timeline(4) })] }), [
    'askPeers',
  ]);
});

test('with primary_start_timeout 0 the others are asked, for a moment, before the primary is started after all', () => {
  const seen = withSettings({ ...leading, postgres: crashed }, { cluster: { primaryStartTimeoutMs: 0 } });
  const old = { ...peer('n2', lsn('0/5000100')), askedMs: ago(9_000) };
  const first = decide({ ...seen, peers: [old] });
  assert.deepEqual([first.rule, first.actions.map(({ kind }) => kind)], ['primary.crashed.giveWay', ['askPeers']]);
  const later = { ...seen, peers: [old], memory: { ...first.memory, crash: { sinceMs: ago(501), attemptsMs: [] } } };
  assert.equal(jobOf(later)?.kind, 'startPrimary');
  assert.equal(decide({ ...later, peers: able }).rule, 'primary.crashed.giveWay');
});

test('crashes are counted over a window: a start that went well does not make the next crash the first', () => {
  let { memory } = leading;
  for (let crashes = 0; crashes < 3; crashes++) {
    const down = decide({ ...leading, postgres: crashed, peers: able, memory });
    assert.equal(down.rule, 'primary.crashed');
    memory = decide({ ...leading, memory: down.memory }).memory;
  }
  assert.equal(decide({ ...leading, postgres: crashed, peers: able, memory }).rule, 'primary.crashed.giveWay');
  const calm = decide({ ...leading, nowMs: instantMs(leading.nowMs + 600_001), memory }).memory;
  assert.equal(calm.crash, null);
});

const asked = withCluster(
  { ...leading, peers: [peer('n2', lsn('0/5000100')), peer('n3', lsn('0/5000100'))] },
  { failover: { leader: 'n1', candidate: 'n2', scheduledAt: null, problem: null, modRevision: revision(95n) } },
);
const clearing = [{ kind: 'clearFailover', seenModRevision: revision(95n) }];

test('a candidate that streams from the primary is as far as the primary sees, whatever it said a while ago', () => {
  const flushLsn = lsn('0/9000000');
  const sender = {
    pid: null,
    user: 'replicator',
    applicationName: 'n2',
    clientAddress: null,
    state: 'streaming',
    syncState: 'async',
    syncPriority: 0,
    sentLsn: flushLsn,
    flushLsn,
    replayLsn: flushLsn,
  };
  const said = peer('n2', lsn('0/5000100'), { timeline: timeline(4) });
  const busy: Observation = { ...asked, postgres: { ...primary, flushLsn, senders: [sender] }, peers: [said] };
  assert.ok(decide(busy).actions.some(({ kind }) => kind === 'startJob'));
  const catchingUp = { ...sender, state: 'catchup' };
  assert.deepEqual(decide({ ...busy, postgres: { ...primary, flushLsn, senders: [catchingUp] } }).actions, clearing);
});

test('a switchover is refused before the stop when its candidate is far behind or on another timeline', () => {
  const seen = withSettings(
    { ...asked, postgres: { ...primary, flushLsn: lsn('0/5002000') } },
    {
      cluster: { maximumLagBytesOnFailover: 4_096 },
    },
  );
  assert.deepEqual(decide(seen).actions, clearing);
  assert.ok(decide(seen).because.some(([name, value]) => name === 'n2' && String(value).startsWith('lag')));
  assert.deepEqual(
    decide({ ...asked, peers: [peer('n2', lsn('0/5000100'), { timeline: timeline(4) })] }).actions,
    clearing,
  );
});

test('a switchover does not rest on what its candidate said some time ago', () => {
  const old = { ...peer('n2', lsn('0/5000100')), askedMs: ago(5_000) };
  assert.deepEqual(kinds({ ...asked, peers: [old] }), ['askPeers']);
  const job = jobOf(asked);
  assert.ok(job?.kind === 'stop');
  assert.deepEqual(job.successors, ['n2']);
});

test('primary_stop_timeout counts where a standby is synchronous, and only there', () => {
  const limited = withSettings(asked, { cluster: { primaryStopTimeoutMs: 7_000 } });
  const budget = (seen: Observation) => {
    const job = jobOf(seen);
    return job?.kind === 'stop' ? job.budget : undefined;
  };
  assert.deepEqual(budget(limited), { immediateAtMs: null, killAtMs: null });
  assert.deepEqual(budget(withSettings(limited, { cluster: { synchronousMode: 'on' } })), {
    immediateAtMs: asked.nowMs + 7_000,
    killAtMs: asked.nowMs + 14_000,
  });
});

const eventsOf = (seen: Observation): readonly string[] =>
  [...decide(seen).actions, ...decide(seen).upkeep].flatMap((one) =>
    one.kind === 'runCallback' ? [`${one.event} ${one.role}${one.outlives ? ' outlives' : ''}`] : [],
  );
const told = { role: 'primary', up: true } as const;

test('callbacks: a restart, a start after a crash, and a change of role are told apart', () => {
  assert.deepEqual(eventsOf(leading), ['on_start primary']);
  const known: Observation = { ...leading, memory: { ...leading.memory, callbackRole: told } };
  assert.deepEqual(eventsOf(known), []);
  const job: Job = { kind: 'restart', as: 'primary', upstream: null, premise: startPrimary.premise, limitMs: 1 };
  const last = doneJob(job, ago(5), { startedMs: ago(9) });
  const restarted: Observation = { ...known, jobs: { kind: 'idle', last } };
  assert.deepEqual(eventsOf(restarted), ['on_restart primary']);
  assert.deepEqual(eventsOf({ ...restarted, memory: decide(restarted).memory }), []);
  assert.deepEqual(eventsOf({ ...known, postgres: crashed }), []);
  assert.deepEqual(eventsOf({ ...leading, memory: decide({ ...known, postgres: crashed }).memory }), [
    'on_start primary',
  ]);
  assert.deepEqual(eventsOf({ ...following, postgres: standby, memory: known.memory }), ['on_role_change replica']);
});

test('callbacks: a crashed primary that lost its lease is none any more, also when it never comes up again [lesson 46]', () => {
  const down: Observation = { ...following, postgres: crashed, memory: { ...following.memory, callbackRole: told } };
  assert.deepEqual(eventsOf(down), ['on_role_change demoted']);
  const memory = decide(down).memory;
  assert.deepEqual(eventsOf({ ...down, memory }), [], 'once');
  assert.deepEqual(eventsOf({ ...following, memory }), ['on_role_change replica']);
  const stopped: Observation = { ...down, postgres: cleanlyStopped };
  assert.deepEqual(eventsOf({ ...stopped, memory: decide(stopped).memory }), [], 'on_stop was told');
  assert.deepEqual(eventsOf({ ...down, postgres: { kind: 'noData' } }), ['on_stop primary']);
});

test('callbacks: on_stop is told when the agent is stopped, once, and outlives it', () => {
  const stopping: Observation = {
    ...leading,
    postgres: cleanlyStopped,
    peers: able,
    asks: [{ id: 1, kind: 'stop' }],
    memory: { ...leading.memory, callbackRole: told },
  };
  assert.deepEqual(eventsOf(stopping), ['on_stop primary outlives']);
  assert.ok(kinds(stopping).includes('releaseLeaderKey'));
  assert.deepEqual(eventsOf({ ...stopping, memory: decide(stopping).memory }), []);
});
