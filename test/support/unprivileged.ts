import { realpathSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** A test file below the checkout, be it the source or what it was compiled to. */
const nameOf = (path: string): string => path.replace(/\.[jt]s$/, '');

/**
 * PostgreSQL refuses to run as root. As root the process of this test file becomes the user postgres, for good: whatever else
 * ran in it would lose root as well.
 */
export function leaveRootForGood(file: string): void {
  if (!nameOf(realpathSync(process.argv[1] ?? '')).endsWith(`/${nameOf(relative(root, file))}`))
    throw new Error(
      `${file} gives up root, and so needs a process of its own: name it in apart of scripts/testFiles.mjs`,
    );
  if (process.getuid?.() !== 0) return;
  process.setgroups?.(['postgres']);
  process.setgid?.('postgres');
  process.setuid?.('postgres');
  process.env.HOME = '/tmp';
}
