import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findPassword, writePgpass } from '../../src/codec/postgres/pgpass.ts';
import { readGaps, writeGaps } from '../../src/codec/probe.ts';
import type { Write } from '../../src/model/history.ts';
import type { Served } from '../../src/traffic/meter.ts';
import { makeAccount } from '../../src/traffic/probe/account.ts';
import { makeLedger } from '../../src/traffic/probe/ledger.ts';
import { metricsText } from '../../src/traffic/probe/metrics.ts';
import type { ProbeStatus } from '../../src/traffic/probe/probe.ts';
import { eventJson, eventLine, summaryText } from '../../src/traffic/probe/tell.ts';
import { readTarget } from '../../src/traffic/target.ts';

const path = { kind: 'write', target: 'ha:5000/app' } as const;
const ok: Served = { outcome: 'acknowledged', host: 'a:5432', role: 'primary', value: 1, error: null, tookMs: 3 };
const lost: Served = { ...ok, outcome: 'unknown', host: null, role: null, error: 'lost' };
/** The clock of the probe, and that on the wall. */
const wallOf = (nowMs: number): number => 1_700_000_000_000 + nowMs;
const accountAt = (nowMs: number, name: typeof path | { kind: 'read'; target: string } = path) =>
  makeAccount(name, 1_000, { nowMs, wallMs: wallOf(nowMs) });

test('a gap reaches from the answer before it to the one after it, and counts from the threshold on', () => {
  const account = accountAt(0);
  assert.equal(account.served(ok, 30, wallOf(30))[0]?.kind, 'firstAnswer');
  account.served(ok, 230, wallOf(230));
  account.served(ok, 1_129, wallOf(1_129));
  assert.deepEqual([account.status(1_200).gaps, account.status(1_200).longestGapMs], [0, 899]);

  account.served(lost, 1_400, wallOf(1_400));
  account.failed('unreachable');
  assert.deepEqual(account.look(2_128), []);
  const [begun] = account.look(2_129);
  assert.deepEqual(begun, {
    kind: 'gapBegan',
    fromWallMs: wallOf(1_129),
    host: 'a:5432',
    errors: { lost: 1, unreachable: 1 },
  });
  assert.deepEqual(account.look(2_500), [], 'it is told once');
  const during = account.status(3_129);
  assert.deepEqual([during.up, during.gaps, during.downMs, during.gapMs], [false, 1, 2_000, 2_000]);

  const [ended] = account.served({ ...ok, host: 'b:5432' }, 5_129, wallOf(5_129));
  assert.ok(ended?.kind === 'gapEnded');
  assert.deepEqual([ended.gap.gapMs, ended.gap.hostBefore, ended.gap.hostAfter], [4_000, 'a:5432', 'b:5432']);
  const after = account.status(5_229);
  assert.deepEqual([after.up, after.gaps, after.downMs, after.longestGapMs], [true, 1, 4_000, 4_000]);
  assert.deepEqual(after.attempts, { ok: 4, failed: 1, unknown: 1 });
  assert.equal(after.hostChanges, 1);
});

test('a database that is not there when the probe begins is a gap from its begin on', () => {
  const account = accountAt(500);
  assert.equal(account.status(600).up, false);
  assert.equal(account.look(1_500)[0]?.kind, 'gapBegan');
  const [ended] = account.served(ok, 8_500, wallOf(8_500));
  assert.ok(ended?.kind === 'gapEnded');
  assert.deepEqual([ended.gap.gapMs, ended.gap.hostBefore], [8_000, null]);
});

test('an answer that comes before anybody looked still tells of the begin of its gap', () => {
  const account = accountAt(0);
  account.served(ok, 10, wallOf(10));
  assert.deepEqual(
    account.served(ok, 1_510, wallOf(1_510)).map(({ kind }) => kind),
    ['gapBegan', 'gapEnded'],
  );
});

test('time in which the probe itself stood still is no gap', () => {
  const account = accountAt(0);
  account.served(ok, 10, wallOf(10));
  account.excuse(60_000);
  assert.deepEqual(account.look(60_200), []);
  account.served(ok, 60_210, wallOf(60_210));
  assert.deepEqual([account.status(60_210).gaps, account.status(60_210).longestGapMs], [0, 200]);
});

test('a read whose answer is lost has failed: nothing about it is unknown', () => {
  const account = accountAt(0, { kind: 'read', target: 'ha:5001/app' });
  account.served(lost, 10, wallOf(10));
  assert.deepEqual(account.status(20).attempts, { ok: 0, failed: 1, unknown: 0 });
});

test('another host within the threshold is told, and is no gap', () => {
  const account = accountAt(0);
  account.served(ok, 10, wallOf(10));
  const events = account.served({ ...ok, host: 'b:5432' }, 310, wallOf(310));
  assert.deepEqual(events, [{ kind: 'moved', from: 'a:5432', to: 'b:5432', gapMs: 300 }]);
});

test('the last gaps are kept, and travel as "so long ago"; the running one has no end', () => {
  const account = accountAt(0);
  for (let nth = 1; nth <= 60; nth++) account.served(ok, nth * 2_000, wallOf(nth * 2_000));
  const gaps = account.gaps(121_500);
  assert.equal(gaps.length, 51);
  assert.deepEqual([gaps.at(-2)?.beganAgoMs, gaps.at(-2)?.endedAgoMs], [3_500, 1_500]);
  assert.deepEqual([gaps.at(-1)?.beganAgoMs, gaps.at(-1)?.endedAgoMs, gaps.at(-1)?.gapMs], [1_500, null, 1_500]);
  assert.deepEqual(readGaps(writeGaps(gaps)), gaps.slice(-50));
});

test('what is no word of a probe is not taken in, however large', () => {
  assert.equal(readGaps('<html>'), null);
  assert.equal(readGaps('{"version":1}'), null);
  const [gap] = (() => {
    const account = accountAt(0);
    account.served(ok, 10, wallOf(10));
    return account.gaps(2_000);
  })();
  assert.ok(gap !== undefined);
  const odd = [
    { ...gap, target: 'x'.repeat(201) },
    { ...gap, gapMs: '7' },
    { ...gap, gapMs: -1 },
    { ...gap, hostBefore: {} },
    null,
  ];
  assert.deepEqual(readGaps(JSON.stringify({ version: 1, gaps: [...odd, gap] })), [gap]);
});

const write = (value: number, outcome: Write['outcome'] = 'acknowledged', systemId = '7'): Write => ({
  kind: 'write',
  outcome,
  client: 'run',
  key: 'run',
  value,
  sentMs: value * 10,
  endedMs: value * 10 + 1,
  node: 'a',
  serverMs: null,
  timeline: 1,
  systemId,
  error: null,
});

test('lost, doubled, reordered and invented writes are found, each once', () => {
  const ledger = makeLedger('run', 100);
  for (const value of [1, 2, 3, 4, 5, 6]) ledger.record(write(value));
  ledger.record(write(7, 'failed'));
  ledger.record(write(8, 'unknown'));
  assert.deepEqual(ledger.compare([1, 2, 2, 4, 3, 7]), [
    { kind: 'lost', values: { from: 5, to: 6, count: 2 } },
    { kind: 'doubled', values: { from: 2, to: 2, count: 1 } },
    { kind: 'reordered', values: { from: 3, to: 3, count: 1 } },
    { kind: 'invented', values: { from: 7, to: 7, count: 1 } },
  ]);
  assert.deepEqual(ledger.compare([1, 2, 2, 4, 3, 7, 8]), []);
  ledger.record(write(9, 'acknowledged', '8'));
  assert.deepEqual(ledger.compare([1, 4, 9]), [{ kind: 'otherSystem', values: null }]);
  assert.deepEqual(ledger.compare([1, 4, 9]), []);
});

test('what the table let go of is not lost', () => {
  const ledger = makeLedger('run', 3);
  for (const value of [1, 2, 3, 4, 5]) ledger.record(write(value));
  assert.deepEqual(ledger.compare([3, 4, 5]), []);
});

const statusOf = (target: string): ProbeStatus => {
  const account = makeAccount({ kind: 'write', target }, 1_000, { nowMs: 0, wallMs: wallOf(0) });
  account.served(ok, 10, wallOf(10));
  account.served({ ...ok, tookMs: 40 }, 2_510, wallOf(2_510));
  account.served(lost, 2_700, wallOf(2_700));
  const findings = { lost: 2, doubled: 0, reordered: 0, invented: 0, otherSystem: 0 };
  return { thresholdMs: 1_000, stoodStillMs: 0, paths: [{ ...account.status(2_710), connections: 1, findings }] };
};

test('metrics: a HELP and a TYPE each, then all samples; a line for every number', () => {
  const text = metricsText(statusOf('ha:5000/app'));
  const lines = text.trimEnd().split('\n');
  for (const line of [
    'matriarch_probe_up{kind="write",target="ha:5000/app"} 1',
    'matriarch_probe_gap_seconds{kind="write",target="ha:5000/app"} 0.2',
    'matriarch_probe_gap_longest_seconds{kind="write",target="ha:5000/app"} 2.5',
    'matriarch_probe_gaps_total{kind="write",target="ha:5000/app"} 1',
    'matriarch_probe_downtime_seconds_total{kind="write",target="ha:5000/app"} 2.5',
    'matriarch_probe_attempts_total{kind="write",target="ha:5000/app",outcome="ok"} 2',
    'matriarch_probe_attempts_total{kind="write",target="ha:5000/app",outcome="unknown"} 1',
    'matriarch_probe_wrong_writes_total{kind="write",target="ha:5000/app",what="lost"} 2',
    'matriarch_probe_host_info{kind="write",target="ha:5000/app",host="a:5432",role="primary"} 1',
    'matriarch_probe_statement_seconds_bucket{kind="write",target="ha:5000/app",le="0.005"} 1',
    'matriarch_probe_statement_seconds_bucket{kind="write",target="ha:5000/app",le="+Inf"} 2',
    'matriarch_probe_statement_seconds_sum{kind="write",target="ha:5000/app"} 0.043',
    'matriarch_probe_gap_threshold_seconds 1',
  ])
    assert.ok(lines.includes(line), `${line} in\n${text}`);
  const described = new Set<string>();
  for (const line of lines) {
    const [, name] = /^# HELP (\w+) \S/.exec(line) ?? [];
    if (name !== undefined) {
      assert.ok(!described.has(name), `${name} is described once`);
      described.add(name);
    } else if (!line.startsWith('# TYPE ')) {
      assert.match(line, /^\w+(\{(\w+="([^"\\]|\\.)*",?)+\})? [0-9.e+-]+$/);
      assert.ok(
        [...described].some((known) => line.startsWith(known)),
        line,
      );
    }
  }
});

test('labels are escaped', () => {
  assert.match(metricsText(statusOf('a"b\\c\nd')), /target="a\\"b\\\\c\\nd"/);
});

test('people are told who, from when, how long and why; pipes the same as an object', () => {
  const account = accountAt(0);
  account.served(ok, 10, wallOf(10));
  account.failed('28P01');
  account.failed('28P01');
  const told = account.served({ ...ok, host: 'b:5432' }, 4_320, wallOf(4_320));
  const [began, ended] = told.map((event) => ({ kind: 'path', wallMs: wallOf(4_320), path, event }) as const);
  assert.ok(began !== undefined && ended !== undefined);
  assert.equal(
    eventLine(began),
    '2023-11-14T22:13:24.320Z write ha:5000/app: no answer since 2023-11-14T22:13:20.010Z, the last one by a:5432: ' +
      '28P01 2× (wrong password: PGPASSWORD, ~/.pgpass or passfile= in the connection string)',
  );
  assert.match(eventLine(ended), /: answered again after 4\.31 s, by b:5432 \(before: a:5432\); nothing from 2023-/);
  const object = JSON.parse(eventJson(ended));
  assert.deepEqual([object.kind, object.path, object.gap.gapMs], ['gapEnded', path, 4_310]);
  assert.match(
    summaryText(statusOf('ha:5000/app')),
    /^write ha:5000\/app: 2 answered, 0 failed, 1 unknown; 1 gap of 1\.00 s or more, 2\.50 s in all; .*2 lost/,
  );
});

test('a password file is read as libpq reads it', () => {
  const text = `# *:*:*:*:no\n${writePgpass([{ host: 'node:1', port: 5432, user: 'app', password: 'a:b\\c' }])}*:*:db:*:any\n`;
  const wanted = { host: 'node:1', port: 5432, database: 'x', user: 'app' };
  assert.equal(findPassword(text, wanted), 'a:b\\c');
  assert.equal(findPassword(text, { ...wanted, port: 1 }), null);
  assert.equal(findPassword(text, { ...wanted, port: 1, database: 'db' }), 'any');
  assert.equal(findPassword('localhost:*:*:*:s', { ...wanted, host: '/run/postgresql' }), 's');
  assert.equal(findPassword('a:1:b', wanted), null);
});

test('whatever is wrong with a connection string, its password is not told', () => {
  for (const text of [
    'postgres://u:secret@h:99999/db',
    'postgres://u:secret@@h/%',
    'u:secret@h',
    "host=h password='secret",
    'host=h port=x password=secret',
    'host=a,b port=1,2,3 password=secret',
  ]) {
    const read = readTarget(text, {});
    assert.ok(read.kind === 'wrong', text);
    assert.doesNotMatch(read.why, /secret/);
  }
  const passed = readTarget('host=h passfile=/etc/pass', {});
  assert.equal(passed.kind === 'targets' && passed.passfile, '/etc/pass');
});
