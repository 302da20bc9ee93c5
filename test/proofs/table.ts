import { join } from 'node:path';
import { acceptance, noScenario } from './acceptance.ts';
import { lessons, notYet } from './lessons.ts';
import { acceptanceMark, lessonMark, type Marks, root } from './marks.ts';

/** A document that is made from the names of tests. */
export interface Table {
  readonly path: string;
  readonly mark: RegExp;
  readonly head: string;
  readonly what: string;
  readonly prefix: string;
  readonly titles: Readonly<Record<number, string>>;
  /** What has no test, and why. */
  readonly reasons: Readonly<Record<number, string>>;
}

export const lessonTable: Table = {
  path: join(root, 'docs/lessons.md'),
  mark: lessonMark,
  what: 'lesson',
  prefix: '',
  titles: lessons,
  reasons: notYet,
  head: `# Lessons

What went wrong elsewhere, over ten years of Patroni's releases and issues, is tested here first: the sixty lessons that
cost most when they are forgotten, each with the tests that then fail, or why there is none yet. The gaps in the numbers
are lessons that come later.

Such a test says so at the end of its name: \`[lesson 21]\`. This table is made from those marks by \`npm run proofs\`;
\`test/proofs/proofs.test.ts\` fails when it is stale, or when a lesson has neither a test nor a reason.
`,
};

export const acceptanceTable: Table = {
  path: join(root, 'docs/acceptance.md'),
  mark: acceptanceMark,
  what: 'scenario',
  prefix: 'B-',
  titles: acceptance,
  reasons: noScenario,
  head: `# Acceptance scenarios

What people take for granted who come from Patroni, situation by situation, within the times that they are used to or better ones:
each with its tests, or why there is none.

Such a test says so at the end of its name: \`[B-9]\`. This table is made from those marks by \`npm run proofs\`;
\`test/proofs/proofs.test.ts\` fails when it is stale, or when a scenario has neither a test nor a reason.
`,
};

export const tables = [lessonTable, acceptanceTable] as const;

export function tableText({ head, what, prefix, titles, reasons }: Table, marks: Marks): string {
  const numbers = Object.keys(titles).map(Number);
  const rows = numbers.map((number) => {
    const files = marks.get(number);
    const proof = files?.map((file) => `[${file.replace(/^test\//, '')}](../${file})`).join(', ');
    return `| ${prefix}${number} | ${titles[number]} | ${proof ?? `*none:* ${reasons[number] ?? ''}`} |`;
  });
  const tested = numbers.filter((number) => marks.has(number)).length;
  const count = `${tested} of ${numbers.length} have a test.`;
  return `${[head, count, '', `| | ${what} | tests |`, '| --- | --- | --- |', ...rows].join('\n')}\n`;
}
