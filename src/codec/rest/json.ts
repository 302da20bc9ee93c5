import { isObject } from '../dcs/json.ts';

/** JSON as Python writes it: `", "` and `": "`, non-ASCII escaped, integers of any size. Undefined fields are left out. */
export function spacedJson(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(', ')}]`;
  if (isObject(value)) {
    let text = '';
    for (const name in value) {
      const field = value[name];
      if (field !== undefined) text += `${text === '' ? '' : ', '}${quoted(name)}: ${spacedJson(field)}`;
    }
    return `{${text}}`;
  }
  if (typeof value === 'string') return quoted(value);
  return JSON.stringify(value) ?? 'null';
}

/** Nothing in it needs an escape: so it is nearly always, and health checks come by the thousand. */
const plain = /^[ !#-[\]-~]*$/;

const quoted = (text: string): string =>
  plain.test(text)
    ? `"${text}"`
    : JSON.stringify(text).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
