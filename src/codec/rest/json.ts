import { isObject } from '../dcs/json.ts';

/** JSON as Python writes it: `", "` and `": "`, non-ASCII escaped, integers of any size. Undefined fields are left out. */
export function spacedJson(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(', ')}]`;
  if (isObject(value)) {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    return `{${fields.map(([name, field]) => `${quoted(name)}: ${spacedJson(field)}`).join(', ')}}`;
  }
  if (typeof value === 'string') return quoted(value);
  return JSON.stringify(value) ?? 'null';
}

const quoted = (text: string): string =>
  JSON.stringify(text).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
