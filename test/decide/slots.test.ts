import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { Slot } from '../../src/model/postgres.ts';
import { lsn, revision } from '../../src/model/units.ts';
import { cluster, following, leading, primary, standby, unreachable, vacant, withCluster } from './values.ts';

/** Slots of the members: on the leader, and on whoever may lead next. */

const slot = (name: string, more: Partial<Slot> = {}): Slot => ({
  name,
  kind: 'physical',
  active: false,
  temporary: false,
  restartLsn: lsn('0/4000000'),
  confirmedFlushLsn: null,
  xmin: false,
  walStatus: 'reserved',
  database: null,
  plugin: null,
  ...more,
});
const onLeader = (...slots: Slot[]): Observation => ({ ...leading, postgres: { ...primary, slots } });
const onStandby = (...slots: Slot[]): Observation => ({ ...following, postgres: { ...standby, slots } });
const does = (seen: Observation): readonly string[] =>
  decide(seen).upkeep.flatMap((one) => {
    if (one.kind === 'createSlot' || one.kind === 'dropSlot') return [`${one.kind} ${one.name}`];
    return one.kind === 'advanceSlot' ? [`${one.kind} ${one.name} ${one.to}`] : [];
  });

test('a slot that keeps no WAL is made anew; one in use, and one that does its work, are left alone [lesson 80]', () => {
  assert.deepEqual(does(onLeader()), ['createSlot n2', 'createSlot n3']);
  assert.deepEqual(does(onLeader(slot('n2'), slot('n3'))), []);
  assert.deepEqual(does(onLeader(slot('n2', { restartLsn: null, walStatus: null }), slot('n3'))), ['dropSlot n2']);
  assert.deepEqual(does(onLeader(slot('n2', { walStatus: 'lost' }), slot('n3'))), ['dropSlot n2']);
  assert.deepEqual(does(onLeader(slot('n2', { restartLsn: null, active: true }), slot('n3'))), []);
});

test('a former primary makes slots with an xmin anew, but not while nobody leads [lesson 82]', () => {
  const old = [slot('n1', { xmin: true }), slot('n3', { xmin: true })];
  assert.deepEqual(does(onStandby(...old)), ['dropSlot n1', 'dropSlot n3']);
  assert.deepEqual(does(onLeader(slot('n2', { xmin: true }), slot('n3', { xmin: true }))), [], 'they are in use here');
  assert.deepEqual(does({ ...vacant, postgres: { ...standby, receiver: null, slots: old } }), []);
  assert.deepEqual(does(unreachable(onStandby(...old))), []);
});

test('on a standby slots are moved on to where the leader says, and never beyond what was replayed here [lesson 84]', () => {
  const told = (to: string): Observation =>
    withCluster(onStandby(slot('n1'), slot('n3')), {
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
