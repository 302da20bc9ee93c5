import { momentOf } from '../model/moment.ts';
import type { Ctl } from './doors.ts';
import { readWholeJournal } from './journal.ts';
import { refuse, UsageError } from './problem.ts';
import { asJson, type Format, tsvText, yamlText } from './text.ts';
import { readMoment } from './time.ts';
import { type JournalLine, journalHeads, journalRow, lineText } from './whyText.ts';

export interface WhyAtOptions {
  /** Null: the node of this configuration. */
  readonly member: string | null;
  /** As it was typed. */
  readonly at: string;
  readonly format: Format;
}

/** So many entries between the decision and the moment are shown. */
const betweenMax = 20;

/** What was decided at a moment, because of which facts, which rules were asked before and had nothing to say, and what came next. */
export async function whyAt(ctl: Ctl, { member, at, format }: WhyAtOptions): Promise<void> {
  const { terminal, clock, rules } = ctl.doors;
  const atMs = readMoment(at, clock.wall());
  if (atMs === null)
    throw new UsageError(
      `'--at': '${at}' is no moment: take 2026-11-25T20:13:51Z, 20:13:51 (UTC), or 5m for five minutes ago`,
    );
  const lines = await readWholeJournal(ctl, member);
  // Of a machine whose clock is ahead it is past already.
  if (atMs > clock.wall() && lines.every((line) => Date.parse(line.wall) < atMs))
    throw new UsageError(
      `'--at': ${shownTime(atMs)} UTC is still to come (it is ${shownTime(clock.wall())} UTC): nothing can have been decided then`,
    );
  const moment = momentOf(lines, atMs);
  if (moment === null) {
    const [first] = lines;
    return refuse(
      `nothing was decided then: ${first === undefined ? 'the journal is empty' : `the journal begins at ${first.wall}`}`,
    );
  }
  const { decided, ageMs, silent, next } = moment;
  const between = moment.since.slice(-betweenMax);
  const raw = {
    at: new Date(atMs).toISOString(),
    decided: decided.raw,
    since: between.map((line) => line.raw),
    next: next?.raw ?? null,
  };
  if (format === 'json') return terminal.out(`${JSON.stringify(raw)}\n`);
  if (format === 'yaml') return terminal.out(yamlText(asJson(raw)));
  if (format === 'tsv') {
    const rows = [
      ['decided', ...journalRow(decided)],
      ...between.map((line) => ['since', ...journalRow(line)]),
      ...(next === null ? [] : [['next', ...journalRow(next)]]),
    ];
    return terminal.out(tsvText([['Place', ...journalHeads], ...rows]));
  }
  terminal.out(
    [
      `At ${shownTime(atMs)} UTC this decision was ${(ageMs / 1_000).toFixed(1)} s old:\n`,
      ...(silent ? ['An agent at work decides more often than that: it was not running, or stood still.\n'] : []),
      lineText({ ...decided, passed: [] }, terminal.isScreen),
      passedText(decided, rules),
      ...(between.length === 0 ? [] : ['Since then:\n', ...between.map((line) => lineText(line, terminal.isScreen))]),
      ...(next === null ? [] : ['The next decision:\n', lineText({ ...next, passed: [] }, terminal.isScreen)]),
    ].join(''),
  );
}

const shownTime = (wallMs: number): string => new Date(wallMs).toISOString().replace('T', ' ').replace('Z', '');

/** The rules that were asked before, each with what it would have said, had it been so. */
function passedText({ passed }: JournalLine, rules: ReadonlyMap<string, string>): string {
  if (passed.length === 0) return '';
  const width = Math.max(...passed.map((name) => name.length));
  const lines = passed.map((name) => `      ${name.padEnd(width)}  ${rules.get(name) ?? ''}`.trimEnd());
  return `    asked before, in this order, and not the case:\n${lines.map((line) => `${line}\n`).join('')}`;
}
