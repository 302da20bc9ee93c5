import type { HistoryLine } from '../../model/cluster.ts';
import { lsnOf, timeline } from '../../model/units.ts';
import { compactJson, naturalOrNull, parseJson, textOrNull } from './json.ts';

/** Null when it is no history. Older lines have three or four elements. */
export function readHistory(text: string): readonly HistoryLine[] | null {
  const value = parseJson(text);
  if (!Array.isArray(value)) return null;
  const lines = value.map(readLine);
  return lines.every((line) => line !== null) ? lines : null;
}

function readLine(value: unknown): HistoryLine | null {
  if (!Array.isArray(value)) return null;
  const [ended, at, reason, when, leader]: unknown[] = value;
  const number = naturalOrNull(ended);
  const end = naturalOrNull(at);
  if (number === null || number === 0n || number > 0xffffffffn || end === null) return null;
  return {
    timeline: timeline(Number(number)),
    end: lsnOf(end),
    reason: textOrNull(reason) ?? '',
    at: textOrNull(when),
    newLeader: textOrNull(leader),
  };
}

/** What is not known of a line is left away from its end, as Patroni does. */
export const writeHistory = (lines: readonly HistoryLine[]): string =>
  compactJson(
    lines.map(({ timeline, end, reason, at, newLeader }) => {
      const known = [timeline, end, reason];
      if (newLeader !== null) return [...known, at ?? '', newLeader];
      return at === null ? known : [...known, at];
    }),
  );
