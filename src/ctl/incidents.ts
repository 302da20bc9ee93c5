import type { JsonObject } from '../codec/dcs/json.ts';
import { readDocument, readDocuments } from './documents.ts';
import type { Ctl } from './doors.ts';
import { incidentText, incidentTsv, listText } from './incidentText.ts';
import { type Format, printed } from './text.ts';

export interface IncidentOptions {
  /** Null: the node of this configuration. */
  readonly member: string | null;
  readonly format: Format;
}

/** The newest changes of role that a node went through, or saw. */
export async function listIncidents(ctl: Ctl, count: number, { member, format }: IncidentOptions): Promise<void> {
  const all = await readDocuments(ctl, member, 'incidents');
  const newest = count === 0 ? [] : all.slice(-count);
  const { out } = ctl.doors.terminal;
  const textOf = (as: 'pretty' | 'tsv'): string =>
    newest.length === 0 && as === 'pretty' ? 'No incidents.\n' : listText(newest, as);
  out(printed(format, newest.map(withoutEvidence), textOf));
}

const withoutEvidence = ({ evidence: _evidence, ...rest }: JsonObject): JsonObject => rest;

/** One of them, whole: `id` is its beginning, or `last`. */
export async function showIncident(ctl: Ctl, id: string, { member, format }: IncidentOptions): Promise<void> {
  const whole = await readDocument(ctl, member, 'incidents', id, ({ evidence }) => Array.isArray(evidence));
  const { out, isScreen } = ctl.doors.terminal;
  out(printed(format, whole, (as) => (as === 'tsv' ? incidentTsv(whole) : incidentText(whole, isScreen))));
}
