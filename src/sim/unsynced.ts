import type { SeededChance } from './chance.ts';
import { folderOf } from './path.ts';

/** One change of a disk that nobody has synced yet. */
interface Change {
  /** Of a folder's entries (a file made, replaced, renamed, removed), or of what is in a file. */
  readonly of: 'names' | 'text';
  readonly path: string;
  readonly atMs: number;
  undo(): void;
}

/**
 * What is in the page cache alone. fsync of a file keeps its text and its name, fsync of a folder its entries, and nothing
 * else: what happens in other folders is in no order with it. Within a folder, and within a file, what is lost is always the
 * latest. After half a minute the kernel has written everything by itself.
 */
export interface Unsynced {
  note(of: Change['of'], path: string, undo: () => void): void;
  /** fsync of that file or folder. */
  sync(path: string): void;
  /** The same of all that is below. */
  syncBelow(path: string): void;
  /** What is moved or removed here takes along what was written in it: no later file of that path has to do with it. */
  settle(path: string): void;
  /** The power is lost. Asked for each folder, and each file. */
  lose(keeps: Keeps): void;
}

/** Of so many changes that nobody had synced, how many were on the disk all the same. */
export type Keeps = (changes: number) => number;
export const drawnFrom =
  (chance: SeededChance): Keeps =>
  (changes) =>
    chance.pick([0, changes, chance.below(changes + 1)]);

/** vm.dirty_expire_centisecs. */
const writtenBackAfterMs = 30_000;

export function makeUnsynced(nowMs: () => number): Unsynced {
  let changes: Change[] = [];

  function writeBack(): void {
    const old = changes.findIndex(({ atMs }) => atMs > nowMs() - writtenBackAfterMs);
    if (old !== 0) changes.splice(0, old < 0 ? changes.length : old);
  }
  /** A file that was synced is found again: the folders on the way to it are where they are. */
  const keeps = (synced: string, { of, path }: Change): boolean =>
    path === synced || (of === 'names' && (folderOf(path) === synced || synced.startsWith(`${path}/`)));

  return {
    note(of, path, undo) {
      writeBack();
      changes.push({ of, path, atMs: nowMs(), undo });
    },
    sync(path) {
      changes = changes.filter((change) => !keeps(path, change));
    },
    syncBelow(path) {
      changes = changes.filter((change) => !keeps(path, change) && !change.path.startsWith(`${path}/`));
    },
    settle(path) {
      const isIn = (change: Change): boolean =>
        change.path.startsWith(`${path}/`) || (change.of === 'text' && change.path === path);
      changes = changes.filter((change) => !isIn(change));
    },
    lose(keeps) {
      writeBack();
      const orders = new Map<string, Change[]>();
      for (const change of changes) {
        const order = change.of === 'names' ? folderOf(change.path) : change.path;
        const known = orders.get(order);
        if (known === undefined) orders.set(order, [change]);
        else known.push(change);
      }
      const lost = new Set<Change>();
      for (const order of orders.values()) for (const change of order.slice(keeps(order.length))) lost.add(change);
      for (const change of changes.reverse()) if (lost.has(change)) change.undo();
      changes = [];
    },
  };
}
