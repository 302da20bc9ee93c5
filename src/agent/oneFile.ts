import type { Files } from '../model/world.ts';

/** Null: it is on disk; else why not. */
export type Keep = (text: string) => Promise<string | null>;

/**
 * Writes one file, each text after the one before it: what hung in the disk must not come true over a later one. A text that is on its
 * way, or there, is not written again.
 */
export function makeOneFile(files: Pick<Files, 'write'>, path: string): Keep {
  let last: { readonly text: string; readonly done: Promise<string | null> } | null = null;
  return (text) => {
    if (last?.text === text) return last.done;
    const before = last?.done ?? Promise.resolve(null);
    const write = async (): Promise<string | null> => {
      await before;
      const written = await files.write(path, text, 0o600);
      if (written.kind === 'done') return null;
      if (last === mine) last = null;
      return written.why;
    };
    const mine = { text, done: write() };
    last = mine;
    return mine.done;
  };
}
