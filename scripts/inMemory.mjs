import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { root } from './testFiles.mjs';

/** A folder for files that is memory, in the mount namespace of one command. */
const script = 'mount -t tmpfs -o mode=1777 matriarch-tests "$0" && exec "$@"';
const inNamespace = (folder) => ['--mount', 'sh', '-c', script, folder];
let place;

/**
 * The same command with its temporary files in memory, where that can be: a file system on a disk that has just seen thousands of files
 * go looks long for room for the next (ext4: recently_deleted), a third of all that tests with real servers did.
 */
export function inMemory([program, args]) {
  place ??= placeOf();
  if (place === null) return [program, args];
  return ['unshare', [...inNamespace(place), 'env', 'TESTS_APART=1', `TMPDIR=${place}`, program, ...args]];
}

/** Null: no file system can be mounted here. */
function placeOf() {
  const usual = tmpdir();
  if (
    process.getuid?.() !== 0 ||
    spawnSync('unshare', [...inNamespace(usual), 'true'], { stdio: 'ignore' }).status !== 0
  )
    return null;
  if (relative(usual, root).startsWith('..')) return usual;
  // What is mounted there would hide this checkout.
  const folder = mkdtempSync(join(usual, 'matriarch-memory-'));
  process.on('exit', () => rmdirSync(folder));
  return folder;
}
