import { isObject, type JsonObject } from '../codec/dcs/json.ts';
import { tableLines } from './table.ts';
import { tsvText } from './text.ts';
import { factText, journalLine, lineText } from './whyText.ts';

/** Incidents as people read them. Another version may have written them: nothing in them is taken for granted. */

const columns = [
  { name: 'ID' },
  { name: 'Kind' },
  { name: 'Began (UTC)' },
  { name: 'Took', right: true },
  { name: 'Leader' },
  { name: 'TL', right: true },
  { name: 'At risk', right: true },
  { name: 'Write gap', right: true },
  { name: 'Trigger' },
] as const;

/** A line each, as table or with tabs. */
export function listText(incidents: readonly JsonObject[], format: 'pretty' | 'tsv'): string {
  const rows = incidents.map((one) => [
    textOf(one.id),
    textOf(one.kind),
    timeOf(one.began),
    tookOf(one),
    changeOf(one.leader),
    changeOf(one.timeline),
    isObject(one.atRisk) ? riskInShort(one.atRisk) : '',
    longestWriteGap(one),
    textOf(one.trigger),
  ]);
  if (format === 'tsv') return tsvText([columns.map(({ name }) => name), ...rows]);
  return tableLines(columns, rows, null)
    .map((line) => `${line}\n`)
    .join('');
}

/** What it is made of, but for the journal: each with a name, in as many lines as it takes. */
function partsOf(one: JsonObject): readonly (readonly [name: string, texts: readonly string[]])[] {
  const risk = isObject(one.atRisk) ? `${riskText(one.atRisk)} ${textOf(one.atRisk.how)}` : 'not known here';
  const phases = objectsIn(one.phases).map(({ phase, afterMs }) => `${textOf(phase)} ${String(afterMs)} ms`);
  const jobs = objectsIn(one.jobs).map(jobOf);
  const timeline = changeOf(one.timeline);
  return [
    ['began', [`${timeOf(one.began)} UTC`]],
    ['took', [tookOf(one)]],
    ['trigger', [textOf(one.trigger)]],
    ['leader', [`${changeOf(one.leader)}${timeline === '' ? '' : `, timeline ${timeline}`}`]],
    ['at risk', [risk]],
    ['clients', clientLines(one)],
    ['phases', phases],
    ['jobs', jobs],
    ['report', reportLines(one)],
    ['before it', isObject(one.before) ? reasonedOf(one.before) : []],
    ['decided', objectsIn(one.decisions).flatMap(reasonedOf)],
  ];
}

const evidenceOf = ({ evidence }: JsonObject) => (Array.isArray(evidence) ? evidence.flatMap(journalLine) : []);

/** A name and a text each: what the text for people has, and the journal in a line an entry. */
export function incidentTsv(one: JsonObject): string {
  const told = [['id', [textOf(one.id)]], ['kind', [textOf(one.kind)]], ...partsOf(one)] as const;
  const journal = evidenceOf(one).map(({ wall, rule, text }) => {
    const what = rule === '' ? text : `${rule}: ${text}`;
    return ['journal', `${timeOf(wall)} ${what}`];
  });
  return tsvText([
    ['Name', 'Text'],
    ...told.flatMap(([name, texts]) => texts.map((text) => [name, text.trim()])),
    ...journal,
  ]);
}

/** One, with all that it is made of. */
export function incidentText(one: JsonObject, coloured: boolean): string {
  const lines = partsOf(one).flatMap(([name, texts]) =>
    texts.map((text, i) => `  ${(i === 0 ? name : '').padEnd(10)} ${text}`),
  );
  const head = `${textOf(one.id)}: ${textOf(one.kind)}, as ${textOf(one.node)} of ${textOf(one.scope)} went through it`;
  const journal = evidenceOf(one)
    .map((line) => lineText(line, coloured))
    .join('');
  return `${[head, ...lines].map((line) => `${line.trimEnd()}\n`).join('')}${journal === '' ? '' : `\n${journal}`}`;
}

const reportLines = ({ reports }: JsonObject): readonly string[] =>
  (Array.isArray(reports) ? reports : []).map((id) => `matriarch report show ${textOf(id)}`);

function reasonedOf({ rule, reason, because }: JsonObject): readonly string[] {
  const facts = (Array.isArray(because) ? because : []).flatMap(factText).join(', ');
  return [`${textOf(rule)}: ${textOf(reason)}`, ...(facts === '' ? [] : [`  ${facts}`])];
}

function jobOf({ job, outcome, tookMs, error }: JsonObject): string {
  const why = typeof error === 'string' ? ` (${error})` : '';
  return `${textOf(job)}: ${textOf(outcome)}${why}${typeof tookMs === 'number' ? `, ${tookMs} ms` : ''}`;
}

/** A bound is never told as if it were the loss itself. */
const bytesOf = ({ bytes, atMost }: JsonObject): string => `${atMost === true ? 'at most ' : ''}${String(bytes)}`;

/** Bytes, and how many commits are in them where somebody could count them. */
const riskInShort = (risk: JsonObject): string =>
  typeof risk.transactions === 'number'
    ? `${risk.transactions} ${risk.transactions === 1 ? 'commit' : 'commits'} in ${bytesOf(risk)}`
    : bytesOf(risk);

/** Whole transactions where somebody could count them. */
function riskText(risk: JsonObject): string {
  const { bytes, transactions } = risk;
  if (typeof transactions === 'number')
    return `${bytesOf(risk)} bytes, ${transactions} committed ${transactions === 1 ? 'transaction' : 'transactions'},`;
  return bytes === 0 ? '0 bytes' : `${bytesOf(risk)} bytes, transactions not counted,`;
}

/** The longest time in which no client of a probe could write; nothing where none was asked. */
function longestWriteGap({ clients }: JsonObject): string {
  const heard = objectsIn(clients).filter(({ unheard }) => unheard === null);
  const gaps = heard.flatMap(({ gaps: felt }) => objectsIn(felt)).filter(({ kind }) => kind === 'write');
  return heard.length === 0 ? '' : secondsOf(Math.max(0, ...gaps.map(({ gapMs }) => Number(gapMs))));
}

function clientLines({ clients }: JsonObject): readonly string[] {
  return objectsIn(clients).flatMap(({ probe, unheard, gaps }) => {
    const by = `by the probe ${textOf(probe)}`;
    if (typeof unheard === 'string') return [`not heard from the probe ${textOf(probe)}: ${unheard}`];
    const felt = objectsIn(gaps);
    return felt.length === 0 ? [`no gap, ${by}`] : felt.map((gap) => `${gapText(gap)}, ${by}`);
  });
}

function gapText({ kind, target, gapMs, beganAfterMs, ended, hostBefore, hostAfter }: JsonObject): string {
  const began = Number(beganAfterMs);
  const from = `from ${secondsOf(Math.abs(began))} ${began < 0 ? 'before' : 'after'} it began`;
  const span = changeOf({ before: hostBefore, after: ended === true ? hostAfter : null });
  const hosts = typeof hostBefore === 'string' ? span : 'nobody had answered before';
  const length = ended === true ? secondsOf(Number(gapMs)) : `${secondsOf(Number(gapMs))} and more`;
  return `${textOf(kind)} ${textOf(target)} without an answer for ${length}, ${from} (${hosts})`;
}

const secondsOf = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** How long, or why that is not known. */
function tookOf({ tookMs, state }: JsonObject): string {
  if (typeof tookMs === 'number') return secondsOf(tookMs);
  return state === 'cutShort' ? 'cut short: the agent ended' : textOf(state);
}

/** `n1 -> n2`, `n1` where it stayed, nothing where it is not known. */
function changeOf(span: unknown): string {
  if (!isObject(span)) return '';
  const [before, after] = [span.before ?? null, span.after ?? null];
  if (before === after) return before === null ? '' : String(before);
  return `${String(before ?? '-')} -> ${String(after ?? '-')}`;
}

const timeOf = (value: unknown): string => textOf(value).replace('T', ' ').replace('Z', '');
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const objectsIn = (value: unknown): readonly JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);
