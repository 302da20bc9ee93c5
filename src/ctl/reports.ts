import { readDocument, readDocuments } from './documents.ts';
import type { Ctl } from './doors.ts';
import type { IncidentOptions } from './incidents.ts';
import { reportList, reportText, reportTsv } from './reportText.ts';
import { asJson, jsonText, yamlText } from './text.ts';

/** What repairs threw away here, the newest of them. */
export async function listReports(ctl: Ctl, count: number, { member, format }: IncidentOptions): Promise<void> {
  const all = await readDocuments(ctl, member, 'reports');
  const newest = count === 0 ? [] : all.slice(-count);
  const { out } = ctl.doors.terminal;
  switch (format) {
    case 'pretty':
    case 'tsv':
      return out(newest.length === 0 && format === 'pretty' ? 'No reports.\n' : reportList(newest, format));
    case 'json':
      return out(`${jsonText(asJson(newest))}\n`);
    case 'yaml':
      return out(yamlText(asJson(newest)));
    default:
      return format satisfies never;
  }
}

/** One of them, whole: `id` is its beginning, or `last`. */
export async function showReport(ctl: Ctl, id: string, { member, format }: IncidentOptions): Promise<void> {
  const whole = await readDocument(ctl, member, 'reports', id, ({ tables }) => Array.isArray(tables));
  const { out } = ctl.doors.terminal;
  switch (format) {
    case 'pretty':
      return out(reportText(whole));
    case 'tsv':
      return out(reportTsv(whole));
    case 'json':
      return out(`${jsonText(asJson(whole))}\n`);
    case 'yaml':
      return out(yamlText(asJson(whole)));
    default:
      return format satisfies never;
  }
}
