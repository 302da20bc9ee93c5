import { readDocument, readDocuments } from './documents.ts';
import type { Ctl } from './doors.ts';
import type { IncidentOptions } from './incidents.ts';
import { reportList, reportText, reportTsv } from './reportText.ts';
import { printed } from './text.ts';

/** What repairs threw away here, the newest of them. */
export async function listReports(ctl: Ctl, count: number, { member, format }: IncidentOptions): Promise<void> {
  const all = await readDocuments(ctl, member, 'reports');
  const newest = count === 0 ? [] : all.slice(-count);
  const { out } = ctl.doors.terminal;
  const textOf = (as: 'pretty' | 'tsv'): string =>
    newest.length === 0 && as === 'pretty' ? 'No reports.\n' : reportList(newest, as);
  out(printed(format, newest, textOf));
}

/** One of them, whole: `id` is its beginning, or `last`. */
export async function showReport(ctl: Ctl, id: string, { member, format }: IncidentOptions): Promise<void> {
  const whole = await readDocument(ctl, member, 'reports', id, ({ tables }) => Array.isArray(tables));
  const { out } = ctl.doors.terminal;
  out(printed(format, whole, (as) => (as === 'tsv' ? reportTsv(whole) : reportText(whole))));
}
