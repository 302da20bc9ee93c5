import { type Charted, chart } from './chapter.ts';
import { elsewhere } from './chapters/elsewhere.ts';
import { failsafe } from './chapters/failsafe.ts';
import { leads } from './chapters/leads.ts';
import { nobody } from './chapters/nobody.ts';
import { others } from './chapters/others.ts';

const header = `\
# What the agent does in every situation: combination -> rule: actions.
#
# Written by \`npm run atlas\`, and compared by test/atlas/atlas.test.ts: a change of behaviour is a change of lines here.
# A chapter takes a few things that can be so or so, and asks decide() about all their combinations; what it does not name is
# well, and as in test/decide/values.ts. A line is a class of combinations: what it does not name does not matter there,
# "a | b" is either. Combinations that cannot be are not asked about, and bar no folding. "then" begins what is kept in order
# beside the verdict (only what a lease rests on), "note" what is remembered of who may lead. Three members: n1, n2, n3.
`;

export const atlasFile = new URL('../atlas.txt', import.meta.url);

interface Atlas {
  readonly text: string;
  readonly chapters: readonly Charted[];
}

export function drawAtlas(): Atlas {
  const chapters = [...leads, ...elsewhere, ...nobody, ...failsafe, ...others].map(chart);
  const texts = chapters.map(({ title, lines, combinations }) =>
    [`\n## ${title}\n\n# of ${combinations} combinations:`, ...lines, ''].join('\n'),
  );
  return { text: header + texts.join(''), chapters };
}

/** How many lines a person wants to read before he looks at the file. */
const toldMost = 40;

/** The lines that only one of two atlases has, under their chapters; empty: they are the same. */
export function unlike(before: string, now: string): readonly string[] {
  if (before === now) return [];
  const [old, fresh] = [byChapter(before), byChapter(now)];
  const lines = [...new Set([...old.keys(), ...fresh.keys()])].flatMap((title) => {
    const [was, is] = [old.get(title) ?? new Set(), fresh.get(title) ?? new Set()];
    const changed = [
      ...[...was].filter((line) => !is.has(line)).map((line) => `- ${line}`),
      ...[...is].filter((line) => !was.has(line)).map((line) => `+ ${line}`),
    ];
    return changed.length === 0 ? [] : [title, ...changed];
  });
  if (lines.length === 0) return ['the same lines in another order'];
  return lines.length <= toldMost ? lines : [...lines.slice(0, toldMost), `and ${lines.length - toldMost} lines more`];
}

function byChapter(text: string): Map<string, Set<string>> {
  const chapters = new Map<string, Set<string>>();
  let lines = new Set<string>();
  chapters.set('# the header', lines);
  for (const line of text.split('\n')) {
    if (line === '') continue;
    if (line.startsWith('## ')) {
      lines = new Set();
      chapters.set(line, lines);
    } else lines.add(line);
  }
  return chapters;
}
