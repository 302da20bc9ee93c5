import { execFileSync } from 'node:child_process';
import type { ControlOutcome } from '../model/outcome.ts';
import { whyOf } from './failure.ts';

/**
 * Root becomes the owner of the data directory, for good: groups first, then group, then user. Done before anything is
 * opened or started. Not root: done when it is that user already.
 */
export function dropTo(uid: number, gid: number): ControlOutcome {
  const mine = process.getuid?.();
  if (mine === uid) return { kind: 'done' };
  if (mine !== 0) return { kind: 'failed', why: `runs as user ${mine}, the data directory belongs to user ${uid}` };
  if (uid === 0)
    return { kind: 'failed', why: 'the data directory belongs to root, and PostgreSQL does not run as root' };
  try {
    process.setgroups?.(groupsOf(uid) ?? [gid]);
    process.setgid?.(gid);
    process.setuid?.(uid);
  } catch (error) {
    return { kind: 'failed', why: `becoming user ${uid}: ${whyOf(error)}` };
  }
  return { kind: 'done' };
}

/** What `initgroups` would set. A user that the system has no entry for has no group but its own. */
function groupsOf(uid: number): number[] | null {
  try {
    return execFileSync('id', ['-G', String(uid)], { encoding: 'utf8', stdio: 'pipe' })
      .trim()
      .split(' ')
      .map(Number);
  } catch {
    return null;
  }
}
