import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readDynamic } from '../../../src/codec/config/dynamic.ts';
import { readLocalConfig } from '../../../src/codec/config/local.ts';
import { mergeSettings } from '../../../src/codec/config/merge.ts';
import type { ClusterSettings } from '../../../src/model/settings.ts';
import { small } from './sample.ts';

const alone = { foreignMembers: false };
const shared = { foreignMembers: true };
type Timings = readonly [ttl: number, loopWait: number, retryTimeout: number];
const timings = ({ ttlMs, loopWaitMs, retryTimeoutMs }: ClusterSettings): Timings => [
  ttlMs / 1_000,
  loopWaitMs / 1_000,
  retryTimeoutMs / 1_000,
];

test('impossible timings are adjusted as Patroni does, each with a warning that names the numbers', () => {
  const table: readonly [document: object, scope: typeof alone, after: Timings, warning: RegExp | null][] = [
    [{}, alone, [30, 10, 10], null],
    [{ ttl: 30, loop_wait: 10, retry_timeout: 10 }, alone, [30, 10, 10], null],
    [{ ttl: '30', loop_wait: '0x5', retry_timeout: '010' }, alone, [30, 5, 8], null],
    [{ ttl: 25 }, alone, [25, 5, 10], /loop_wait 10 \+ 2 x retry_timeout 10 = 30 is more than ttl 25; loop_wait 5/],
    [{ ttl: 20 }, shared, [20, 1, 9], /is more than ttl 20; loop_wait 1 and retry_timeout 9/],
    [{ ttl: 5 }, shared, [20, 1, 9], /ttl: 5 is less than 20, the least that the Patroni members/],
    [{ ttl: 5 }, alone, [5, 1, 2], /ttl: 5 is shorter than Patroni's least of 20/],
    [{ ttl: 1 }, alone, [5, 1, 2], /ttl: 1 is less than 5/],
    [{ ttl: 30, loop_wait: 0, retry_timeout: 1 }, alone, [30, 1, 3], /loop_wait: 0 is less than 1; 1 is used/],
    [{ ttl: 30, retry_timeout: -5 }, alone, [30, 10, 3], /retry_timeout: -5 is less than 3/],
    [{ ttl: 60, loop_wait: 100 }, alone, [60, 40, 10], /loop_wait 100 /],
    [{ ttl: 30, retry_timeout: 15 }, alone, [30, 1, 14], /loop_wait 1 and retry_timeout 14/],
  ];
  for (const [document, scope, after, warning] of table) {
    const { cluster, warnings } = readDynamic(document, null, scope);
    assert.deepEqual(timings(cluster), after, JSON.stringify(document));
    if (warning === null) assert.deepEqual(warnings, []);
    else assert.match(warnings.join('\n'), warning);
  }
});

test('a timing that is no integer refuses the document as a whole', () => {
  const before = readDynamic({ ttl: 40, pause: true }, null, alone).cluster;
  for (const bad of ['30s', 'x', 1.5, true, [], {}]) {
    const { cluster, warnings } = readDynamic({ ttl: bad, loop_wait: 7 }, before, alone);
    assert.equal(cluster, before);
    assert.match(warnings.join(), /^ttl: .* the new settings are ignored as a whole$/);
  }
});

test('a switch that is neither on nor off refuses the document as a whole: a typing error does not end synchronous mode', () => {
  const before = readDynamic({ ttl: 40, synchronous_mode: 'quorum', failsafe_mode: true }, null, alone).cluster;
  const switches = ['synchronous_mode', 'synchronous_mode_strict', 'failsafe_mode', 'check_timeline', 'pause'];
  for (const name of switches)
    for (const bad of ['onn', 2, '', [], 'Quorum ']) {
      const { cluster, warnings, refused } = readDynamic({ [name]: bad, ttl: 50 }, before, alone);
      assert.equal(cluster, before);
      assert.match(refused?.join() ?? '', new RegExp(`^${name}: .* is not true`));
      assert.match(warnings.join(), new RegExp(`^${name}: .* is not true.* the new settings are ignored as a whole$`));
    }
  for (const good of [true, 'on', 0, 'NO', null])
    assert.equal(readDynamic({ pause: good }, null, alone).refused, undefined);
});

test('an agent that knows nothing older takes a synchronous mode that it cannot read for one that loses nothing', () => {
  const { cluster } = readDynamic({ synchronous_mode: 'offf', failsafe_mode: 'maybe', ttl: 50 }, null, alone);
  const { synchronousMode, failsafeMode, ttlMs } = cluster;
  assert.deepEqual(
    { synchronousMode, failsafeMode, ttlMs },
    { synchronousMode: 'on', failsafeMode: false, ttlMs: 50_000 },
  );
});

test('other settings fall back alone', () => {
  const table: readonly [document: object, name: keyof ClusterSettings, value: unknown, isWarned: boolean][] = [
    [{ maximum_lag_on_failover: '1MB' }, 'maximumLagBytesOnFailover', 1_048_576, true],
    [{ maximum_lag_on_failover: '5' }, 'maximumLagBytesOnFailover', 5, false],
    [{ maximum_lag_on_failover: -1 }, 'maximumLagBytesOnFailover', 1_048_576, true],
    [{ primary_start_timeout: 0 }, 'primaryStartTimeoutMs', 0, false],
    [{ master_start_timeout: 7 }, 'primaryStartTimeoutMs', 7_000, false],
    [{ member_slots_ttl: '30min' }, 'memberSlotsTtlMs', 1_800_000, false],
    [{ member_slots_ttl: null }, 'memberSlotsTtlMs', 1_800_000, false],
    [{ member_slots_ttl: 'long' }, 'memberSlotsTtlMs', 1_800_000, true],
    [{ pause: 'ON' }, 'pause', true, false],
    [{ pause: 'perhaps' }, 'pause', false, true],
    [{ standby_cluster: {} }, 'standbyCluster', null, false],
    [{ standby_cluster: { create_replica_methods: ['x'] } }, 'standbyCluster', null, false],
    [{ standby_cluster: 'remote' }, 'standbyCluster', null, false],
    [{ ignore_slots: [1, { name: 'a' }] }, 'ignoreSlots', [{ name: 'a' }], true],
    [{ synchronous_mode: 'ON' }, 'synchronousMode', 'on', false],
    [{ synchronous_mode: 'quorum' }, 'synchronousMode', 'quorum', false],
    [{ synchronous_mode: 'perhaps' }, 'synchronousMode', 'on', true],
    [{ synchronous_mode_strict: 'yes' }, 'synchronousStrict', true, false],
    [{ synchronous_node_count: '2' }, 'synchronousNodeCount', 2, false],
    [{ synchronous_node_count: 0 }, 'synchronousNodeCount', 1, true],
    [{ maximum_lag_on_syncnode: 4096 }, 'maximumLagBytesOnSyncNode', 4096, false],
    [{ maximum_lag_on_syncnode: -1 }, 'maximumLagBytesOnSyncNode', null, false],
    [{ maximum_lag_on_syncnode: '1MB' }, 'maximumLagBytesOnSyncNode', null, true],
    [{ nosuch: 1 }, 'pause', false, false],
  ];
  for (const [document, name, value, isWarned] of table) {
    const { cluster, warnings } = readDynamic(document, null, alone);
    assert.deepEqual(cluster[name], value, JSON.stringify(document));
    assert.equal(warnings.length > 0, isWarned, `${JSON.stringify(document)}: ${warnings.join()}`);
  }
  const standby = { standby_cluster: { host: 'remote' }, synchronous_mode: true };
  const { cluster } = readDynamic(standby, null, alone);
  assert.deepEqual([cluster.standbyCluster, cluster.synchronousMode], [{ host: 'remote' }, 'off']);
  // An agent that begins knows no document before this one: what can be read of it holds.
  const garbled = { ttl: '30s', pause: true, standby_cluster: { host: 'remote' } };
  const begun = readDynamic(garbled, null, alone).cluster;
  assert.deepEqual([begun.standbyCluster, begun.pause, begun.ttlMs], [{ host: 'remote' }, true, 30_000]);
  const before = readDynamic({ ttl: 20 }, null, alone).cluster;
  assert.equal(readDynamic(garbled, before, alone).cluster, before);
});

test('whatever /config holds, timings come out possible', () => {
  const number = fc.oneof(fc.integer({ min: -50, max: 200 }), fc.constant(null), fc.jsonValue({ maxDepth: 1 }));
  const document = fc.oneof(
    fc.record({ ttl: number, loop_wait: number, retry_timeout: number }, { requiredKeys: [] }),
    fc.jsonValue({ maxDepth: 2 }),
  );
  fc.assert(
    fc.property(document, fc.boolean(), (value, foreignMembers) => {
      const [ttl, loopWait, retryTimeout] = timings(readDynamic(value, null, { foreignMembers }).cluster);
      assert.ok(loopWait >= 1 && retryTimeout >= 1 && ttl >= (foreignMembers ? 20 : 5));
      assert.ok(loopWait + 2 * retryTimeout <= ttl, `${ttl} ${loopWait} ${retryTimeout}`);
    }),
  );
});

const local = readLocalConfig(`${small}bootstrap: { dcs: { ttl: 50 } }\n`, 'node.yml', {});

test('garbage in /config leaves the last valid settings in force', () => {
  assert.ok(local.kind === 'ok');
  if (local.kind !== 'ok') return;
  const first = mergeSettings(
    local.local,
    '{"ttl": 40, "postgresql": {"parameters": {"work_mem": "8MB"}}}',
    null,
    alone,
  );
  assert.deepEqual(first.warnings, []);
  for (const text of ['garbage', '[1]', '{}', '', 'null', '5', '{"ttl": 40', '{"ttl": "x"}']) {
    const { settings, warnings } = mergeSettings(local.local, text, first.settings, alone);
    assert.deepEqual(timings(settings.cluster), [40, 10, 10], text);
    assert.match(warnings.join('\n'), /last valid|ignored as a whole/, text);
  }
  const kept = mergeSettings(local.local, 'garbage', first.settings, alone).settings;
  assert.equal(kept.postgres.parameters.work_mem, '8MB');
  assert.equal(mergeSettings(local.local, null, null, alone).settings.cluster.ttlMs, 50_000);
  assert.equal(mergeSettings(local.local, 'garbage', null, alone).settings.cluster.ttlMs, 50_000);
});

test('a document of absurd depth is garbage like any other', () => {
  assert.ok(local.kind === 'ok');
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  for (const text of [`{"postgresql":{"parameters":{"a":${deep}}}}`, `{"ttl":${deep}}`]) {
    const { warnings } = mergeSettings(local.local, text, null, alone);
    assert.deepEqual(warnings, ['/config can not be read as settings; the last valid ones stay in force']);
  }
});

test('merging never throws, whatever /config holds', () => {
  assert.ok(local.kind === 'ok');
  const section = fc.record(
    { parameters: fc.jsonValue(), recovery_conf: fc.jsonValue(), pg_hba: fc.jsonValue(), callbacks: fc.jsonValue() },
    { requiredKeys: [] },
  );
  const text = fc.oneof(
    fc.json(),
    fc.string(),
    section.map((postgresql) => JSON.stringify({ postgresql })),
  );
  fc.assert(
    fc.property(text, (config) => {
      if (local.kind === 'ok') mergeSettings(local.local, config, null, alone);
    }),
  );
});

test('primary_health and its time-out: what is meant, and what is not taken', () => {
  const read = (document: object) => readDynamic(document, null, alone);
  const of = ({ cluster }: ReturnType<typeof read>) => [cluster.primaryHealth, cluster.primaryHealthTimeoutMs];
  assert.deepEqual(of(read({})), ['failover', 30_000]);
  assert.deepEqual(read({}).warnings, []);
  assert.deepEqual(of(read({ primary_health: 'report', primary_health_timeout: 60 })), ['report', 60_000]);
  const wrong = read({ primary_health: 'Failover', primary_health_timeout: '20s' });
  assert.deepEqual(of(wrong), ['report', 30_000]);
  assert.match(wrong.warnings.join('\n'), /primary_health: "Failover" is neither report nor failover; report is used/);
  assert.match(wrong.warnings.join('\n'), /primary_health_timeout: "20s" is no whole number of seconds .* 30 is used/);
  const short = read({ primary_health_timeout: 3 });
  assert.deepEqual(of(short), ['failover', 10_000]);
  assert.match(short.warnings.join('\n'), /primary_health_timeout: 3 is less than loop_wait 10, .*; 10 is used/);
  const slow = read({ ttl: 120, loop_wait: 60 });
  assert.deepEqual(of(slow), ['failover', 60_000]);
  assert.deepEqual(slow.warnings, []);
});
