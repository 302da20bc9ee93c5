import type { HistoryLine } from '../model/cluster.ts';
import { type Ctl, readCluster } from './doors.ts';
import { tableLines } from './table.ts';
import { type Json, jsonText, yamlText } from './text.ts';

const columns = [
  { name: 'TL', right: true },
  { name: 'LSN', right: true },
  { name: 'Reason' },
  { name: 'Timestamp' },
  { name: 'New Leader' },
] as const;

export async function history(ctl: Ctl, format: 'pretty' | 'tsv' | 'json' | 'yaml'): Promise<void> {
  const cluster = await readCluster(ctl);
  ctl.doors.terminal.out(historyText(cluster.history?.lines ?? [], format));
}

export function historyText(lines: readonly HistoryLine[], format: 'pretty' | 'tsv' | 'json' | 'yaml'): string {
  const rows = lines.map(({ timeline, end, reason, at, newLeader }): readonly (string | number | bigint)[] => [
    timeline,
    end,
    reason,
    at ?? '',
    newLeader ?? '',
  ]);
  const texts = rows.map((row) => row.map(String));
  const records = rows.map((row): Json => Object.fromEntries(columns.map(({ name }, i) => [name, row[i] ?? ''])));
  switch (format) {
    case 'pretty':
      return ended(tableLines(columns, texts, null));
    case 'tsv':
      return ended([columns.map(({ name }) => name), ...texts].map((row) => row.join('\t')));
    case 'json':
      return `${jsonText(records)}\n`;
    case 'yaml':
      return `${yamlText(records)}\n`;
    default:
      return format satisfies never;
  }
}

const ended = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
