import type { TimelineEnd } from '../../model/postgres.ts';
import { lsn, lsnText, timeline } from '../../model/units.ts';

/** A .history file, or the content of TIMELINE_HISTORY: one line for each earlier timeline. Lines that are none are left out. */
export function readHistoryFile(text: string): readonly TimelineEnd[] {
  return text.split('\n').flatMap((line): TimelineEnd[] => {
    const match = /^\s*(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)\s*(.*)$/.exec(line);
    if (match === null || match[1] === undefined || match[2] === undefined) return [];
    return [{ timeline: timeline(Number(match[1])), end: lsn(match[2]), reason: (match[3] ?? '').trim() }];
  });
}

export const writeHistoryFile = (ends: readonly TimelineEnd[]): string =>
  ends.map(({ timeline: id, end, reason }) => `${id}\t${lsnText(end)}\t${reason.replace(/\s+/g, ' ')}\n`).join('');

export const historyFileName = (id: number): string => `${id.toString(16).toUpperCase().padStart(8, '0')}.history`;
