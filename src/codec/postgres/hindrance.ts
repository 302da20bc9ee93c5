import type { Hindrance } from '../../model/health.ts';

/** What PostgreSQL's refusal of a connection or of a commit says of its cause. The texts are those of `lc_messages=C`. */
export function hindranceOf(sqlState: string, message: string): Hindrance {
  if (/read-only file system/i.test(message)) return 'read only'; // 42501, as errcode_for_file_access has it
  if (/no space left on device|disk quota exceeded/i.test(message)) return 'disk full';
  switch (sqlState) {
    case '53100':
      return 'disk full';
    case '58030':
      return 'I/O error';
    case '53300':
      return 'too many connections';
    case '57P03':
      return /shutting down/.test(message) ? 'shutting down' : 'starting up';
    case '57014': // statement_timeout, or somebody's pg_cancel_backend
    case '55P03':
      return 'slow';
    default:
      return 'refused otherwise';
  }
}

/** Why a server gave no word at all. */
export const silenceOf = (why: string): Hindrance =>
  /ECONNREFUSED|ENOENT|connection refused/i.test(why) ? 'connection refused' : 'no answer';

/**
 * What pg_stat_activity shows of a commit that gets no further: it is at the disk, or behind one that is. A lock, a client or a
 * standby that is waited for is none of that.
 */
export const waitsForDisk = (waitsFor: string | null): boolean =>
  waitsFor !== null && /^(IO:WAL|LWLock:|IPC:(ProcArray|Xact)GroupUpdate$)/i.test(waitsFor);
