import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeWalTally, tallyLine, type WalTally } from '../../../src/codec/postgres/walRecords.ts';
import { lsnText } from '../../../src/model/units.ts';

function read(...records: readonly (readonly [manager: string, tx: number, desc: string])[]): WalTally {
  const tally = makeWalTally();
  records.forEach(([manager, tx, desc], at) => {
    const head = `rmgr: ${manager.padEnd(11)} len (rec/tot):     59/    59, tx: ${String(tx).padStart(10)}`;
    tallyLine(tally, `${head}, lsn: 0/015000${String(at).padStart(2, '0')}, prev 0/01500000, desc: ${desc}`);
  });
  return tally;
}
const on = (file: string): string => `blkref #0: rel ${file} blk 0`;

test('rows count for the transactions that committed, by file; times as they are written', () => {
  const tally = read(
    ['Heap', 7, `INSERT off 1 flags 0x00, ${on('1663/5/16384')}`],
    ['Heap', 7, `INSERT+INIT off 2 flags 0x00, ${on('1663/5/16384')} FPW`],
    ['Heap2', 7, `MULTI_INSERT+INIT 5 tuples flags 0x02, ${on('1663/5/16400')}`],
    ['Heap2', 7, `MULTI_INSERT ntuples: 3, flags: 0x02, offsets: [1, 2, 3], ${on('1663/5/16400')}`],
    ['Heap', 8, `DELETE off 3 flags 0x00 KEYS_UPDATED , ${on('1663/5/16384')}`],
    ['Btree', 7, `INSERT_LEAF off 1, ${on('1663/5/16390')}`],
    ['Heap', 7, `HOT_UPDATE off 1 xmax 7 flags 0x20 ; new off 2 xmax 0, ${on('1663/5/16384')}`],
    ['Heap', 7, `LOCK off 1: xid 7: flags 0x00 LOCK_ONLY , ${on('1663/5/16384')}`],
    ['Transaction', 7, 'COMMIT 2026-11-26 04:03:10.123456 UTC; inval msgs: catcache 50'],
    ['Transaction', 8, 'ABORT 2026-11-26 04:03:11.000000 UTC'],
    ['Heap', 9, `INSERT off 1 flags 0x00, ${on('1663/5/16384')}`],
  );
  assert.deepEqual(
    [...tally.tables],
    [
      ['1663/5/16384', { inserted: 2, updated: 1, deleted: 0 }],
      ['1663/5/16400', { inserted: 8, updated: 0, deleted: 0 }],
    ],
  );
  assert.deepEqual([tally.commits, tally.firstCommit], [1, '2026-11-26 04:03:10.123456 UTC']);
  assert.equal(tally.lastLsn === null ? null : lsnText(tally.lastLsn), '0/1500010');
});

test('rows of subtransactions and of prepared transactions belong to what commits them', () => {
  const tally = read(
    ['Heap', 11, `INSERT off 1 flags 0x00, ${on('1663/5/1')}`],
    ['Heap', 12, `INSERT off 2 flags 0x00, ${on('1663/5/1')}`],
    ['Heap', 13, `INSERT off 3 flags 0x00, ${on('1663/5/1')}`],
    ['Transaction', 13, 'ABORT 2026-11-26 04:03:10.000000 UTC'],
    ['Transaction', 10, 'COMMIT 2026-11-26 04:03:11.000000 UTC; subxacts: 11 12'],
    ['Heap', 20, `UPDATE off 1 xmax 20 flags 0x00 ; new off 2 xmax 0, ${on('1663/5/1')}`],
    ['Transaction', 20, 'PREPARE gid a: 2026-11-26 04:03:12.000000 UTC'],
    ['Transaction', 0, 'COMMIT_PREPARED 20: 2026-11-26 04:03:13.000000 UTC'],
  );
  assert.deepEqual([...tally.tables], [['1663/5/1', { inserted: 2, updated: 1, deleted: 0 }]]);
  assert.deepEqual([tally.commits, tally.lastCommit], [2, '2026-11-26 04:03:13.000000 UTC']);
});

test('what is no record is left out', () => {
  const tally = makeWalTally();
  for (const line of ['', 'pg_waldump: error: invalid record length', 'rmgr: Heap']) tallyLine(tally, line);
  assert.deepEqual([tally.lastLsn, tally.commits, tally.tables.size], [null, 0, 0]);
});
