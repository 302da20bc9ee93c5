import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { version } from './version.ts';

/** The commit of this checkout, "+" with changes on top; without git, the version. */
export function commitOf(): string {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const git = (...args: readonly string[]): string | null => {
    const { status, stdout } = spawnSync('git', args, { cwd, encoding: 'utf8' });
    return status === 0 ? stdout.trim() : null;
  };
  const head = git('rev-parse', '--short=10', 'HEAD');
  if (head === null) return version;
  // A campaign adds to the record as it goes: that changes nothing of what is proven.
  const changed = git('status', '--porcelain', '--untracked-files=no', '--', '.', ':!docs/track-record.jsonl');
  return changed === '' ? head : `${head}+`;
}
