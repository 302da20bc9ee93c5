import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSlotState } from '../../../src/codec/postgres/slotState.ts';
import { lsnText } from '../../../src/model/units.ts';

/** As PostgreSQL 15 wrote it: pg_replication_slots says restart_lsn 0/15007C8 and confirmed_flush_lsn 0/1500800. */
const file = Uint8Array.from(
  atob(
    [
      'oRwFAcctlKcCAAAAuAAAAGNkYwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAFAAAAAAAAAAAAAADUAgAAyAdQAQAAAAAAAAAAAAAAAAAI',
      'UAEAAAAAAAAAAAAAAAAAdGVzdF9kZWNvZGluZwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    ].join(''),
  ),
  (letter) => letter.charCodeAt(0),
);

test('the file of a slot says whose it is, and where its WAL begins', () => {
  const state = readSlotState(file, 'cdc');
  assert.equal(state === null ? null : lsnText(state.restartLsn), '0/15007C8');
});

test('what is no such file, cut short, or of another slot is not taken', () => {
  assert.equal(readSlotState(file, 'cd'), null);
  assert.equal(readSlotState(file, 'cdc2'), null);
  assert.equal(readSlotState(file.slice(0, 100), 'cdc'), null);
  assert.equal(readSlotState(new Uint8Array(200), 'cdc'), null);
  assert.equal(readSlotState(new Uint8Array(0), ''), null);
});
