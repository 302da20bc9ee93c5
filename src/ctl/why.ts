import type { Ctl } from './doors.ts';
import { readJournal } from './journal.ts';
import { type JournalLine, lineText } from './whyText.ts';

export interface WhyOptions {
  /** Null: the node of this configuration. */
  readonly member: string | null;
  readonly last: number;
  readonly format: 'pretty' | 'json';
  /** Also those entries in which nothing was done and nothing changed. */
  readonly all: boolean;
}

/** What an agent did, by which rule, because of what, and what it passed over; also when that agent is dead. */
export async function why(ctl: Ctl, options: WhyOptions): Promise<void> {
  const lines = await readJournal(ctl, options.member, options.all ? options.last : options.last * 20);
  const told = (options.all ? lines : lines.filter((line, i) => isTelling(line, lines[i - 1]))).slice(-options.last);
  const text =
    options.format === 'json'
      ? told.map((line) => `${JSON.stringify(line.raw)}\n`).join('')
      : told.map((line) => lineText(line, ctl.doors.terminal.isScreen)).join('');
  ctl.doors.terminal.out(text === '' ? 'The journal is empty.\n' : text);
}

/** A decision that repeats the one before tells nothing new. */
const isTelling = (line: JournalLine, before: JournalLine | undefined): boolean =>
  line.kind !== 'decided' || line.rule !== before?.rule || line.did.some(({ action }) => action !== 'renewLease');
