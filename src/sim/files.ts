import type { ControlOutcome } from '../model/outcome.ts';
import { wallMs } from '../model/units.ts';
import type { Files } from '../model/world.ts';
import type { Machine } from './machine.ts';
import { folderOf } from './path.ts';
import type { SimProcess } from './process.ts';

/**
 * The disk as one process uses it. Reads answer at once; what changes the disk takes as long as its fsync. What outlives a power
 * cut is what world/files.ts syncs.
 */
export function makeFiles(machine: Machine, self: SimProcess): Files {
  const { disk, clock, chance } = machine;

  /** The change happens when the disk gets to it; a process that dies before then has changed nothing. */
  const change = (what: string, carryOut: () => boolean): Promise<ControlOutcome> =>
    new Promise((resolve) => {
      self.after(machine.fsyncMs + chance.real() * 0.3, () =>
        afterHang(() =>
          resolve(carryOut() ? { kind: 'done' } : { kind: 'failed', why: `${what}: no such folder, or no space left` }),
        ),
      );
    });
  const now = <T>(value: T): Promise<T> =>
    machine.diskHangs ? new Promise((resolve) => afterHang(() => resolve(value))) : Promise.resolve(value);
  const afterHang = (go: () => void): void => machine.whenDiskAnswers(() => self.deliver(go));

  return {
    read(path, fromByte = 0) {
      const node = disk.get(path);
      if (node === null) return now({ kind: 'absent' });
      return now(
        node.kind === 'file'
          ? { kind: 'text', text: node.text.slice(fromByte) }
          : { kind: 'unreadable', why: 'is a directory' },
      );
    },
    write: (path, text, mode) =>
      change(`write ${path}`, () => {
        const content = typeof text === 'string' ? text : String.fromCharCode(...text);
        const done = disk.put(path, content, mode, clock.wall());
        disk.sync(path);
        disk.sync(folderOf(path));
        return done;
      }),
    append: (path, text, mode) =>
      change(`append ${path}`, () => {
        const node = disk.get(path);
        return disk.put(path, (node?.kind === 'file' ? node.text : '') + text, mode, clock.wall());
      }),
    copy: (from, to) =>
      change(`copy ${from} to ${to}`, () => {
        const node = disk.get(from);
        const done = node?.kind === 'file' && disk.put(to, node.text, 0o600, clock.wall());
        disk.sync(to);
        disk.sync(folderOf(to));
        return done;
      }),
    list(path) {
      const names = disk.names(path);
      if (names !== null) return now({ kind: 'entries', names });
      return now(disk.get(path) === null ? { kind: 'absent' } : { kind: 'unreadable', why: 'not a directory' });
    },
    stat(path) {
      const node = disk.get(path);
      if (node === null) return now({ kind: 'absent' });
      return now({
        kind: node.kind,
        mode: node.mode,
        uid: 101,
        sizeBytes: node.kind === 'file' ? node.text.length : 4096,
        modifiedWallMs: wallMs(node.wallMs),
        stamp: String(node.kind === 'file' ? node.written : 0),
      });
    },
    real: (path) => now(disk.get(path) === null ? null : path),
    rename: (from, to) =>
      change(`rename ${from} to ${to}`, () => {
        const done = !machine.mountPoints.has(from) && disk.rename(from, to);
        for (const folder of [folderOf(to), folderOf(from)]) disk.sync(folder);
        return done;
      }),
    remove: (path) =>
      change(`remove ${path}`, () => {
        // The control file, or the tables, of a data directory that is whole.
        const folder = path.replace(/\/(base|global\/pg_control)$/, '');
        if (folder !== path && disk.get(`${folder}/global/pg_control`) !== null) machine.onErased?.(folder, 'removed');
        disk.remove(path);
        disk.sync(folderOf(path));
        return true;
      }),
    sync: (path) =>
      change(`sync ${path}`, () => {
        for (const folder of [path, folderOf(path)]) disk.sync(folder);
        return true;
      }),
    forget: (path) =>
      change(`forget ${path}`, () => {
        disk.remove(path);
        return true;
      }),
    makeDirectory: (path, mode) =>
      change(`make ${path}`, () => {
        const done = disk.makeDirectory(path, mode, clock.wall());
        disk.sync(path);
        return done;
      }),
    freeBytes: () => now(disk.sizeBytes - disk.usedBytes()),
    lock(path) {
      const release = disk.lock(path);
      if (release === null) return now({ kind: 'held' });
      if (disk.get(path) === null && !disk.put(path, '', 0o600, clock.wall())) {
        release();
        return now({ kind: 'failed', why: `${path}: no such folder` });
      }
      const forget = self.onEnd(release);
      return now({
        kind: 'locked',
        release() {
          forget();
          release();
        },
      });
    },
  };
}

/** Of a file system's journal: a disk that is slower than this holds up also who waits for no flush. */
const journalPatienceMs = 5000;

/** world/inPlace.ts: no flush is waited for, and none is made. */
export const keepInPlace =
  (machine: Machine, self: SimProcess) =>
  (path: string, text: string, mode: number): Promise<ControlOutcome> =>
    new Promise((resolve) => {
      const heldUpMs = Math.max(0, machine.fsyncMs - journalPatienceMs);
      self.after(heldUpMs + 0.1 + machine.chance.real() * 0.3, () =>
        machine.whenDiskAnswers(() =>
          self.deliver(() => {
            const done = machine.disk.put(path, text, mode, machine.clock.wall());
            resolve(done ? { kind: 'done' } : { kind: 'failed', why: `write ${path}: no such folder` });
          }),
        ),
      );
    });
