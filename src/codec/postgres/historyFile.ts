import type { TimelineEnd } from '../../model/postgres.ts';
import { lsn, timeline } from '../../model/units.ts';

/** A .history file, or the content of TIMELINE_HISTORY: one line for each earlier timeline. Lines that are none are left out. */
export function readHistoryFile(text: string): readonly TimelineEnd[] {
  return text.split('\n').flatMap((line): TimelineEnd[] => {
    const match = /^\s*(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)\s*(.*)$/.exec(line);
    if (match === null || match[1] === undefined || match[2] === undefined) return [];
    return [{ timeline: timeline(Number(match[1])), end: lsn(match[2]), reason: (match[3] ?? '').trim() }];
  });
}

export const historyFileName = (id: number): string => `${id.toString(16).toUpperCase().padStart(8, '0')}.history`;

/** The timeline of a `0000000A.history`; null for other names. */
export const timelineOfHistoryFile = (name: string): number | null =>
  /^[0-9A-F]{8}\.history$/.test(name) ? Number.parseInt(name, 16) : null;
