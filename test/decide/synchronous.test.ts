import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Action } from '../../src/model/decision.ts';
import type { Job } from '../../src/model/job.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { Sender } from '../../src/model/postgres.ts';
import { instantMs, type Lsn, lsn, pid, revision } from '../../src/model/units.ts';
import {
  crashed,
  following,
  held,
  leaderKey,
  leading,
  member,
  primary,
  standby,
  withCluster,
  withSettings,
} from './values.ts';

/** What a leader does about /sync and PostgreSQL's list of names, step by step. */

const here = lsn('0/5000100');
const earlier = lsn('0/5000000');
const sender = (name: string, flushLsn: Lsn | null = here, syncState = 'async'): Sender => ({
  pid: pid(1),
  user: 'replicator',
  applicationName: name,
  clientAddress: null,
  state: 'streaming',
  syncState,
  syncPriority: 0,
  sentLsn: here,
  flushLsn,
  replayLsn: flushLsn,
});

interface Situation {
  readonly key?: readonly string[] | null;
  readonly leader?: string;
  readonly quorum?: number;
  readonly names?: string;
  readonly written?: string | null;
  readonly senders?: readonly Sender[];
  readonly settled?: boolean;
  readonly waitMs?: number;
  readonly inDoubt?: boolean;
  readonly cluster?: Partial<Observation['settings']['cluster']>;
  readonly lonelyMs?: number;
  readonly unreadMs?: number;
  readonly job?: Job;
}

function seeing(situation: Situation): Observation {
  const { key = [], leader = 'n1', quorum = 0, names = '', settled = true, senders = [] } = situation;
  const {
    written = names,
    waitMs = null,
    inDoubt = false,
    cluster = {},
    lonelyMs = null,
    unreadMs = null,
    job,
  } = situation;
  const since = instantMs(leading.nowMs - 5_000);
  const seen = withSettings(leading, { cluster: { synchronousMode: 'on', ...cluster } });
  const inCluster = withCluster(seen, {
    sync: key === null ? null : { leader, members: key, quorum, modRevision: revision(70n) },
  });
  return {
    ...inCluster,
    dcs: inCluster.dcs.kind === 'reachable' ? { ...inCluster.dcs, syncInDoubt: inDoubt } : inCluster.dcs,
    postgres: { ...primary, senders, synchronous: { names, written, inForce: true, oldestWaitMs: waitMs } },
    jobs:
      job === undefined
        ? seen.jobs
        : { kind: 'busy', job, sinceMs: since, progress: null, cancelling: false, last: null },
    memory: {
      ...seen.memory,
      synchrony: {
        names,
        sinceMs: settled ? since : leading.nowMs,
        settledLsn: settled ? earlier : null,
        settledMs: settled ? since : null,
        unreadSinceMs: unreadMs === null ? null : instantMs(leading.nowMs - unreadMs),
        lonelySinceMs: lonelyMs === null ? null : instantMs(leading.nowMs - lonelyMs),
      },
    },
  };
}

/** The one step of this look: `key n2,n3`, `names n2`, or nothing. */
const step = (situation: Situation): string => stepOf(seeing(situation));
function stepOf(seen: Observation): string {
  const told = decide(seen).upkeep.flatMap((action: Action): readonly string[] => {
    if (action.kind === 'writeSync') return [action.sync === null ? 'no key' : `key ${action.sync.members.join()}`];
    return action.kind === 'setSynchronousNames' ? [`names ${action.names}`] : [];
  });
  assert.ok(told.length <= 1, 'one step a look');
  return told[0] ?? '-';
}

test('a standby is added to PostgreSQL first, and to the key when it has everything [lessons 65, 74]', () => {
  const streaming = [sender('n2')];
  assert.equal(step({ key: null, senders: streaming }), 'key ', 'from now on nobody else is elected');
  assert.equal(step({ senders: streaming }), 'names n2');
  assert.equal(step({ senders: streaming, written: 'n2' }), '-', 'PostgreSQL has not read it yet');
  const sync = [sender('n2', here, 'sync')];
  assert.equal(step({ names: 'n2', settled: false, senders: sync }), '-', 'what was acknowledged before is not sure');
  assert.equal(step({ names: 'n2', senders: [sender('n2', lsn('0/4000000'), 'sync')] }), '-', 'it lacks some of that');
  assert.equal(step({ names: 'n2', senders: sync }), 'key n2');
  assert.equal(step({ key: ['n2'], names: 'n2', senders: sync }), '-');
});

test('a standby is taken from the key first, and then from PostgreSQL; alone, after a moment', () => {
  assert.equal(step({ key: ['n2'], names: 'n2', lonelyMs: 500 }), '-', 'it may only begin its stream anew');
  assert.equal(step({ key: ['n2'], names: 'n2', lonelyMs: 2_100 }), 'key ');
  assert.equal(step({ names: 'n2', lonelyMs: 2_200 }), 'names ');
  const other = [sender('n3')];
  assert.equal(step({ key: ['n2'], names: 'n2', senders: other }), 'key ');
  assert.equal(step({ names: 'n2', senders: other }), 'names n3');
});

test('one that shall be replaced is kept until the other has everything', () => {
  const preferred = { key: ['n2'], cluster: {}, senders: [sender('n2', here, 'sync'), sender('n3')] };
  const tagged = (situation: Situation): Observation =>
    withCluster(seeing(situation), {
      members: [member('n1', { role: 'primary' }), member('n2'), member('n3', { tags: { sync_priority: 2 } })],
    });
  const names = (situation: Situation): unknown =>
    decide(tagged(situation)).upkeep.find(({ kind }) => kind === 'setSynchronousNames' || kind === 'writeSync');
  assert.deepEqual(names({ ...preferred, names: 'n2' }), { kind: 'setSynchronousNames', names: '2 (n2,n3)' });
  const all = [sender('n2', here, 'sync'), sender('n3', here, 'sync')];
  const write = decide(tagged({ ...preferred, senders: all, names: '2 (n2,n3)' })).upkeep.find(
    (action): action is Extract<Action, { kind: 'writeSync' }> => action.kind === 'writeSync',
  );
  assert.deepEqual(write?.sync?.members, ['n3']);
});

test('commits that hang for one that another has overtaken go on with the other', () => {
  const senders = [sender('n2', earlier, 'sync'), sender('n3', here)];
  assert.equal(step({ key: ['n2'], names: 'n2', senders, waitMs: 500 }), '-');
  assert.equal(step({ key: ['n2'], names: 'n2', senders, waitMs: 2_500 }), 'names 2 (n2,n3)');
  const both = [sender('n2', earlier, 'sync'), sender('n3', here, 'sync')];
  assert.equal(step({ key: ['n2'], names: '2 (n2,n3)', senders: both, waitMs: 2_500 }), 'key n3');
});

test('with remote_apply it counts how far a standby has replayed', () => {
  const behind: Sender = { ...sender('n2', here, 'sync'), replayLsn: earlier };
  const hanging = (commits: string, change: Situation): Observation => {
    const seen = seeing({ key: ['n2'], names: 'n2', senders: [behind, sender('n3')], ...change });
    const { postgres } = seen.settings;
    const parameters = { ...postgres.parameters, synchronous_commit: commits };
    return { ...seen, settings: { ...seen.settings, postgres: { ...postgres, parameters } } };
  };
  const stalled = { waitMs: 2_500 };
  assert.equal(stepOf(hanging('remote_apply', stalled)), 'names 2 (n2,n3)');
  assert.equal(stepOf(hanging('on', stalled)), '-');
  const near = { cluster: { maximumLagBytesOnSyncNode: 16 } };
  assert.equal(stepOf(hanging('remote_apply', near)), 'key ', 'it is not fit, and another is');
  assert.equal(stepOf(hanging('on', near)), '-');
  const untold = { senders: [{ ...behind, replayLsn: null }, sender('n3')] };
  assert.equal(stepOf(hanging('remote_apply', untold)), 'key ', 'it never told how far it is');
});

test('strict, and nobody is there: when that lasts it is said, once', () => {
  const told = (change: Situation, lonelyTold = false): readonly string[] => {
    const seen = seeing({ key: ['n2'], names: 'n2', cluster: { synchronousStrict: true }, ...change });
    const synchrony = seen.memory.synchrony === null ? null : { ...seen.memory.synchrony, lonelyTold };
    const decision = decide({ ...seen, memory: { ...seen.memory, synchrony } });
    const texts = decision.upkeep.flatMap((action) => (action.kind === 'tell' ? [action.text] : []));
    assert.equal(
      decision.memory.synchrony?.lonelyTold,
      texts.length > 0 || (lonelyTold && change.senders === undefined),
    );
    return texts;
  };
  assert.deepEqual(told({ lonelyMs: 1_900 }), []);
  assert.match(told({ lonelyMs: 2_100 })[0] ?? '', /no commit ends before n2 is back$/);
  assert.match(told({ lonelyMs: 2_100, key: [], names: '' })[0] ?? '', /before a standby is back$/);
  assert.deepEqual(told({ lonelyMs: 9_000 }, true), []);
  assert.deepEqual(told({ senders: [sender('n2', here, 'sync')] }, true), [], 'the next time is told anew');
  assert.deepEqual(told({ lonelyMs: 2_100, cluster: {} }), [], 'not strict: they do not wait');
});

test('strict: the last ones are waited for, and with none nobody can acknowledge [lesson 69]', () => {
  const strict = { synchronousStrict: true };
  assert.equal(step({ key: ['n2'], names: 'n2', cluster: strict, lonelyMs: 60_000 }), '-');
  assert.equal(step({ cluster: strict }), 'names __patroni_strict_sync_replica_placeholder__');
  assert.equal(step({ names: '__patroni_strict_sync_replica_placeholder__', cluster: strict }), '-');
});

test('strict: one that is gone stays in the key until another has everything, which may go in the same moment', () => {
  const gone = { key: ['n2'], cluster: { synchronousStrict: true } };
  assert.equal(step({ ...gone, names: 'n2', senders: [sender('n3')] }), 'names 2 (n2,n3)');
  const listed = { ...gone, names: '2 (n2,n3)' };
  assert.equal(step({ ...listed, settled: false, senders: [sender('n3', here, 'sync')] }), '-');
  assert.equal(step({ ...listed, senders: [] }), 'names n2', 'it went, too');
  assert.equal(step({ ...listed, senders: [sender('n3', here, 'sync')] }), 'key n3');
  assert.equal(step({ ...listed, key: ['n3'], senders: [sender('n3', here, 'sync')] }), 'names n3');
});

test('what somebody else wrote, in the server or in the key, is a promise that nobody keeps [lesson 68]', () => {
  const senders = [sender('n2', here, 'sync'), sender('n3', here, 'sync')];
  assert.equal(step({ key: ['n2'], names: '', senders }), 'key ', 'SSN was emptied by hand');
  assert.equal(step({ key: ['n2', 'n3'], names: 'n2', senders }), 'key n2');
  for (const names of ['ANY 1 (n2,n3)', '1 (n2,n3)', '*'])
    assert.equal(step({ key: ['n2'], names, senders }), 'key ', names);
  assert.equal(step({ key: ['n2'], leader: 'n3', names: '2 (n2,n3)', senders }), 'key n3,n2', 'a new leader claims it');
});

test('an agent that just began, or lost sight of a write, makes sure first', () => {
  const senders = [sender('n2', here, 'sync')];
  assert.equal(step({ key: ['n2'], names: 'n2', written: null, senders }), 'names n2');
  assert.equal(step({ key: ['n2'], names: 'n2', inDoubt: true, senders }), 'key n2');
  assert.equal(step({ key: ['n2'], names: 'n2', written: '', senders }), 'key ', 'a list that is about to be read');
});

test('who is not fit is not waited for', () => {
  const reject = (tags: Record<string, unknown>): string => {
    const seen = withCluster(seeing({ senders: [sender('n2')] }), {
      members: [member('n1', { role: 'primary' }), member('n2', { tags })],
    });
    return decide(seen).upkeep.some(({ kind }) => kind === 'setSynchronousNames') ? 'waited for' : 'not';
  };
  assert.equal(reject({}), 'waited for');
  for (const tags of [{ nosync: true }, { sync_priority: 0 }, { nostream: true }]) assert.equal(reject(tags), 'not');
  assert.equal(step({ senders: [sender('n2', null)] }), '-', 'it never told how far it is');
  assert.equal(step({ senders: [sender('N2')] }), 'names n2', 'names know no case');
  const twice = [sender('n2', here, 'sync'), sender('N2')];
  assert.equal(step({ senders: twice }), '-', 'another calls itself so');
  assert.equal(step({ key: ['n2'], names: 'n2', senders: twice, lonelyMs: 2_100 }), 'key ');
  const near = { maximumLagBytesOnSyncNode: 16 };
  assert.equal(step({ senders: [sender('n2', earlier)], cluster: near }), '-');
});

test('switched off, the key goes', () => {
  assert.equal(step({ key: ['n2'], names: 'n2', cluster: { synchronousMode: 'off' } }), 'no key');
});

test('no files are written for a standby that is just being promoted [seed 0x221]', () => {
  const winner = withSettings(
    { ...following, held, guard: leading.guard, unapplied: true },
    { cluster: { synchronousMode: 'on' } },
  );
  const won = withCluster(winner, { leader: { ...leaderKey('n2'), lease: held.lease, term: held.term } });
  const { actions, upkeep } = decide(won);
  assert.ok(actions.some((action) => action.kind === 'startJob' && action.job.kind === 'promote'));
  assert.ok(!upkeep.some(({ kind }) => kind === 'applyConfiguration'));
});

test('a server that goes by another list than its files say, as after ALTER SYSTEM, is told again, and again', () => {
  const senders = [sender('n2')];
  assert.equal(step({ names: 'ghost', written: 'n2', senders, unreadMs: 500 }), '-');
  assert.equal(step({ names: 'ghost', written: 'n2', senders, unreadMs: 1_100 }), 'names n2');
});

test('while a job may start the server anew nobody more may be elected, but fewer may', () => {
  const restart: Job = {
    kind: 'restart',
    as: 'primary',
    upstream: null,
    premise: { term: null, leader: null, systemId: null },
    limitMs: 60_000,
    synchronousNames: 'n2',
  };
  const both = [sender('n2', here, 'sync'), sender('n3', here, 'sync')];
  const two = { key: ['n2'], names: '2 (n2,n3)', senders: both, cluster: { synchronousNodeCount: 2 } };
  assert.equal(step(two), 'key n2,n3');
  assert.equal(step({ ...two, job: restart }), '-');
  assert.equal(step({ ...two, job: { kind: 'checkpoint' } }), 'key n2,n3');
  assert.equal(step({ key: ['n2'], names: 'n2', lonelyMs: 2_100, job: restart }), 'key ');
});

test('nor in the look in which such a job begins [sync seed 0x160ac]', () => {
  const both = [sender('n2', here, 'sync'), sender('n3', here, 'sync')];
  const two = seeing({ key: ['n2'], names: '2 (n2,n3)', senders: both, cluster: { synchronousNodeCount: 2 } });
  assert.equal(stepOf(two), 'key n2,n3');
  const none = { role: null, pendingOnly: false, belowVersion: null, timeoutMs: null, schedule: null, raw: {} };
  const asked: Observation = { ...two, asks: [{ id: 8, kind: 'restart', ...none }] };
  const { actions } = decide(asked);
  assert.ok(actions.some((action) => action.kind === 'startJob' && action.job.kind === 'restart'));
  assert.equal(stepOf(asked), '-');
});

test('what is claimed from a leader before is kept by the list that is in force, whoever put that there', () => {
  assert.equal(step({ key: ['n2', 'n3'], leader: 'n9', names: '' }), 'key ');
  assert.equal(step({ key: ['n2', 'n3'], leader: 'n9', names: '2 (n2,n3)' }), 'key n2,n3');
});

test('with a quorum a ballot that is kept is not thrown away for none while nobody is proven', () => {
  const seen = seeing({
    key: ['n2', 'n3'],
    quorum: 1,
    names: 'ANY 1 (n3)',
    settled: false,
    senders: [sender('n3', here, 'quorum')],
    cluster: { synchronousMode: 'quorum' },
  });
  assert.deepEqual(
    decide(seen).upkeep.filter(({ kind }) => kind === 'writeSync'),
    [],
  );
});

test('a primary that went down starts with all that /sync names, and not before a write to it that was lost sight of is settled', () => {
  const down = (inDoubt: boolean): readonly Action[] =>
    decide({ ...seeing({ key: ['n2', 'n3'], inDoubt }), postgres: crashed }).actions.filter(
      ({ kind }) => kind === 'writeSync' || kind === 'startJob',
    );
  const [start] = down(false);
  assert.ok(start?.kind === 'startJob' && start.job.kind === 'startPrimary');
  assert.equal(start.job.synchronousNames, '2 (n2,n3)');
  const [first, second] = down(true);
  assert.ok(first?.kind === 'writeSync' && second?.kind === 'startJob', 'the first refusal ends them');
  assert.deepEqual(first.sync, { leader: 'n1', members: ['n2', 'n3'], quorum: 0 });
});

test('whose files are not written: of a server that was told to promote, and of one that waits for whom /sync still names', () => {
  const applies = (seen: Observation): boolean =>
    decide({ ...seen, unapplied: true }).upkeep.some(({ kind }) => kind === 'applyConfiguration');
  const rising = { ...following, postgres: { ...standby, toldToPromote: true } } as const;
  const nobody = withCluster(rising, { leader: null });
  assert.deepEqual(
    [applies(following), applies(nobody), applies(rising)],
    [true, false, true],
    'beside another leader',
  );
  const waits = { ...primary, synchronous: { ...primary.synchronous, names: 'n2', written: 'n2' } };
  const off = withCluster({ ...leading, postgres: waits }, { sync: null });
  const named = withCluster(off, { sync: { leader: 'n1', members: ['n2'], quorum: 0, modRevision: revision(7n) } });
  const lastSeen = named.dcs.kind === 'reachable' ? named.dcs.cluster : null;
  const away: Observation = { ...named, dcs: { kind: 'unreachable', sinceMs: named.nowMs, why: 'gone', lastSeen } };
  assert.deepEqual([applies(off), applies(named), applies(away)], [true, false, false]);
});
