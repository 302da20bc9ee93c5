import { isObject, type JsonObject } from '../codec/dcs/json.ts';
import { tableLines } from './table.ts';
import { tsvText } from './text.ts';
import { factText } from './whyText.ts';

/** Reports of repairs as people read them. Another version may have written them: nothing in them is taken for granted. */

const columns = [
  { name: 'ID' },
  { name: 'Deed' },
  { name: 'Began (UTC)' },
  { name: 'Leader' },
  { name: 'Fork' },
  { name: 'Bytes', right: true },
  { name: 'Transactions', right: true },
  { name: 'WAL' },
  { name: 'Outcome' },
] as const;

/** A line each, as table or with tabs. */
export function reportList(reports: readonly JsonObject[], format: 'pretty' | 'tsv'): string {
  const rows = reports.map((one) => [
    textOf(one.id),
    textOf(one.deed),
    timeOf(one.began),
    textOf(one.leader),
    placeOf(one.fork),
    numberOf(one.bytes),
    transactionsOf(one),
    isObject(one.wal) ? textOf(one.wal.kept) : '',
    outcomeOf(one),
  ]);
  if (format === 'tsv') return tsvText([columns.map(({ name }) => name), ...rows]);
  return tableLines(columns, rows, null)
    .map((line) => `${line}\n`)
    .join('');
}

/** What it tells: each with a name, in as many lines as it takes. */
function partsOf(one: JsonObject): readonly (readonly [name: string, texts: readonly string[]])[] {
  return [
    ['began', [`${timeOf(one.began)} UTC`]],
    ['outcome', [outcomeOf(one)]],
    ['why', whyOf(one.why)],
    ['leader', [textOf(one.leader)]],
    ['histories', [`part at ${placeOf(one.fork)}; this node's went on to ${placeOf(one.end)}`]],
    ['thrown away', [`at most ${numberOf(one.bytes)} bytes, ${spanOf(one)}`, ...noteOf(one.cutShort, 'cut short')]],
    ['tables', tablesOf(one)],
    ['WAL', walOf(one)],
  ];
}

/** A name and a text each: what the text for people has. */
export function reportTsv(one: JsonObject): string {
  const told = [['id', [textOf(one.id)]], ['deed', [textOf(one.deed)]], ...partsOf(one)] as const;
  return tsvText([['Name', 'Text'], ...told.flatMap(([name, texts]) => texts.map((text) => [name, text.trim()]))]);
}

/** One, with all that it tells. */
export function reportText(one: JsonObject): string {
  const lines = partsOf(one).flatMap(([name, texts]) =>
    texts.map((text, at) => `  ${(at === 0 ? name : '').padEnd(12)} ${text}`.trimEnd()),
  );
  const head = `${textOf(one.id)}: ${textOf(one.deed)} of ${textOf(one.node)}, in ${textOf(one.scope)}`;
  return [head, ...lines].map((line) => `${line}\n`).join('');
}

function whyOf(why: unknown): readonly string[] {
  if (!isObject(why)) return [];
  const facts = (Array.isArray(why.because) ? why.because : []).flatMap(factText).join(', ');
  return [textOf(why.rule), ...(facts === '' ? [] : [`  ${facts}`])];
}

const outcomeOf = ({ outcome, state }: JsonObject): string =>
  textOf(outcome) || (state === 'done' ? '' : 'not known to be carried out');

const transactionsOf = ({ transactions, cutShort }: JsonObject): string =>
  `${isObject(transactions) ? numberOf(transactions.count) : ''}${typeof cutShort === 'string' ? ' and more' : ''}`;

function spanOf(one: JsonObject): string {
  const { transactions } = one;
  const [first, last] = isObject(transactions) ? [textOf(transactions.first), textOf(transactions.last)] : ['', ''];
  const many = `${transactionsOf(one)} committed transactions`;
  return first === '' ? many : `${many}, from ${first} to ${last}`;
}

function tablesOf({ tables, tablesLeftOut, namesUnknown }: JsonObject): readonly string[] {
  const all = Array.isArray(tables) ? tables.filter(isObject) : [];
  const lines = all.map(({ file, name, database, inserted, updated, deleted }) => {
    const what = typeof name === 'string' ? name : `file ${textOf(file)}`;
    const where = typeof database === 'string' ? ` in ${database}` : '';
    return `${what}${where}: ${numberOf(inserted)} inserted, ${numberOf(updated)} updated, ${numberOf(deleted)} deleted`;
  });
  const more = Number(tablesLeftOut) > 0 ? [`and ${numberOf(tablesLeftOut)} more`] : [];
  return [...(lines.length === 0 ? ['none'] : lines), ...more, ...noteOf(namesUnknown, 'names not known')];
}

/** How to look at it, too: names of folders are in single quotes, as a shell takes them. */
function walOf({ wal, fork }: JsonObject): readonly string[] {
  if (!isObject(wal)) return [];
  const until = typeof wal.until === 'string' ? ` until ${timeOf(wal.until)} UTC` : '';
  const kept = `kept: ${textOf(wal.kept)}${until}${typeof wal.why === 'string' ? ` (${wal.why})` : ''}`;
  if (wal.kept !== 'whole' && wal.kept !== 'partly') return [kept];
  const from = isObject(fork) ? `--timeline ${numberOf(fork.timeline)} --start ${textOf(fork.lsn)}` : '';
  const folder = textOf(wal.folder).replaceAll("'", "'\\''");
  return [
    kept,
    `${numberOf(wal.bytes)} bytes in ${textOf(wal.folder)}; to look at it:`,
    `pg_waldump --path '${folder}' ${from}`,
  ];
}

const noteOf = (why: unknown, what: string): readonly string[] => (typeof why === 'string' ? [`${what}: ${why}`] : []);
const placeOf = (place: unknown): string =>
  isObject(place) ? `${textOf(place.lsn)} on timeline ${numberOf(place.timeline)}` : '';
const numberOf = (value: unknown): string => (typeof value === 'number' ? String(value) : '');
const timeOf = (value: unknown): string => textOf(value).replace('T', ' ').replace('Z', '');
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
