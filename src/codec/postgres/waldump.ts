import { type Lsn, lsn, lsnOf } from '../../model/units.ts';

/**
 * Where the record after the shutdown checkpoint would begin, from what pg_waldump says when it is asked for two records
 * and the WAL ends after the first. Null: the text is not understood, which never counts as diverged.
 */
export function endOfShutdownCheckpoint(stdout: string, stderr: string, checkpoint: Lsn): Lsn | null {
  const record = stdout.split('\n').find((line) => /CHECKPOINT_SHUTDOWN/.test(line));
  if (record === undefined) return null;
  const at = /lsn:\s*([0-9A-Fa-f]+\/[0-9A-Fa-f]+)/.exec(record)?.[1];
  if (at === undefined || lsn(at) !== checkpoint) return null;
  const named = /error in WAL record at [0-9A-Fa-f]+\/[0-9A-Fa-f]+: .* at ([0-9A-Fa-f]+\/[0-9A-Fa-f]+)/.exec(
    stderr,
  )?.[1];
  if (named !== undefined) return lsn(named);
  const total = /len \(rec\/tot\):\s*\d+\/\s*(\d+)/.exec(record)?.[1];
  if (total === undefined) return null;
  const end = lsn(at) + BigInt(total);
  return lsnOf((end + 7n) & ~7n); // records begin at multiples of eight
}

/**
 * Asked for all records up to a position, quietly: whether the WAL reaches it. Null: that is not what it said, which never counts
 * as too short.
 */
export function reachesEnd(code: number, stderr: string): boolean | null {
  if (code === 0) return true;
  return /error in WAL record at|could not find file/.test(stderr) ? false : null;
}

/**
 * Commits, from what pg_waldump says with --stats=record. That it then meets the end of the WAL is told as an error, and is
 * none. Null: the text is not understood.
 */
export function commitsIn(stdout: string): number | null {
  if (!/^WAL statistics between/m.test(stdout)) return null;
  const counts = [...stdout.matchAll(/^Transaction\/COMMIT(?:_PREPARED)?\s+(\d+)\s/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}
