/** One machine's disk: a tree of files in memory. It survives its processes and the power. */
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
  /** Every file below a folder, by its path relative to it. */
  tree(path: string): readonly (readonly [path: string, text: string])[];
  usedBytes(): number;
  sizeBytes: number;
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

export function makeDisk(sizeBytes = 1e12): Disk {
  const nodes = new Map<string, Node>([['/', { kind: 'directory', mode: 0o755, wallMs: 0 }]]);
  const locks = new Set<string>();
  const below = (path: string): string => (path === '/' ? '/' : `${path}/`);
  const inFolder = (path: string): boolean => nodes.get(folderOf(path))?.kind === 'directory';
  let used = 0;
  let written = 0;
  const sizeOf = (path: string): number => {
    const node = nodes.get(path);
    return node?.kind === 'file' ? node.text.length : 0;
  };

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
      nodes.set(path, { kind: 'file', mode, wallMs, written, text });
      return true;
    },
    putContent(given, content, wallMs) {
      if (!inFolder(normal(given))) return false;
      written += 1;
      nodes.set(normal(given), { kind: 'file', mode: 0o600, wallMs, written, text: '', content });
      return true;
    },
    makeDirectory(given, mode, wallMs) {
      const path = normal(given);
      const there = nodes.get(path);
      if (there !== undefined) return there.kind === 'directory';
      if (!inFolder(path) && !disk.makeDirectory(folderOf(path), mode, wallMs)) return false;
      nodes.set(path, { kind: 'directory', mode, wallMs });
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
      const moved = [...nodes.entries()].filter(([key]) => key === from || key.startsWith(below(from)));
      disk.remove(to);
      for (const [key] of moved) nodes.delete(key);
      for (const [key, value] of moved) nodes.set(to + key.slice(from.length), value);
      return true;
    },
    remove(given) {
      const path = normal(given);
      for (const key of [...nodes.keys()])
        if (key === path || key.startsWith(below(path))) {
          used -= sizeOf(key);
          nodes.delete(key);
        }
    },
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

export const folderOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 1));

/** Without `.`, `..`, doubled and trailing slashes. Programs use the same few paths all the time. */
export function normal(path: string): string {
  const known = normalized.get(path);
  if (known !== undefined) return known;
  if (normalized.size >= 10_000) normalized.clear();
  const short = shortened(path);
  normalized.set(path, short);
  return short;
}

const normalized = new Map<string, string>();

function shortened(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/'))
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  return `/${parts.join('/')}`;
}
