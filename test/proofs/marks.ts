import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Number of what is proved → the files of its tests. */
export type Marks = ReadonlyMap<number, readonly string[]>;

/** At the end of its name a test says what it proves: [lesson 21], or [lessons 21, 35]. */
export const lessonMark = /\[lessons? (\d+(?:, \d+)*)\]/g;
/** The same for acceptance scenarios: [B-9], or [B-12, B-13]. */
export const acceptanceMark = /\[(B-\d+(?:, B-\d+)*)\]/g;

export function readMarks(mark: RegExp): Marks {
  const found = new Map<number, Set<string>>();
  for (const name of readdirSync(join(root, 'test'), { recursive: true }).map(String).sort()) {
    if (!name.endsWith('.test.ts')) continue;
    const path = join(root, 'test', name);
    for (const [, numbers = ''] of readFileSync(path, 'utf8').matchAll(mark))
      for (const [text] of numbers.matchAll(/\d+/g))
        found.set(Number(text), (found.get(Number(text)) ?? new Set()).add(relative(root, path)));
  }
  return new Map([...found].map(([number, files]) => [number, [...files].sort()]));
}
