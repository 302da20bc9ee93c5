import { isObject } from '../codec/dcs/json.ts';

/** A journal entry as it is read back: another version may have written it, so nothing in it is taken for granted. */
export interface JournalLine {
  readonly raw: unknown;
  readonly kind: string;
  readonly wall: string;
  readonly rule: string;
  readonly text: string;
  readonly because: readonly string[];
  readonly passed: readonly string[];
  readonly did: readonly { readonly action: string; readonly outcome: string; readonly why: string | null }[];
  readonly seen: string;
}

/** No line for what is no entry. */
export function journalLine(raw: unknown): readonly JournalLine[] {
  if (!isObject(raw) || typeof raw.kind !== 'string') return [];
  const line = {
    raw,
    kind: raw.kind,
    wall: text(raw.wall),
    rule: text(raw.rule),
    text: sentence(raw),
    because: list(raw.because).flatMap(factText),
    passed: list(raw.passed).map(String),
    did: list(raw.actions).flatMap((result) =>
      isObject(result)
        ? [{ action: text(result.action), outcome: text(result.outcome), why: text(result.why) || null }]
        : [],
    ),
    seen: isObject(raw.seen)
      ? Object.entries(raw.seen)
          .map(([name, value]) => `${name}=${shown(value)}`)
          .join(', ')
      : '',
  };
  return [line];
}

/** `name=value`; nothing for what is no fact. */
export const factText = (fact: unknown): readonly string[] =>
  Array.isArray(fact) ? [`${fact[0]}=${shown(fact[1])}`] : [];

function sentence(raw: Readonly<Record<string, unknown>>): string {
  switch (raw.kind) {
    case 'decided':
      return text(raw.reason);
    case 'changed':
      return `${text(raw.what)}: ${text(raw.from)} -> ${text(raw.to)}`;
    case 'job':
      return `job ${text(raw.job)}, ${text(raw.step)}: ${text(raw.outcome)}`;
    case 'guard':
      return `guard: ${text(raw.step)}`;
    case 'note':
      return `${text(raw.level)}: ${text(raw.text)}`;
    default:
      return `${text(raw.kind)}: ${text(raw.text)}`;
  }
}

export const journalHeads = ['Time (UTC)', 'Kind', 'Rule', 'What', 'Because', 'Did', 'Seen', 'Passed over'];

/** One entry, in as many cells as there are heads. */
export const journalRow = (line: JournalLine): readonly string[] => [
  timeOf(line),
  line.kind,
  line.rule,
  line.text,
  line.because.join(', '),
  didOf(line),
  line.seen,
  line.passed.join(', '),
];

const timeOf = ({ wall }: JournalLine): string => wall.replace('T', ' ').replace('Z', '');

const didOf = ({ did }: JournalLine): string =>
  did
    .map(
      ({ action, outcome, why }) =>
        `${action}${outcome === 'done' ? '' : ` ${outcome}`}${why === null ? '' : ` (${why})`}`,
    )
    .join(', ');

/** One entry, in as many lines as it has something to say. */
export function lineText(line: JournalLine, coloured: boolean): string {
  const head = line.kind === 'decided' ? `${bold(line.rule, coloured)}: ${line.text}` : line.text;
  const parts: readonly (readonly [string, string])[] = [
    ['because', line.because.join(', ')],
    ['did', didOf(line)],
    ['seen', line.seen],
    ['passed over', line.passed.join(', ')],
  ];
  const below = parts.filter(([, what]) => what !== '').map(([name, what]) => `    ${name.padEnd(11)}  ${what}\n`);
  return `${timeOf(line)}  ${head}\n${below.join('')}`;
}

const bold = (words: string, coloured: boolean): string => (coloured ? `\u001b[1m${words}\u001b[0m` : words);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const shown = (value: unknown): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
