import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lessons, notYet } from './lessons.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const tablePath = join(root, 'docs/lessons.md');

/** A test says at the end of its name what it proves: [lesson 21], or [lessons 21, 35]. */
const mark = /\[lessons? (\d+(?:, \d+)*)\]/g;

/** Lesson → the files of its tests. */
export function readMarks(): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, Set<string>>();
  for (const name of readdirSync(join(root, 'test'), { recursive: true }).map(String).sort()) {
    if (!name.endsWith('.test.ts')) continue;
    const path = join(root, 'test', name);
    for (const [, numbers = ''] of readFileSync(path, 'utf8').matchAll(mark))
      for (const number of numbers.split(', ').map(Number))
        found.set(number, (found.get(number) ?? new Set()).add(relative(root, path)));
  }
  return new Map([...found].map(([number, files]) => [number, [...files].sort()]));
}

const head = `# Lessons

What went wrong elsewhere, over ten years of Patroni's releases and issues, is tested here first: the sixty lessons that
cost most when they are forgotten, each with the tests that then fail, or why there is none yet. The gaps in the numbers
are lessons that come later.

Such a test says so at the end of its name: \`[lesson 21]\`. This table is made from those marks by \`npm run lessons\`;
\`test/lessons/lessons.test.ts\` fails when it is stale, or when a lesson has neither a test nor a reason.
`;

export function tableText(marks: ReadonlyMap<number, readonly string[]>): string {
  const numbers = Object.keys(lessons).map(Number);
  const rows = numbers.map((number) => {
    const files = marks.get(number);
    const proof = files?.map((file) => `[${file.replace(/^test\//, '')}](../${file})`).join(', ');
    return `| ${number} | ${lessons[number]} | ${proof ?? `*not yet:* ${notYet[number] ?? ''}`} |`;
  });
  const tested = numbers.filter((number) => marks.has(number)).length;
  const count = `${tested} of ${numbers.length} have a test.`;
  return `${[head, count, '', '| | lesson | tests |', '| --- | --- | --- |', ...rows].join('\n')}\n`;
}
