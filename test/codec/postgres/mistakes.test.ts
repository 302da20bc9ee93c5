import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMistakes } from '../../../src/codec/postgres/mistakes.ts';

test("what a server says of its settings before it gives up, in PostgreSQL 15's words", () => {
  const log = [
    '2026-11-24 18:28:46.291 UTC [147] LOG:  unrecognized configuration parameter "work_men" in file "/d/postgresql.conf" line 7',
    '2026-11-24 18:28:46.291 UTC [147] LOG:  invalid value for parameter "work_mem": "lots"',
    'HINT:  Valid units for this parameter are "B", "kB", "MB", "GB", and "TB".',
    '2026-11-24 18:28:46.291 UTC [147] LOG:  8 kB is outside the valid range for parameter "shared_buffers" (128 kB .. 8589934584 kB)',
    '2026-11-24 18:28:46.291 UTC [147] LOG:  parameter "fsync" requires a Boolean value',
    '2026-11-24 18:28:46.291 UTC [147] FATAL:  configuration file "/d/postgresql.conf" contains errors',
  ].join('\n');
  assert.deepEqual(
    readMistakes(log).map(({ name }) => name),
    ['work_men', 'work_mem', 'shared_buffers', 'fsync'],
  );
  assert.match(readMistakes(log)[2]?.why ?? '', /^8 kB is outside the valid range/);
  assert.deepEqual(readMistakes('LOG:  invalid value for parameter "TimeZone": "Mars"')[0]?.name, 'timezone');
  assert.deepEqual(readMistakes('FATAL:  parameter "data_checksums" cannot be changed')[0]?.name, 'data_checksums');
  assert.deepEqual(readMistakes('ERROR:  invalid value for parameter "work_mem": "abc"'), [], "a client's");
  assert.deepEqual(readMistakes('LOG:  parameter "port" cannot be changed without restarting the server'), []);
  assert.deepEqual(readMistakes('FATAL:  could not load server certificate file "server.crt"'), []);
});
