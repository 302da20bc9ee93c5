import type { Ctl } from './doors.ts';
import { readJournal } from './journal.ts';
import { asJson, type Format, tsvText, yamlText } from './text.ts';
import { type JournalLine, journalHeads, journalRow, lineText } from './whyText.ts';

export interface WhyOptions {
  /** Null: the node of this configuration. */
  readonly member: string | null;
  readonly last: number;
  readonly format: Format;
  /** Also those entries in which nothing was done and nothing changed. */
  readonly all: boolean;
}

/** What an agent did, by which rule, because of what, and what it passed over; also when that agent is dead. */
export async function why(ctl: Ctl, options: WhyOptions): Promise<void> {
  const lines = await readJournal(ctl, options.member, options.all ? options.last : options.last * 20);
  const told = (options.all ? lines : lines.filter((line, i) => isTelling(line, lines[i - 1]))).slice(-options.last);
  const { out, isScreen } = ctl.doors.terminal;
  switch (options.format) {
    case 'pretty':
      return out(told.length === 0 ? 'The journal is empty.\n' : told.map((line) => lineText(line, isScreen)).join(''));
    case 'tsv':
      return out(tsvText([journalHeads, ...told.map(journalRow)]));
    case 'json':
      return out(told.map((line) => `${JSON.stringify(line.raw)}\n`).join(''));
    case 'yaml':
      return out(yamlText(told.map((line) => asJson(line.raw))));
    default:
      return options.format satisfies never;
  }
}

/** A decision that repeats the one before tells nothing new. */
const isTelling = (line: JournalLine, before: JournalLine | undefined): boolean =>
  line.kind !== 'decided' || line.rule !== before?.rule || line.did.some(({ action }) => action !== 'renewLease');
