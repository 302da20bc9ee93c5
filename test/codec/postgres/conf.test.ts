import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeConf } from '../../../src/codec/postgres/conf.ts';
import { initSyncDefault } from '../../../src/codec/postgres/initSync.ts';

test("our defaults stand before the operator's own file, and that before the parameters: the last one counts", () => {
  const conf = writeConf({
    defaults: { recovery_init_sync_method: 'syncfs' },
    include: 'postgresql.base.conf',
    parameters: { port: '5432' },
    hbaFile: '/hba',
    identFile: '/ident',
    recovery: {},
  });
  const lines = conf.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  assert.deepEqual(lines.slice(0, 3), [
    "recovery_init_sync_method = 'syncfs'",
    "include 'postgresql.base.conf'",
    "port = '5432'",
  ]);
});

test('the file system is flushed as a whole only where that is known and reports errors', () => {
  const syncfs = { recovery_init_sync_method: 'syncfs' };
  assert.deepEqual(initSyncDefault('15\n', '6.1.0-18-amd64\n'), syncfs);
  assert.deepEqual(initSyncDefault('14', '5.8.0'), syncfs);
  assert.deepEqual(initSyncDefault('13', '6.1.0'), {});
  assert.deepEqual(initSyncDefault('15', '5.7.19'), {});
  assert.deepEqual(initSyncDefault('15', '4.18.0-553.el8'), {});
  assert.deepEqual(initSyncDefault('rubbish', '6.1.0'), {});
  assert.deepEqual(initSyncDefault('15', 'rubbish'), {});
});
