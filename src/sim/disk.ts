import { folderOf, normal } from './path.ts';
import { type Keeps, makeUnsynced } from './unsynced.ts';

/** One machine's disk: a tree of files in memory. It survives its processes; the power only as far as it was synced. */
export interface Disk {
  get(path: string): Node | null;
  /** Makes or replaces a file; false when the folder is missing or the disk is full. */
  put(path: string, text: string, mode: number, wallMs: number): boolean;
  /** A file whose content is an object that a simulated program changes in place: moved and removed like any other. */
  putContent(path: string, content: object, wallMs: number): boolean;
  makeDirectory(path: string, mode: number, wallMs: number): boolean;
  /** The names in a folder, sorted; null when it is none. */
  names(path: string): readonly string[] | null;
  rename(from: string, to: string): boolean;
  remove(path: string): void;
  /** fsync of a file or a folder: what happened to it so far outlives the power. */
  sync(path: string): void;
  /** The same for everything below a folder. */
  syncBelow(path: string): void;
  /** The power is gone, and with it what was not synced, or some of it. */
  losePower(keeps: Keeps): void;
  /** Every file below a folder, by its path relative to it. */
  tree(path: string): readonly (readonly [path: string, text: string])[];
  usedBytes(): number;
  sizeBytes: number;
  /** The files that hold an object. */
  contents(): readonly (readonly [path: string, content: object])[];
  /** An exclusive lock; null when held by another. */
  lock(path: string): (() => void) | null;
}

export type Node =
  | { readonly kind: 'directory'; readonly mode: number; readonly wallMs: number }
  | {
      readonly kind: 'file';
      readonly mode: number;
      readonly wallMs: number;
      /** Counts all writes of the disk. */
      readonly written: number;
      readonly text: string;
      readonly content?: object;
    };

export function makeDisk(nowMs: () => number, sizeBytes = 1e12): Disk {
  const nodes = new Map<string, Node>([['/', { kind: 'directory', mode: 0o755, wallMs: 0 }]]);
  const locks = new Set<string>();
  const below = (path: string): string => (path === '/' ? '/' : `${path}/`);
  const inFolder = (path: string): boolean => nodes.get(folderOf(path))?.kind === 'directory';
  const unsynced = makeUnsynced(nowMs);
  let used = 0;
  let written = 0;
  const sizeOf = (path: string): number => {
    const node = nodes.get(path);
    return node?.kind === 'file' ? node.text.length : 0;
  };

  /** What was there before a change that is lost; nothing, where its folder is gone as well. */
  function restore(path: string, before: Node | undefined): void {
    if (before === undefined) forget(path);
    else if (inFolder(path)) {
      used -= sizeOf(path);
      nodes.set(path, before);
      used += sizeOf(path);
    }
  }
  function forget(path: string): void {
    for (const key of [...nodes.keys()])
      if (key === path || key.startsWith(below(path))) {
        used -= sizeOf(key);
        nodes.delete(key);
      }
  }
  function move(from: string, to: string): void {
    const moved = treeAt(from);
    for (const [key] of moved) nodes.delete(key);
    for (const [key, value] of moved) nodes.set(to + key.slice(from.length), value);
  }
  const treeAt = (path: string) => [...nodes.entries()].filter(([key]) => key === path || key.startsWith(below(path)));

  const disk: Disk = {
    sizeBytes,
    get: (path) => nodes.get(normal(path)) ?? null,
    put(given, text, mode, wallMs) {
      const path = normal(given);
      if (!inFolder(path) || nodes.get(path)?.kind === 'directory') return false;
      const growth = text.length - sizeOf(path);
      if (growth > 0 && used + growth > disk.sizeBytes) return false;
      used += growth;
      written += 1;
      const before = nodes.get(path);
      // The name may reach the disk before the text does: a file is found, and it is empty.
      if (before === undefined) unsynced.note('names', path, () => restore(path, undefined));
      const blank: Node = { kind: 'file', mode, wallMs, written, text: '' };
      unsynced.note('text', path, () => nodes.has(path) && restore(path, before ?? blank));
      nodes.set(path, { kind: 'file', mode, wallMs, written, text });
      return true;
    },
    putContent(given, content, wallMs) {
      const path = normal(given);
      if (!inFolder(path)) return false;
      written += 1;
      const before = nodes.get(path);
      unsynced.note('names', path, () => restore(path, before));
      nodes.set(path, { kind: 'file', mode: 0o600, wallMs, written, text: '', content });
      return true;
    },
    makeDirectory(given, mode, wallMs) {
      const path = normal(given);
      const there = nodes.get(path);
      if (there !== undefined) return there.kind === 'directory';
      if (!inFolder(path) && !disk.makeDirectory(folderOf(path), mode, wallMs)) return false;
      nodes.set(path, { kind: 'directory', mode, wallMs });
      unsynced.note('names', path, () => forget(path));
      return true;
    },
    names(given) {
      const path = normal(given);
      if (nodes.get(path)?.kind !== 'directory') return null;
      const prefix = below(path);
      return [...nodes.keys()]
        .filter((key) => key !== path && key.startsWith(prefix) && !key.slice(prefix.length).includes('/'))
        .map((key) => key.slice(prefix.length))
        .sort();
    },
    rename(givenFrom, givenTo) {
      const [from, to] = [normal(givenFrom), normal(givenTo)];
      const node = nodes.get(from);
      if (node === undefined || !inFolder(to)) return false;
      if (node.kind === 'directory' && (disk.names(to)?.length ?? 0) > 0) return false;
      const replaced = nodes.get(to);
      unsynced.settle(from);
      forget(to);
      move(from, to);
      unsynced.note('names', to, () => {
        if (!nodes.has(to) || !inFolder(from)) return;
        forget(from);
        move(to, from);
        restore(to, replaced);
      });
      return true;
    },
    remove(given) {
      const path = normal(given);
      const gone = treeAt(path);
      if (gone.length === 0) return;
      unsynced.settle(path);
      forget(path);
      unsynced.note('names', path, () => {
        for (const [key, node] of gone) restore(key, node);
      });
    },
    sync: (path) => unsynced.sync(normal(path)),
    syncBelow: (path) => unsynced.syncBelow(normal(path)),
    losePower: (keeps) => unsynced.lose(keeps),
    contents: () =>
      [...nodes.entries()].flatMap(([path, node]) =>
        node.kind === 'file' && node.content !== undefined ? [[path, node.content] as const] : [],
      ),
    tree(given) {
      const prefix = below(normal(given));
      return [...nodes.entries()].flatMap(([key, node]) =>
        node.kind === 'file' && key.startsWith(prefix) ? [[key.slice(prefix.length), node.text] as const] : [],
      );
    },
    usedBytes: () => used,
    lock(given) {
      const path = normal(given);
      if (locks.has(path)) return null;
      locks.add(path);
      return () => void locks.delete(path);
    },
  };
  return disk;
}
