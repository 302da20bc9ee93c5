import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDynamic } from '../../../src/codec/config/dynamic.ts';
import { readLocalConfig } from '../../../src/codec/config/local.ts';
import { mergeSettings } from '../../../src/codec/config/merge.ts';
import { small } from './sample.ts';

/** `slots` and `ignore_slots`: what is asked for, and what is wrong with it. */

const read = (document: object, members: readonly string[] = []) =>
  readDynamic(document, null, { foreignMembers: false, members });
const physical = (name: string, clusterType: string | null = null) => ({ kind: 'physical', name, clusterType });

test('nothing makes a physical slot, database and plugin a logical one; the first of the three names counts', () => {
  const logical = { kind: 'logical', name: 'c', database: 'app', plugin: 'pgoutput' };
  const { cluster, warnings } = read({
    slots: { a: null, b: { type: 'physical', cluster_type: 'standby' }, c: { database: 'app', plugin: 'pgoutput' } },
  });
  assert.deepEqual(warnings, []);
  assert.deepEqual(cluster.permanentSlots, [physical('a'), physical('b', 'standby'), logical]);
  assert.equal(cluster.slotsInDoubt, false);
  const both = read({ slots: { a: {} }, permanent_slots: { b: {} }, permanent_replication_slots: { c: {} } }).cluster;
  assert.deepEqual(both.permanentSlots, [physical('c')]);
  assert.deepEqual(read({}).cluster.permanentSlots, []);
});

test('an entry that cannot be understood is left out and told, and nothing unknown is dropped over it', () => {
  const table: readonly [document: object, told: RegExp][] = [
    [{ slots: { 'My-Slot': {} } }, /^slots\.My-Slot: no name of a slot: a to z, 0 to 9 and _ only, 63 characters/],
    [{ slots: { ['x'.repeat(64)]: {} } }, /no name of a slot/],
    [{ slots: { a: 'physical' } }, /^slots\.a: "physical" is no mapping/],
    [{ slots: { a: { type: 'logic' } } }, /^slots\.a: type "logic" is neither physical nor logical/],
    [{ slots: { a: { type: 'logical', plugin: 'pgoutput' } } }, /^slots\.a: a logical slot needs its database/],
    [{ slots: { a: { type: 'logical', database: 'app' } } }, /^slots\.a: a logical slot needs its plugin/],
    [{ slots: { a: { cluster_type: 'both' } } }, /^slots\.a: cluster_type "both" is neither primary nor standby/],
    [{ slots: ['a'] }, /^slots: \["a"\] is no mapping/],
    [{ ignore_slots: { name: 'a' } }, /^ignore_slots: .* is no list/],
    [{ ignore_slots: [{}] }, /^ignore_slots\[0\]: it says nothing/],
    [{ ignore_slots: ['a'] }, /^ignore_slots\[0\]: "a" is no mapping/],
    [{ ignore_slots: [{ name: 'a' }, { nmae: 'a' }] }, /^ignore_slots\[1\]: nmae: "a" is none of name, type/],
    [{ ignore_slots: [{ type: 'both' }] }, /^ignore_slots\[0\]: type "both" is neither/],
  ];
  for (const [document, told] of table) {
    const { cluster, warnings } = read(document);
    assert.equal(warnings.length, 1, JSON.stringify(document));
    assert.match(warnings.join(), told);
    assert.equal(cluster.slotsInDoubt, true, JSON.stringify(document));
    assert.deepEqual(cluster.permanentSlots, []);
  }
});

test('ignore_slots takes any of name, type, database and plugin', () => {
  const { cluster, warnings } = read({
    ignore_slots: [
      { type: 'logical', plugin: 'wal2json' },
      { name: 'barman', type: 'physical', database: null },
    ],
  });
  assert.deepEqual(warnings, []);
  assert.deepEqual(cluster.ignoreSlots, [
    { kind: 'logical', plugin: 'wal2json' },
    { kind: 'physical', name: 'barman' },
  ]);
});

test('a logical slot that has the name of a slot of a member is left out; members of one slot name are told', () => {
  const slots = { node_1: { database: 'app', plugin: 'pgoutput' }, node_2: {} };
  const { cluster, warnings } = read({ slots }, ['node-1', 'node-2']);
  assert.deepEqual(cluster.permanentSlots, [physical('node_2')]);
  assert.match(warnings.join(), /^slots\.node_1: logical, but member node-1 streams by a slot of this name/);
  assert.match(
    read({}, ['node-1', 'node.1']).warnings.join(),
    /members node-1 and node\.1 have the same slot name node_1/,
  );
});

const localFile = readLocalConfig(small, 'node.yml', {});
const merged = (slots: object, parameters: object, { tags = {}, relays = false, more = {} } = {}) => {
  assert.ok(localFile.kind === 'ok');
  const local = { ...localFile.local, tags: { ...localFile.local.tags, ...tags } };
  const document = { slots, postgresql: { parameters }, ...more };
  const scope = { foreignMembers: false, relays };
  const { settings, warnings } = mergeSettings(local, JSON.stringify(document), null, scope);
  return { feedback: settings.postgres.parameters.hot_standby_feedback, told: warnings.join('\n') };
};

test('logical slots: standby feedback is on where they are or pass through, and wal_level must be logical', () => {
  const cdc = { cdc: { database: 'app', plugin: 'pgoutput' } };
  const logical = { wal_level: 'logical' };
  assert.deepEqual(merged(cdc, logical), { feedback: 'on', told: '' });
  assert.deepEqual(merged({ barman: null }, {}), { feedback: undefined, told: '' });
  assert.match(merged(cdc, {}).told, /^slots: cdc: logical slots need postgresql\.parameters\.wal_level: logical/);
  const off = merged(cdc, { ...logical, hot_standby_feedback: 'off' });
  assert.equal(off.feedback, 'on');
  assert.match(off.told, /hot_standby_feedback: off would make the copies of logical slots useless/);
  assert.equal(merged(cdc, logical, { tags: { nofailover: true } }).feedback, undefined);
  assert.equal(merged(cdc, logical, { tags: { nofailover: true }, relays: true }).feedback, 'on');
  assert.equal(merged(cdc, logical, { tags: { nostream: true }, relays: true }).feedback, undefined);
  assert.match(merged(cdc, logical, { more: { postgresql: { use_slots: false } } }).told, /use_slots is off/);
  assert.match(
    merged(cdc, logical, { more: { standby_cluster: { host: 'far' } } }).told,
    /cluster that follows another/,
  );
});
