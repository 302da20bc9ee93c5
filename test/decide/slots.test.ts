import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { Slot } from '../../src/model/postgres.ts';
import type { ClusterSettings } from '../../src/model/settings.ts';
import { later as laterMs, lsn, revision, timeline } from '../../src/model/units.ts';
import {
  cluster,
  following,
  idleSlot,
  leading,
  member,
  primary,
  standby,
  unreachable,
  vacant,
  withCluster,
  withSettings,
} from './values.ts';

/** Slots of the members: on the leader, and on whoever may lead next. */

const onLeader = (...slots: Slot[]): Observation => ({ ...leading, postgres: { ...primary, slots } });
const onStandby = (...slots: Slot[]): Observation => ({ ...following, postgres: { ...standby, slots } });
const does = (seen: Observation): readonly string[] =>
  decide(seen).upkeep.flatMap((one) => {
    if (one.kind === 'createSlot' || one.kind === 'dropSlot') return [`${one.kind} ${one.name}`];
    return one.kind === 'advanceSlot' ? [`${one.kind} ${one.name} ${one.to}`] : [];
  });

test('a slot that keeps no WAL is made anew; one in use, and one that does its work, are left alone [lesson 80]', () => {
  assert.deepEqual(does(onLeader()), ['createSlot n2', 'createSlot n3']);
  assert.deepEqual(does(onLeader(idleSlot('n2'), idleSlot('n3'))), []);
  assert.deepEqual(does(onLeader(idleSlot('n2', { restartLsn: null, walStatus: null }), idleSlot('n3'))), [
    'dropSlot n2',
  ]);
  assert.deepEqual(does(onLeader(idleSlot('n2', { walStatus: 'lost' }), idleSlot('n3'))), ['dropSlot n2']);
  assert.deepEqual(does(onLeader(idleSlot('n2', { restartLsn: null, active: true }), idleSlot('n3'))), []);
});

test('a former primary makes slots with an xmin anew, but not while nobody leads [lesson 82]', () => {
  const old = [idleSlot('n1', { xmin: true }), idleSlot('n3', { xmin: true })];
  assert.deepEqual(does(onStandby(...old)), ['dropSlot n1', 'dropSlot n3']);
  assert.deepEqual(
    does(onLeader(idleSlot('n2', { xmin: true }), idleSlot('n3', { xmin: true }))),
    [],
    'they are in use here',
  );
  assert.deepEqual(does({ ...vacant, postgres: { ...standby, receiver: null, slots: old } }), []);
  assert.deepEqual(does(unreachable(onStandby(...old))), []);
});

test('on a standby slots are moved on to where the leader says, and never beyond what was replayed here [lesson 84]', () => {
  const told = (to: string): Observation =>
    withCluster(onStandby(idleSlot('n1'), idleSlot('n3')), {
      status: {
        ...(cluster.status ?? { optime: lsn('0/0'), retainSlots: [] }),
        slots: { n3: lsn(to) },
        modRevision: revision(80n),
      },
    });
  assert.deepEqual(does(told('0/5000100')), [`advanceSlot n3 ${lsn('0/5000100')}`]);
  assert.deepEqual(does(told('0/5000101')), [], 'received perhaps, and not replayed');
  assert.deepEqual(does(told('0/3000000')), [], 'never back');
});

const asking = (seen: Observation, change: Partial<ClusterSettings>): Observation => ({
  ...seen,
  settings: { ...seen.settings, cluster: { ...seen.settings.cluster, ...change } },
});
const permanent = (...names: string[]): Partial<ClusterSettings> => ({
  permanentSlots: names.map((name) => ({ kind: 'physical', name, clusterType: null })),
});
const members = [idleSlot('n2'), idleSlot('n3')];
/** The same, as it is seen when a slot has been there for as long. */
function later(seen: Observation, ms: number): Observation {
  const { memory } = decide(seen);
  return { ...seen, nowMs: laterMs(seen.nowMs, ms), memory };
}

test('a slot that nobody asked for is dropped after one ttl without a user, not at once, and never in pause', () => {
  const seen = onLeader(
    ...members,
    idleSlot('spare'),
    idleSlot('old', { kind: 'logical', database: 'app', plugin: 'x' }),
  );
  const { ttlMs } = seen.settings.cluster;
  assert.deepEqual(does(seen), []);
  assert.deepEqual(does(later(seen, ttlMs - 1)), []);
  assert.deepEqual(does(later(seen, ttlMs)), ['dropSlot spare', 'dropSlot old']);
  assert.deepEqual(does(later(asking(seen, { pause: true }), ttlMs)), []);
  assert.deepEqual(
    does(later(asking(seen, { slotsInDoubt: true }), ttlMs)),
    [],
    'the entry that is wrong may be its own',
  );
  assert.deepEqual(does(later(onLeader(...members, idleSlot('spare', { active: true })), ttlMs)), []);
  assert.deepEqual(does(later(onLeader(...members, idleSlot('base', { temporary: true })), ttlMs)), []);
  assert.deepEqual(does(later(onLeader(...members, idleSlot('pg17', { failover: true })), ttlMs)), []);
});

test('the wait of a slot begins anew when it was in use, or its configuration could not be read', () => {
  const seen = onLeader(...members, idleSlot('spare'));
  const { ttlMs } = seen.settings.cluster;
  const used = {
    ...later(seen, ttlMs / 2),
    postgres: onLeader(...members, idleSlot('spare', { active: true })).postgres,
  };
  const idle = { ...later(used, ttlMs / 2), postgres: seen.postgres };
  assert.deepEqual(does(idle), []);
  assert.deepEqual(does(later(idle, ttlMs)), ['dropSlot spare']);
  const garbage = { garbage: [{ key: '/service/demo/config', why: 'no JSON' }] };
  assert.deepEqual(does(withCluster(later(seen, ttlMs), garbage)), []);
});

test('ignore_slots: all that is given must fit, any of it may be given', () => {
  const logical = idleSlot('cdc', { kind: 'logical', database: 'app', plugin: 'wal2json' });
  const seen = onLeader(...members, logical);
  const dropsWith = (...ignoreSlots: ClusterSettings['ignoreSlots']): boolean =>
    does(later(asking(seen, { ignoreSlots }), seen.settings.cluster.ttlMs)).length > 0;
  assert.equal(dropsWith(), true);
  for (const fits of [{ name: 'cdc' }, { kind: 'logical' }, { database: 'app' }, { plugin: 'wal2json' }] as const) {
    assert.equal(dropsWith(fits), false, JSON.stringify(fits));
    assert.equal(dropsWith({ name: 'other' }, fits), false);
    assert.equal(dropsWith({ ...fits, database: 'other' }), true);
  }
});

test('permanent slots are made on the leader, and on whoever may lead, where they move on to where the leader says', () => {
  const barman = permanent('barman');
  assert.deepEqual(does(asking(onLeader(...members), barman)), ['createSlot barman']);
  assert.deepEqual(does(asking(onLeader(...members, idleSlot('barman')), barman)), []);
  const behind = onStandby(idleSlot('n1'), idleSlot('n3'), idleSlot('barman'));
  const status = {
    optime: lsn('0/5000100'),
    slots: { barman: lsn('0/4800000') },
    retainSlots: [],
    modRevision: revision(1n),
  };
  assert.deepEqual(does(asking(withCluster(behind, { status }), barman)), [`advanceSlot barman ${lsn('0/4800000')}`]);
  assert.deepEqual(does(asking(onStandby(idleSlot('n1'), idleSlot('n3')), barman)), ['createSlot barman']);
  const nofailover: Observation = {
    ...behind,
    settings: {
      ...behind.settings,
      local: { ...behind.settings.local, tags: { ...behind.settings.local.tags, nofailover: true } },
    },
  };
  assert.deepEqual([...does(later(asking(nofailover, barman), behind.settings.cluster.ttlMs))].sort(), [
    'dropSlot barman',
    'dropSlot n1',
    'dropSlot n3',
  ]);
});

test('a permanent slot for the other kind of cluster, or of the name of this member, is not made', () => {
  const slots = (clusterType: 'primary' | 'standby', name = 'barman') =>
    does(asking(onLeader(...members), { permanentSlots: [{ kind: 'physical', name, clusterType }] }));
  assert.deepEqual(slots('primary'), ['createSlot barman']);
  assert.deepEqual(slots('standby'), []);
  assert.deepEqual(slots('primary', 'n1'), []);
});

test('permanent slots stand in /status, and not among those that are retained', () => {
  const seen = asking(onLeader(...members, idleSlot('barman')), permanent('barman', 'n3'));
  const written = (one: Observation) => {
    const action = decide(one).upkeep.find(({ kind }) => kind === 'writeStatus');
    return action?.kind === 'writeStatus' ? action.status : null;
  };
  const known = later(seen, 0);
  assert.deepEqual(Object.keys(written(known)?.slots ?? {}).sort(), ['barman', 'n1', 'n2', 'n3']);
  assert.deepEqual(written(known)?.retainSlots, ['n1', 'n2']);
  assert.deepEqual(Object.keys(written(asking(known, { memberSlotsTtlMs: 0 }))?.slots ?? {}).sort(), ['barman', 'n3']);
});

test('a slot of the wrong kind, database or plugin is made anew; so is one of another in use, later', () => {
  const cdc = { kind: 'logical', name: 'cdc', database: 'app', plugin: 'pgoutput' } as const;
  const has = (change: Partial<Slot>) =>
    does(
      asking(
        onLeader(...members, idleSlot('cdc', { kind: 'logical', database: 'app', plugin: 'pgoutput', ...change })),
        {
          permanentSlots: [cdc],
        },
      ),
    );
  assert.deepEqual(has({}), []);
  assert.deepEqual(has({ plugin: 'wal2json' }), ['dropSlot cdc']);
  assert.deepEqual(has({ database: 'other' }), ['dropSlot cdc']);
  assert.deepEqual(has({ kind: 'physical', database: null, plugin: null }), ['dropSlot cdc']);
  assert.deepEqual(has({ walStatus: 'lost' }), ['dropSlot cdc']);
  assert.deepEqual(has({ plugin: 'wal2json', active: true }), []);
});

test('a member that streams from another: its slot here is idle, moved on to what it has replayed, without an xmin', () => {
  const cascades = [
    member('n1', { role: 'primary' }),
    member('n2'),
    member('n3', { tags: { replicatefrom: 'n2' }, replayLsn: lsn('0/4900000'), receiveLsn: lsn('0/5000100') }),
  ];
  const seen = (...slots: Slot[]) => withCluster(onLeader(...slots), { members: cascades });
  assert.deepEqual(does(seen(idleSlot('n2'), idleSlot('n3'))), [`advanceSlot n3 ${lsn('0/4900000')}`]);
  assert.deepEqual(does(seen(idleSlot('n2', { xmin: true }), idleSlot('n3', { xmin: true }))), ['dropSlot n3']);
  const elsewhere = cascades.map((one) => ({ ...one, timeline: timeline(4) }));
  assert.deepEqual(does(withCluster(seen(idleSlot('n2'), idleSlot('n3')), { members: elsewhere })), []);
  const upstream = withCluster(onStandby(idleSlot('n1'), idleSlot('n3', { xmin: true })), { members: cascades });
  assert.deepEqual(does(upstream), [], 'it streams from here: its slot is in use, though not this moment');
});

test('replicatefrom: a circle is broken, one that leads nowhere falls back to the leader', () => {
  const tagged = (n2: string | undefined, n3: string | undefined) => [
    member('n1', { role: 'primary' }),
    member('n2', { tags: n2 === undefined ? {} : { replicatefrom: n2 } }),
    member('n3', { tags: n3 === undefined ? {} : { replicatefrom: n3 } }),
  ];
  const idle = onLeader(idleSlot('n2', { xmin: true }), idleSlot('n3', { xmin: true }));
  const notHere = (n2?: string, n3?: string) => does(withCluster(idle, { members: tagged(n2, n3) }));
  assert.deepEqual(notHere('n3', 'n2'), [], 'each waits for the other: both stream from the leader');
  assert.deepEqual(notHere('n3', undefined), ['dropSlot n2']);
  assert.deepEqual(notHere('n9', 'n3'), []);
});

test('a standby follows the member that it names, unless the two go round in a circle, or that member is gone', () => {
  const follows = (tag: string, ofN3: string | undefined) => {
    const n3 = member('n3', { tags: ofN3 === undefined ? {} : { replicatefrom: ofN3 } });
    const members = [member('n1', { role: 'primary' }), member('n2', { tags: { replicatefrom: tag } }), n3];
    const seen = withSettings(withCluster(following, { members }), { tags: { replicatefrom: tag } });
    const begun = decide(seen).actions.find((action) => action.kind === 'startJob');
    return begun?.job.kind === 'follow' ? begun.job.upstream?.member : 'as it is';
  };
  assert.equal(follows('n3', undefined), 'n3');
  assert.equal(follows('n3', 'n1'), 'n3');
  assert.equal(follows('n3', 'n2'), 'as it is', 'it streams from the leader');
  assert.equal(follows('n9', undefined), 'as it is');
  assert.equal(follows('n2', undefined), 'as it is');
});

test('without slots of absent members only those who stream from here have one', () => {
  const seen = (one: Observation) => does(asking(one, { memberSlotsTtlMs: 0 }));
  assert.deepEqual(seen(onLeader()), ['createSlot n2', 'createSlot n3']);
  assert.deepEqual(seen(onStandby()), []);
});

test('without etcd slots move on to where a primary in failsafe mode says they stand; none is made or dropped', () => {
  const seen = onStandby(idleSlot('n1'), idleSlot('barman'), idleSlot('spare'));
  const away = unreachable(asking(seen, permanent('barman')));
  assert.deepEqual(does(away), []);
  const promised = {
    to: 'n1',
    term: null,
    givenMs: laterMs(seen.nowMs, -100),
    untilMs: laterMs(seen.nowMs, 5_000),
    anybodyUntilMs: null,
    at: null,
    lsn: lsn('0/5000100'),
    slots: { barman: lsn('0/4900000'), n1: lsn('0/5000000') },
  };
  const inFailsafe = (more: Partial<typeof promised> = {}): Observation => ({
    ...away,
    failsafe: { ...away.failsafe, promised: { ...promised, ...more } },
  });
  assert.deepEqual(does(inFailsafe()), [
    `advanceSlot n1 ${lsn('0/5000000')}`,
    `advanceSlot barman ${lsn('0/4900000')}`,
  ]);
  assert.deepEqual(does(inFailsafe({ to: 'n3' })), [], 'it was no leader when etcd was seen last');
  assert.deepEqual(does(inFailsafe({ untilMs: seen.nowMs })), []);
});
