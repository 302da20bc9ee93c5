import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readProbe } from '../../../src/agent/postgres/probe.ts';
import { lsn, type Pid } from '../../../src/model/units.ts';
import { control } from '../../decide/values.ts';

/** What one row of the probe's statement says. */

const standby = { in_recovery: 't', receive_lsn: '0/5000078', replay_lsn: '0/5000000', paused: 'f' };
const read = (more: Readonly<Record<string, string | null>>) =>
  readProbe({ ...standby, ...more }, 7 as Pid, control, null, {});

/**
 * PostgreSQL does not look at what came last until wal_retrieve_retry_interval has passed after a stream: told as not received, a
 * standby with every commit would let one go first that has not.
 */
test('what was received counts, though nobody replays it: the stream has just ended', () => {
  const seen = read({ startup: 'RecoveryRetrieveRetryInterval' });
  assert.ok(seen.role === 'standby');
  assert.equal(seen.receivedLsn, lsn('0/5000078'));
  assert.equal(seen.cannotReplay, true, 'whether for a moment or for good is seen by who looks again');
  const streaming = read({ startup: 'RecoveryWalStream' });
  assert.ok(streaming.role === 'standby');
  assert.deepEqual([streaming.receivedLsn, streaming.cannotReplay], [lsn('0/5000078'), undefined]);
});
