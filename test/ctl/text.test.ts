import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { unifiedDiff } from '../../src/ctl/diff.ts';
import { flowYaml, jsonText, yamlText } from '../../src/ctl/text.ts';
import { readAppointment } from '../../src/ctl/time.ts';

test('yaml: sorted, lists not indented, only what YAML 1.1 would misread is quoted', () => {
  const value = {
    ttl: 30,
    postgresql: {
      parameters: { wal_level: 'replica', hot_standby: 'on', port: '5432', search_path: '"$user", public' },
      pg_hba: ['host all all 0.0.0.0/0 md5', 'local all all trust'],
      use_slots: true,
    },
    empty: {},
    list: [{ a: 1, b: [2] }],
  };
  assert.equal(
    yamlText(value),
    `empty: {}
list:
- a: 1
  b:
  - 2
postgresql:
  parameters:
    hot_standby: 'on'
    port: '5432'
    search_path: '"$user", public'
    wal_level: replica
  pg_hba:
  - host all all 0.0.0.0/0 md5
  - local all all trust
  use_slots: true
ttl: 30
`,
  );
  assert.deepEqual(parse(yamlText(value), { version: '1.1' }), value);
});

test('yaml: every text comes back as it was', () => {
  const texts = [
    '',
    ' x',
    'x ',
    'a: b',
    'a #b',
    '-',
    '- a',
    '-a',
    "it's",
    'null',
    '~',
    '1e3',
    '0x1f',
    '1:30',
    '2026-01-01',
  ];
  const more = [
    '[a',
    '{a',
    'a, b',
    '*a',
    '&a',
    '!a',
    '%a',
    '@a',
    '`a',
    '?',
    ':',
    'y',
    'No',
    'a\nb',
    '<<',
    '=',
    '.5',
    '-1',
    'é',
  ];
  for (const text of [...texts, ...more]) {
    assert.deepEqual(parse(yamlText({ k: text }), { version: '1.1' }), { k: text }, text);
    assert.deepEqual(parse(flowYaml({ k: [text] }), { version: '1.1' }), { k: [text] }, text);
  }
});

test('json has spaces, escapes what is not ASCII, and writes integers of any size', () => {
  assert.equal(jsonText({ a: [1, 12345678901234567890n], b: 'é' }), '{"a": [1, 12345678901234567890], "b": "\\u00e9"}');
});

test('the diff of two configurations', () => {
  const before =
    'loop_wait: 10\nmaximum: 1\npostgresql:\n  parameters:\n    max_connections: 50\n    shared_buffers: 16MB\n    work_mem: 8MB\n  use_pg_rewind: true\nretry_timeout: 10\nttl: 30\n';
  const after = before.replace('8MB', '4MB').replace('ttl', 'synchronous_mode: true\nttl');
  assert.deepEqual(unifiedDiff(before, after), [
    '--- ',
    '+++ ',
    '@@ -4,7 +4,8 @@',
    '   parameters:',
    '     max_connections: 50',
    '     shared_buffers: 16MB',
    '-    work_mem: 8MB',
    '+    work_mem: 4MB',
    '   use_pg_rewind: true',
    ' retry_timeout: 10',
    '+synchronous_mode: true',
    ' ttl: 30',
  ]);
  assert.deepEqual(unifiedDiff(before, before), []);
  assert.deepEqual(unifiedDiff('', 'a: 1\n'), ['--- ', '+++ ', '@@ -0,0 +1 @@', '+a: 1']);
});

test('appointments keep the zone they were made in', () => {
  assert.equal(readAppointment('now'), null);
  assert.equal(readAppointment(' '), null);
  assert.equal(readAppointment('2036-01-01 05:00+02')?.iso, '2036-01-01T05:00:00+02:00');
  assert.equal(readAppointment('2036-01-01T05:00:01.5Z')?.iso, '2036-01-01T05:00:01.500000+00:00');
  assert.match(readAppointment('2036-01-01T05:00')?.iso ?? '', /^2036-01-01T05:00:00[+-]\d\d:\d\d$/);
  assert.throws(
    () => readAppointment('xx'),
    /Unable to parse scheduled timestamp \(xx\)\. It should be in an unambiguous/,
  );
  assert.throws(() => readAppointment('2036-13-01T05:00Z'), /Unable to parse/);
});
