import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hindranceOf, silenceOf, waitsForDisk } from '../../../src/codec/postgres/hindrance.ts';
import { endsCommits, type Hindrance } from '../../../src/model/health.ts';

test('why a connection or a commit was refused', () => {
  const table: readonly [sqlState: string, message: string, kind: Hindrance][] = [
    ['53300', 'sorry, too many clients already', 'too many connections'],
    [
      '53300',
      'remaining connection slots are reserved for non-replication superuser connections',
      'too many connections',
    ],
    ['57P03', 'the database system is starting up', 'starting up'],
    ['57P03', 'the database system is shutting down', 'shutting down'],
    ['53100', 'could not extend file "base/5/1259": No space left on device', 'disk full'],
    ['XX000', 'could not write to file "pg_wal/xlogtemp.12": No space left on device', 'disk full'],
    ['42501', 'could not open file "pg_wal/000000010000000000000002": Read-only file system', 'read only'],
    ['42501', 'permission denied for function pg_logical_emit_message', 'refused otherwise'],
    ['58030', 'could not fsync file "pg_wal/000000010000000000000002": Input/output error', 'I/O error'],
    ['57014', 'canceling statement due to statement timeout', 'slow'],
    ['55P03', 'canceling statement due to lock timeout', 'slow'],
    ['28P01', 'password authentication failed for user "postgres"', 'refused otherwise'],
    ['25006', 'cannot execute this in a read-only transaction', 'refused otherwise'],
  ];
  for (const [sqlState, message, kind] of table) assert.equal(hindranceOf(sqlState, message), kind, message);
  assert.equal(silenceOf('connect ECONNREFUSED /tmp/.s.PGSQL.5432'), 'connection refused');
  assert.equal(silenceOf('connect ENOENT /tmp/.s.PGSQL.5432'), 'connection refused');
  assert.equal(silenceOf('timeout expired (3000 ms)'), 'no answer');
});

test('what a commit waits for tells whether it is the disk', () => {
  for (const yes of [
    'IO:WALSync',
    'IO:WalSync',
    'IO:WALWrite',
    'IO:WALInitSync',
    'LWLock:WALWrite',
    'LWLock:WALWriteLock',
  ])
    assert.ok(waitsForDisk(yes), yes);
  for (const yes of ['LWLock:WALInsert', 'IPC:ProcArrayGroupUpdate', 'IPC:XactGroupUpdate'])
    assert.ok(waitsForDisk(yes), yes);
  for (const no of [
    null,
    'Lock:relation',
    'Lock:transactionid',
    'IPC:SyncRep',
    'Client:ClientRead',
    'IO:DataFileRead',
    'Timeout:PgSleep',
  ])
    assert.ok(!waitsForDisk(no), String(no));
});

test('a lock, a full connection limit, a start and a time-out end no commits', () => {
  for (const kind of [
    'connection refused',
    'too many connections',
    'starting up',
    'shutting down',
    'no answer',
    'slow',
  ] as const)
    assert.ok(!endsCommits(kind), kind);
});
