import { closeSync, constants, createReadStream, openSync } from 'node:fs';
import { chmod, copyFile, mkdir, open, readdir, readFile, realpath, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { wallMs } from '../model/units.ts';
import type { FileStat, Files } from '../model/world.ts';
import { codeOf, outcomeOf, whyOf } from './failure.ts';
import { EWOULDBLOCK, flock } from './libc.ts';

export function makeFiles(): Files {
  return {
    read: (path, fromByte = 0) =>
      orMissing(async () => ({ kind: 'text', text: await readFrom(path, fromByte) }) as const),
    list: (path) => orMissing(async () => ({ kind: 'entries', names: await readdir(path) }) as const),
    stat: (path) => orMissing(() => describe(path)),
    real: (path) => realpath(path).catch(() => null),
    write: (path, text, mode) => outcomeOf(() => replace(path, text, mode)),
    append: (path, text, mode) => outcomeOf(() => append(path, text, mode)),
    rename: (from, to) => outcomeOf(() => renameForGood(from, to)),
    remove: (path) => outcomeOf(() => removeForGood(path)),
    forget: (path) => outcomeOf(() => removeNow(path)),
    makeDirectory: (path, mode) => outcomeOf(() => makeDirectory(path, mode)),
    copy: (from, to) => outcomeOf(() => copyForGood(from, to)),
    sync: (folder) => outcomeOf(() => syncForGood([folder, dirname(folder)])),
    async freeBytes(path) {
      try {
        const { blocks, bavail, bsize } = await statfs(path);
        return blocks === 0 ? null : bavail * bsize; // some file systems count nothing
      } catch {
        return null;
      }
    },
    lock: (path) => Promise.resolve(lock(path)),
  };
}

async function readFrom(path: string, fromByte: number): Promise<string> {
  if (fromByte === 0) return readFile(path, 'utf8');
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(path, { start: fromByte })) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

async function orMissing<T>(
  look: () => Promise<T>,
): Promise<T | { readonly kind: 'absent' } | { readonly kind: 'unreadable'; readonly why: string }> {
  try {
    return await look();
  } catch (error) {
    const code = codeOf(error);
    return code === 'ENOENT' || code === 'ENOTDIR' ? { kind: 'absent' } : { kind: 'unreadable', why: whyOf(error) };
  }
}

async function describe(path: string): Promise<FileStat> {
  const found = await stat(path, { bigint: true });
  const { dev, ino, size, mtimeNs, ctimeNs } = found;
  return {
    kind: found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other',
    mode: Number(found.mode) & 0o7777,
    uid: Number(found.uid),
    sizeBytes: Number(size),
    modifiedWallMs: wallMs(Number(found.mtimeMs)),
    stamp: [dev, ino, size, mtimeNs, ctimeNs].join(' '),
  };
}

let written = 0;

/** Whoever reads sees the old text or the new one; after a power cut too. */
async function replace(path: string, text: string | Uint8Array, mode: number): Promise<void> {
  written += 1;
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${written}.new`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.chmod(mode); // whatever the umask says
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Where the file system can, both share their blocks until one is changed: no room is taken, and no time. */
async function copyForGood(from: string, to: string): Promise<void> {
  written += 1;
  const temporary = join(dirname(to), `.${basename(to)}.${process.pid}.${written}.new`);
  try {
    await copyFile(from, temporary, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    await chmod(temporary, 0o600);
    const file = await open(temporary, 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, to);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(to));
}

async function renameForGood(from: string, to: string): Promise<void> {
  await rename(from, to);
  for (const folder of new Set([dirname(to), dirname(from)])) await syncDirectory(folder);
}

/** A link is removed, not what it points to; with a trailing slash the kernel would follow it. */
const removeNow = (path: string): Promise<void> => rm(path.replace(/\/+$/, ''), { recursive: true, force: true });

async function removeForGood(path: string): Promise<void> {
  await removeNow(path);
  // Also when there was nothing: whoever removed it may have died before this.
  await syncForGood([dirname(path)]);
}

/** A folder that is not there has nothing to be synced. */
async function syncForGood(folders: readonly string[]): Promise<void> {
  for (const folder of folders)
    try {
      await syncDirectory(folder);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
    }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function append(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, 'a', mode);
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}

async function makeDirectory(path: string, mode: number): Promise<void> {
  const created = await mkdir(path, { recursive: true, mode });
  if (created === undefined) return;
  await chmod(path, mode);
  for (let made = path; ; made = dirname(made)) {
    await syncDirectory(dirname(made));
    if (made === created || made === dirname(made)) return;
  }
}

function lock(path: string): Awaited<ReturnType<Files['lock']>> {
  let fd: number;
  try {
    fd = openSync(path, 'a', 0o600); // close-on-exec, as all of Node's: nothing we start inherits the lock
  } catch (error) {
    return { kind: 'failed', why: whyOf(error) };
  }
  const taken = flock(fd);
  if (taken.kind === 'done') {
    let held = true;
    const release = (): void => {
      if (held) closeSync(fd);
      held = false;
    };
    return { kind: 'locked', release };
  }
  closeSync(fd);
  return taken.errno === EWOULDBLOCK
    ? { kind: 'held' }
    : { kind: 'failed', why: `flock ${path}: errno ${taken.errno}` };
}
