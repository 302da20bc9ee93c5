import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';

/** A folder for files that is memory, in the mount namespace of one command. */
const script = 'mount -t tmpfs -o mode=1777 matriarch-tests "$0" && exec "$@"';
const inNamespace = ['--mount', 'sh', '-c', script, tmpdir()];
let isThere;

/**
 * The same command with its temporary files in memory, where that can be: a file system on a disk that has just seen thousands of files
 * go looks long for room for the next (ext4: recently_deleted), a third of all that tests with real servers did.
 */
export function inMemory([program, args]) {
  isThere ??=
    process.getuid?.() === 0 && spawnSync('unshare', [...inNamespace, 'true'], { stdio: 'ignore' }).status === 0;
  return isThere ? ['unshare', [...inNamespace, 'env', 'TESTS_APART=1', program, ...args]] : [program, args];
}
