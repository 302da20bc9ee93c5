import type { Entry } from '../model/decision.ts';

/**
 * Of a journal's lines those that tell of a moment: the first of all, then from the decision that was in force to the next after it. Only
 * these are read as JSON: a journal may have megabytes, and whoever reads it has a loop to run beside.
 */
export function entriesAround(text: string, atMs: number): readonly Entry[] {
  const lines = text.split('\n');
  const isDecision = (line: string): boolean => line.includes('"kind":"decided"');
  const inForce = lines.findLastIndex((line) => isDecision(line) && wallMsOf(line) <= atMs);
  const next = lines.findIndex((line, nth) => nth > inForce && isDecision(line) && wallMsOf(line) > atMs);
  const first = lines.findIndex((line) => entryOf(line) !== null);
  if (first === -1) return [];
  const around = inForce === -1 ? [] : lines.slice(inForce, next === -1 ? undefined : next + 1);
  return [...(first < inForce || inForce === -1 ? [lines[first] ?? ''] : []), ...around].flatMap(
    (line) => entryOf(line) ?? [],
  );
}

/** The journal writes its two times last. NaN: none of its lines, or half of one. */
const wallMsOf = (line: string): number => Date.parse(/"wall":"([^"]+)"\}$/.exec(line)?.[1] ?? '');

function entryOf(line: string): Entry | null {
  try {
    const entry: Entry | null = JSON.parse(line);
    return typeof entry === 'object' && entry !== null && 'kind' in entry && 'wall' in entry ? entry : null;
  } catch {
    return null; // half a line, of an agent that was killed
  }
}
