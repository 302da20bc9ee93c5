import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Observed } from '../../src/model/history.ts';
import { openHistoryFile, readHistoryFiles } from '../../src/traffic/historyFile.ts';
import { makeMeter, type Served } from '../../src/traffic/meter.ts';
import { readTarget } from '../../src/traffic/target.ts';

const read = (text: string, defaults = {}) => {
  const target = readTarget(text, defaults);
  return target.kind === 'wrong' ? target.why : target.targets;
};
const places = (text: string) => {
  const targets = read(text);
  return typeof targets === 'string' ? targets : targets.map(({ host, port }) => `${host}:${port}`);
};

test('a port, a list of hosts, keywords and a URL', () => {
  assert.deepEqual(places('5000'), ['127.0.0.1:5000']);
  assert.deepEqual(places('node1,node2:5433,[::1]:6000'), ['node1:5432', 'node2:5433', '::1:6000']);
  assert.deepEqual(places("host=a,b port=5,6 dbname='my db'"), ['a:5', 'b:6']);
  assert.deepEqual(places('postgresql://u:p@a:1,b:2/db?sslmode=require'), ['a:1', 'b:2']);
  assert.deepEqual(places("host='/var/run/postgresql' port=5432"), ['/var/run/postgresql:5432']);
});

test('login and TLS come from the string, else from the environment', () => {
  assert.deepEqual(read('postgres://u%40x:p%20w@h/db?sslmode=require&sslrootcert=/ca', { PGPASSWORD: 'no' }), [
    {
      host: 'h',
      port: 5432,
      user: 'u@x',
      password: 'p w',
      database: 'db',
      ssl: { sslmode: 'require', sslrootcert: '/ca' },
      applicationName: 'matriarch traffic',
    },
  ]);
  const [target] = read('5000', { PGUSER: 'app', PGPASSWORD: 's', PGSSLMODE: 'prefer' });
  assert.ok(typeof target === 'object');
  assert.deepEqual(
    [target.user, target.password, target.database, target.ssl],
    ['app', 's', 'app', { sslmode: 'prefer' }],
  );
});

test('what is no target is refused, and a URL is never shown', () => {
  assert.match(String(read('a:b:c')), /neither port, host:port list nor DSN/);
  assert.match(String(read('70000')), /no host and port/);
  assert.match(String(read('host=a,b port=1,2,3')), /3 ports for 2 hosts/);
  assert.match(String(read("host='a")), /cannot read the connection string at/);
  assert.doesNotMatch(String(read('postgres://u:secret@@h/%')), /secret/);
});

test('a history survives its file, but for a last line that was cut off', () => {
  const folder = mkdtempSync(join(tmpdir(), 'matriarch-history-'));
  const path = join(folder, 'h.jsonl');
  const fact: Observed = { kind: 'role', node: 'a', role: 'primary', fromMs: 1, untilMs: 2.5 };
  const file = openHistoryFile(path);
  file.record(fact);
  file.record(fact);
  file.close();
  writeFileSync(path, '{"kind":"wri', { flag: 'a' });
  assert.deepEqual(readHistoryFiles([path]), [fact, fact]);
  rmSync(folder, { recursive: true });
});

test('the longest gap lies between two acknowledgements, or is still running', () => {
  const meter = makeMeter('write');
  const served = (value: number, outcome: Served['outcome'] = 'acknowledged'): Served => ({
    outcome,
    host: 'a',
    role: 'primary',
    value,
    error: outcome === 'acknowledged' ? null : 'lost',
    tookMs: 1,
  });
  meter.served(served(1), 1000, 501_000);
  assert.equal(meter.served(served(2), 1010, 501_010).gapMs, 10);
  meter.served(served(3, 'unknown'), 1500, 501_500);
  assert.equal(meter.status(1510).longestGapMs, 500);
  assert.equal(meter.served(served(4), 2010, 502_010).gapMs, 1000);
  const { longestGapMs, longestGapFromWallMs, acknowledged, unknown, errors } = meter.status(2100);
  assert.deepEqual(
    { longestGapMs, longestGapFromWallMs, acknowledged, unknown, errors },
    { longestGapMs: 1000, longestGapFromWallMs: 501_010, acknowledged: 3, unknown: 1, errors: { lost: 1 } },
  );
});

test('gaps from a length on are marked: the last few, and the running one without an end', () => {
  const meter = makeMeter('write', 200);
  const served: Served = { outcome: 'acknowledged', host: 'a', role: 'primary', value: 1, error: null, tookMs: 1 };
  meter.served(served, 1000, 501_000);
  meter.served(served, 1199, 501_199);
  assert.deepEqual(meter.status(1250).gaps, []);
  meter.served(served, 1500, 501_500);
  const first = { fromWallMs: 501_199, toWallMs: 501_500 };
  assert.deepEqual(meter.status(1600).gaps, [first]);
  assert.deepEqual(meter.status(1700).gaps, [first, { fromWallMs: 501_500, toWallMs: null }]);
  for (let nth = 1; nth <= 20; nth++) meter.served(served, 1500 + 300 * nth, 501_500 + 300 * nth);
  assert.equal(meter.status(7500).gaps.length, 8);
});

test('of a write without an answer nobody knows; a read without one has changed nothing, and failed', () => {
  const silent: Served = { outcome: 'unknown', host: null, role: null, value: null, error: 'lost', tookMs: 5 };
  const counted = (kind: 'write' | 'read') => {
    const meter = makeMeter(kind);
    meter.served(silent, 10, 10);
    const { failed, unknown } = meter.status(20);
    return { failed, unknown };
  };
  assert.deepEqual(counted('write'), { failed: 0, unknown: 1 });
  assert.deepEqual(counted('read'), { failed: 1, unknown: 0 });
});
