import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spacedJson } from '../../../src/codec/rest/json.ts';
import { writeMetrics } from '../../../src/codec/rest/metrics.ts';
import { readPeerStatus } from '../../../src/codec/rest/peer.ts';
import { statusDocument } from '../../../src/codec/rest/status.ts';
import type { Observation } from '../../../src/model/observation.ts';
import { instantMs, later, lsn, term, wallMs } from '../../../src/model/units.ts';
import { now, snapshotOf, viewOf } from '../../api/handles.ts';
import { following, leading, primary } from '../../decide/values.ts';

/** What /patroni and /metrics say of slots, and what another agent reads of it. */

const slots = [
  {
    name: 'n2',
    kind: 'physical',
    active: true,
    temporary: false,
    restartLsn: lsn('0/4000100'),
    confirmedFlushLsn: null,
    xmin: false,
    catalogXmin: 740,
    walStatus: 'reserved',
    database: null,
    plugin: null,
    failover: false,
    synced: false,
    safeWalBytes: null,
  },
] as const;
const minuteAgo = { atMs: later(leading.nowMs, -64_000), retained: { n2: 0 } };
const leads: Observation = {
  ...leading,
  postgres: { ...primary, slots, walFreeBytes: 268_435_456 },
  memory: { ...leading.memory, slotLooks: [minuteAgo] },
};
const proof = { term: term(40n), startedWallMs: wallMs(1_000), leaderStarted: null, floor: 740, safe: true };
const follows: Observation = { ...following, memory: { ...following.memory, slotProofs: { cdc: proof } } };
const view = (seen: Observation) => viewOf(seen, { nowMs: instantMs(now) });
const documentOf = (seen: Observation): string => spacedJson(statusDocument(snapshotOf(seen), view(seen)));
const slotsOf = (seen: Observation): unknown =>
  (JSON.parse(documentOf(seen)) as { matriarch: { slots?: unknown } }).matriarch.slots;
const metricsOf = (seen: Observation) =>
  writeMetrics(snapshotOf(seen), view(seen))
    .split('\n')
    .filter((line) => line.startsWith('matriarch_slot_'));

test('of a primary: what each slot keeps, how fast that grows, and when it ends', () => {
  assert.deepEqual(slotsOf(leads), {
    n2: {
      type: 'physical',
      active: true,
      retained_bytes: 16_777_216,
      growth_bytes_per_s: 262_144,
      left_bytes: 268_435_456,
      limit: 'disk',
      lost_in_s: 1_024,
      catalog_xmin: 740,
    },
  });
  assert.deepEqual(metricsOf(leads), [
    'matriarch_slot_retained_bytes{scope="demo",name="n1",slot="n2"} 16777216',
    'matriarch_slot_growth_bytes_per_second{scope="demo",name="n1",slot="n2"} 262144',
    'matriarch_slot_left_bytes{scope="demo",name="n1",slot="n2"} 268435456',
    'matriarch_slot_lost_in_seconds{scope="demo",name="n1",slot="n2"} 1024',
  ]);
  assert.deepEqual([slotsOf(leading), metricsOf(leading)], [undefined, []]);
});

test('of a standby: whether its copies of logical slots could be used', () => {
  assert.deepEqual(slotsOf(follows), { cdc: { type: 'logical', safe: true } });
  assert.deepEqual(metricsOf(follows), ['matriarch_slot_copy_safe{scope="demo",name="n2",slot="cdc"} 1']);
});

test('what a primary says of its slots is what a standby hears; a standby says nothing of that', () => {
  assert.deepEqual(readPeerStatus(documentOf(leads))?.catalogXmins, { n2: 740 });
  assert.equal(readPeerStatus(documentOf(follows))?.catalogXmins, undefined);
});
