/** Unified diff with three lines of context; no lines when equal. The two file lines end with a space. */
export function unifiedDiff(before: string, after: string): readonly string[] {
  const edits = editsBetween(linesOf(before), linesOf(after));
  const hunks = hunksOf(edits);
  return hunks.length === 0 ? [] : ['--- ', '+++ ', ...hunks.flatMap(hunkLines)];
}

interface Edit {
  readonly mark: ' ' | '-' | '+';
  readonly line: string;
  /** Lines of the old and the new text before this one. */
  readonly oldAt: number;
  readonly newAt: number;
}

const contextLines = 3;
const linesOf = (text: string): readonly string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

/** By the longest common subsequence: configurations are short. */
function editsBetween(a: readonly string[], b: readonly string[]): readonly Edit[] {
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const edits: Edit[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const position = { oldAt: i, newAt: j };
    if (i < a.length && j < b.length && a[i] === b[j]) {
      edits.push({ mark: ' ', line: a[i] ?? '', ...position });
      i += 1;
      j += 1;
    } else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1))) {
      edits.push({ mark: '-', line: a[i] ?? '', ...position });
      i += 1;
    } else {
      edits.push({ mark: '+', line: b[j] ?? '', ...position });
      j += 1;
    }
  }
  return edits;
}

/** Changes with their context; those whose contexts touch make one hunk. */
function hunksOf(edits: readonly Edit[]): readonly (readonly Edit[])[] {
  const ranges: { from: number; to: number }[] = [];
  for (const [index, { mark }] of edits.entries()) {
    if (mark === ' ') continue;
    const last = ranges.at(-1);
    const from = Math.max(index - contextLines, 0);
    if (last !== undefined && from <= last.to) last.to = index + contextLines + 1;
    else ranges.push({ from, to: index + contextLines + 1 });
  }
  return ranges.map(({ from, to }) => edits.slice(from, to));
}

function hunkLines(hunk: readonly Edit[]): readonly string[] {
  const [first] = hunk;
  if (first === undefined) return [];
  const oldCount = hunk.filter(({ mark }) => mark !== '+').length;
  const newCount = hunk.filter(({ mark }) => mark !== '-').length;
  const head = `@@ -${range(first.oldAt, oldCount)} +${range(first.newAt, newCount)} @@`;
  return [head, ...hunk.map(({ mark, line }) => `${mark}${line}`)];
}

/** Line numbers count from 1; an empty range names the line before it. */
const range = (at: number, count: number): string =>
  count === 1 ? String(at + 1) : `${count === 0 ? at : at + 1},${count}`;
