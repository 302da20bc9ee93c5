import { open, rename } from 'node:fs/promises';
import type { ControlOutcome } from '../model/outcome.ts';
import { outcomeOf } from './failure.ts';
import { exchange } from './libc.ts';

/**
 * Replaces a short text whole or not at all, without asking the disk for room or for a flush: the text is written over
 * the blocks of the file's twin, and the two change places. For the guard's deadline: a full disk or a slow flush must
 * not cost a healthy primary its place, and after a power cut the text means nothing anyway (another boot). A reader
 * whom two writes overtake between its opening and its reading may see a mixture: it reads again before it acts.
 */
export function makeInPlace(): (path: string, text: string, mode: number) => Promise<ControlOutcome> {
  const prepared = new Set<string>();
  return (path, text, mode) =>
    outcomeOf(async () => {
      const twin = `${path}.twin`;
      if (!prepared.has(path)) {
        for (const each of [path, twin]) await (await open(each, 'a', mode)).close();
        prepared.add(path);
      }
      const file = await open(twin, 'r+');
      try {
        await file.chmod(mode);
        const { bytesWritten } = await file.write(text, 0, 'utf8');
        await file.truncate(bytesWritten);
      } finally {
        await file.close();
      }
      if (exchange(path, twin).kind === 'done') return;
      // A file system that cannot exchange: the twin is made anew next time.
      prepared.delete(path);
      await rename(twin, path);
    });
}
