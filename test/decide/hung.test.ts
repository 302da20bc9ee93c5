import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Health, Hindrance } from '../../src/model/health.ts';
import type { Job } from '../../src/model/job.ts';
import type { Observation } from '../../src/model/observation.ts';
import { instantMs, lsn, pid, revision, term, timeline } from '../../src/model/units.ts';
import { jobOf, kinds } from './read.ts';
import { after, control, crashed, leading, peer, primary, silent, withCluster, withSettings } from './values.ts';

/** A primary that lives, and on which no commit becomes durable. */

const agoMs = (ms: number) => instantMs(leading.nowMs - ms);
const hinders = (kind: Hindrance, forMs: number, provenMs = agoMs(forMs + 10_000)): Health => ({
  provenMs,
  hindrance: { kind, sinceMs: agoMs(forMs), why: 'so it is' },
});
const both = [peer('n2', primary.flushLsn), peer('n3', primary.flushLsn)];
const hung = (kind: Hindrance, forMs = 31_000): Observation => ({
  ...leading,
  peers: both,
  health: hinders(kind, forMs),
});
const ruleOf = (seen: Observation): string => decide(seen).rule;

test('what ends commits is handed over after primary_health_timeout, where the disk says no after a third of it, and not before', () => {
  const limits: readonly (readonly [Hindrance, number])[] = [
    ['postmaster frozen', 30_000],
    ['fsync stalled', 30_000],
    ['disk hung', 30_000],
    ['disk full', 10_000],
    ['read only', 10_000],
    ['I/O error', 10_000],
  ];
  for (const [kind, limitMs] of limits) {
    const before = hung(kind, limitMs - 1_000);
    assert.deepEqual([ruleOf(before), jobOf(before)], ['primary.hung', undefined], kind);
    const due = hung(kind, limitMs + 1_000);
    const job = jobOf(due);
    assert.ok(job?.kind === 'stop' && job.mode === 'fast', kind);
    assert.deepEqual(job.successors, ['n2', 'n3']);
    assert.equal(job.budget.immediateAtMs, leading.nowMs + 5_000);
    assert.equal(job.thawBeforeMs, leading.nowMs + 18_000, 'nothing is thawed that may outlast the lease');
    assert.equal(ruleOf(due), 'primary.hung.giveWay');
  }
  const slow = { cluster: { loopWaitMs: 15_000 } };
  assert.equal(ruleOf(withSettings(hung('disk full', 14_000), slow)), 'primary.hung', 'it was looked at once, maybe');
});

test('what knows nothing of the disk never demotes, however long it lasts', () => {
  const harmless = [
    'connection refused',
    'too many connections',
    'starting up',
    'shutting down',
    'no answer',
    'slow',
  ] as const;
  for (const kind of [...harmless, 'refused otherwise', 'replay stands still'] as const) {
    const seen = hung(kind, 3_600_000);
    assert.equal(ruleOf(seen), 'primary.healthy', kind);
    assert.ok(decide(seen).because.some(([name, value]) => name === 'hindrance' && String(value).startsWith(kind)));
  }
});

test('reported only, in pause, by policy, with nobody to take over, or behind its lease: the server stays', () => {
  const table: readonly [string, Observation][] = [
    ['paused: nothing is done about it', withSettings(hung('fsync stalled'), { cluster: { pause: true } })],
    [
      'primary_health is report: nothing is done about it',
      withSettings(hung('fsync stalled'), { cluster: { primaryHealth: 'report' } }),
    ],
    ['no standby can take over', { ...hung('fsync stalled'), peers: [] }],
    ['no standby can take over', { ...hung('fsync stalled'), peers: [silent('n2'), silent('n3')] }],
    ['handed over when it lasts', hung('fsync stalled', 5_000)],
  ];
  for (const [outcome, seen] of table) {
    assert.equal(ruleOf(seen), 'primary.hung', outcome);
    assert.equal(jobOf(seen), undefined);
    assert.deepEqual(decide(seen).because.find(([name]) => name === 'outcome')?.[1], outcome);
  }
  const notMine = withCluster(hung('fsync stalled'), { leader: null });
  assert.notEqual(ruleOf(notMine), 'primary.hung.giveWay');
});

test('who is asked has all that is flushed here while nothing moves; the lag limit where WAL goes on', () => {
  const behind = peer('n2', lsn('0/5000080'));
  assert.equal(jobOf({ ...hung('fsync stalled'), peers: [behind] }), undefined);
  assert.equal(jobOf({ ...hung('disk full'), peers: [behind] }), undefined);
  const goesOn = {
    ...hung('postmaster frozen'),
    peers: [behind],
    health: hinders('postmaster frozen', 31_000, agoMs(500)),
  };
  assert.deepEqual(jobOf(goesOn)?.kind, 'stop');
  const far = peer('n2', lsn('0/1000000'));
  assert.equal(jobOf({ ...goesOn, peers: [far] }), undefined);
});

test('nobody takes over who is hung itself, or on another timeline, or not synchronous', () => {
  const only = (more: Parameters<typeof peer>[2]): Observation => ({
    ...hung('fsync stalled'),
    peers: [peer('n2', primary.flushLsn, more)],
  });
  assert.equal(jobOf(only({ hindrance: 'disk full' })), undefined);
  assert.equal(jobOf(only({ timeline: timeline(4) })), undefined);
  assert.equal(jobOf(only({ nofailover: true })), undefined);
  assert.equal(jobOf(only({}))?.kind, 'stop');
  const synchronous = withSettings(hung('fsync stalled'), { cluster: { synchronousMode: 'on' } });
  const sync = { leader: 'n1', members: ['n3'], quorum: 0, modRevision: revision(60n) };
  const job = jobOf(withCluster(synchronous, { sync }));
  assert.ok(job?.kind === 'stop');
  assert.deepEqual(job.successors, ['n3']);
});

test('a server that gives no answer counts as hung where the process table or the disk says so', () => {
  const silentServer = (more: object, kind: Hindrance): Observation => ({
    ...hung(kind),
    postgres: {
      kind: 'unresponsive',
      pid: pid(4711),
      sinceMs: agoMs(60_000),
      believed: 'primary',
      why: 'no answer',
      control,
      ...more,
    },
  });
  assert.equal(jobOf(silentServer({}, 'postmaster frozen'))?.kind, 'stop');
  assert.equal(jobOf(silentServer({ disk: true }, 'disk hung'))?.kind, 'stop');
  assert.equal(jobOf(silentServer({}, 'no answer')), undefined);
  assert.equal(ruleOf(silentServer({}, 'no answer')), 'leading.unresponsive');
});

test('a checkpoint that waits for the same disk is called off; a stop or a restart goes on', () => {
  const busy = (job: Job): Observation => ({
    ...hung('fsync stalled'),
    jobs: { kind: 'busy', job, sinceMs: agoMs(40_000), progress: null, cancelling: false, last: null },
  });
  assert.deepEqual(kinds(busy({ kind: 'checkpoint' })), ['cancelJob']);
  assert.deepEqual(kinds({ ...busy({ kind: 'checkpoint' }), peers: [] }), ['askPeers']);
  assert.equal(ruleOf(busy({ kind: 'follow', upstream: null })), 'job.running');
});

test('stopped because it was hung, and not in order: it gives way at once, and only in that reign', () => {
  const reign = { term: term(40n), kind: 'fsync stalled', timeline: timeline(5) } as const;
  const stopped: Observation = {
    ...leading,
    postgres: crashed,
    peers: both,
    memory: { ...leading.memory, hung: reign },
  };
  assert.equal(ruleOf(stopped), 'primary.crashed.giveWay');
  assert.deepEqual(kinds(stopped), ['releaseLeaderKey']);
  const another = { ...stopped, memory: { ...leading.memory, hung: { ...reign, term: term(39n) } } };
  assert.equal(ruleOf(another), 'primary.crashed');
  // Nobody can after all: the outage ends here, as far as it can.
  assert.equal(ruleOf(after({ ...stopped, peers: [] }, { kind: 'checkpoint' })), 'primary.crashed');
  // The control file of one that was promoted a moment ago shows the timeline before.
  const old = {
    ...stopped,
    postgres: { ...crashed, control: { ...control, timeline: timeline(4) } } as typeof crashed,
  };
  assert.deepEqual(kinds(old), ['releaseLeaderKey']);
  assert.equal(decide(leading).memory.hung, null);
});

test('what the kernel holds of it is killed: the key goes all the same, after the stop that says so, and nothing is started beside it', () => {
  const reign = { term: term(40n), kind: 'fsync stalled', timeline: timeline(5) } as const;
  const left: Observation = {
    ...leading,
    postgres: { ...crashed, orphans: [pid(4712)] } as typeof crashed,
    peers: both,
    memory: { ...leading.memory, hung: reign },
  };
  const budget = { immediateAtMs: null, killAtMs: null };
  const stop: Job = { kind: 'stop', mode: 'fast', budget, checkpointFirst: false, why: 'hung' };
  assert.equal(ruleOf(after(left, stop)), 'primary.hung.leftBehind');
  assert.deepEqual(kinds(after(left, stop)), ['releaseLeaderKey']);
  for (const [what, seen] of [
    ['the stop says that somebody is at large', after(left, stop, { ended: 'failed' })],
    ['something was begun since', after(left, { kind: 'clearOrphans' })],
    ['an agent that began anew knows of no stop', left],
    ['nobody takes over', { ...after(left, stop), peers: [] }],
    ['of another reign', { ...after(left, stop), memory: { ...leading.memory, hung: { ...reign, term: term(39n) } } }],
  ] as const)
    assert.equal(ruleOf(seen), 'postgres.orphans', what);
});
