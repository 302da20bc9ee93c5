/**
 * JSON and YAML as Python writes them, for scripts that compare: JSON with a space after comma and colon, YAML with sorted
 * keys, lists not indented, and strings quoted where YAML 1.1 would read something else.
 */

/** How a command prints what it has to tell. */
export type Format = 'pretty' | 'tsv' | 'json' | 'yaml';

export type Json = null | boolean | number | bigint | string | readonly Json[] | { readonly [name: string]: Json };

/** A line each, and a cell keeps to its own: what would end either is a space. */
export const tsvText = (rows: readonly (readonly string[])[]): string =>
  rows.map((row) => `${row.map((cell) => cell.replace(/[\t\r\n]+/g, ' ')).join('\t')}\n`).join('');

/** For scripts `value` as it is; for people, and in cells, the text that is made of it. */
export function printed(format: Format, value: unknown, textOf: (format: 'pretty' | 'tsv') => string): string {
  switch (format) {
    case 'pretty':
    case 'tsv':
      return textOf(format);
    case 'json':
      return `${jsonText(asJson(value))}\n`;
    case 'yaml':
      return yamlText(asJson(value));
    default:
      return format satisfies never;
  }
}

/** What came from JSON, seen as JSON again; anything else becomes text. */
export function asJson(value: unknown): Json {
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'bigint') return value;
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, asJson(field)]));
  return String(value);
}

export function jsonText(value: Json): string {
  if (isList(value)) return `[${value.map(jsonText).join(', ')}]`;
  if (isObject(value))
    return `{${Object.entries(value)
      .map(([name, field]) => `${jsonText(name)}: ${jsonText(field)}`)
      .join(', ')}}`;
  if (typeof value === 'bigint') return value.toString();
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Lines of block style, each ended. */
export const yamlText = (value: Json): string =>
  blockLines(value)
    .map((line) => `${line}\n`)
    .join('');

function blockLines(value: Json): readonly string[] {
  if (isList(value) && value.length > 0)
    return value.flatMap((item) => blockLines(item).map((line, i) => (i === 0 ? `- ${line}` : `  ${line}`)));
  if (isObject(value) && Object.keys(value).length > 0) return sortedFields(value).flatMap(fieldLines);
  return [inline(value, false)];
}

function fieldLines([name, value]: readonly [string, Json]): readonly string[] {
  const nested = (isList(value) && value.length > 0) || (isObject(value) && Object.keys(value).length > 0);
  if (!nested) return [`${scalar(name, false)}: ${inline(value, false)}`];
  const indent = isList(value) ? '' : '  ';
  return [`${scalar(name, false)}:`, ...blockLines(value).map((line) => indent + line)];
}

/** `{clonefrom: true, region: eu}` */
export const flowYaml = (value: Json): string => inline(value, true);

function inline(value: Json, inFlow: boolean): string {
  if (isList(value)) return `[${value.map(flowYaml).join(', ')}]`;
  if (isObject(value)) {
    const fields = sortedFields(value).map(([name, field]) => `${scalar(name, true)}: ${flowYaml(field)}`);
    return `{${fields.join(', ')}}`;
  }
  return typeof value === 'string' ? scalar(value, inFlow) : String(value);
}

function scalar(text: string, inFlow: boolean): string {
  if (/\p{Cc}/u.test(text)) return JSON.stringify(text);
  const plain =
    text !== '' &&
    !readsAsOther.test(text) &&
    !/^([\s,[\]{}#&*!|>'"%@`]|[-?:](\s|$))/.test(text) &&
    !/:(\s|$)|\s#|\s$/.test(text) &&
    !(inFlow && /[,[\]{}?]/.test(text));
  return plain ? text : `'${text.replaceAll("'", "''")}'`;
}

/** Text that YAML 1.1 reads as a boolean, null, number, date or merge key. */
const readsAsOther =
  /^(~|null|yes|no|true|false|on|off|y|n|=|<<|[-+]?(0b[01_]+|0x[0-9a-f_]+|[0-9][0-9_]*(:[0-5]?[0-9])*(\.[0-9_]*)?(e[-+]?[0-9]+)?|\.[0-9_]+(e[-+]?[0-9]+)?|\.inf)|\.nan|\d{4}-\d\d?-\d\d?([Tt\s].*)?)$/i;

const sortedFields = (value: { readonly [name: string]: Json }): readonly (readonly [string, Json])[] =>
  Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
const isObject = (value: Json): value is { readonly [name: string]: Json } =>
  typeof value === 'object' && value !== null && !isList(value);
