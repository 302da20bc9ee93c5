import { isTooDeep } from '../depth.ts';

/**
 * JSON as Patroni writes it into etcd: compact, non-ASCII escaped, integers of any size. WAL positions are integers in
 * bytes and may exceed 2^53: those are read as bigint, and bigint is written as a plain integer.
 */

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Undefined when the text is not JSON, or so deep that whatever walks it would break. Each look reads the same keys again, and
 * most of them say what they said: what was read lately is kept, and frozen, so that nobody can change another's.
 */
export function parseJson(text: string): unknown {
  if (lately.has(text)) return lately.get(text);
  const read = parseJsonOfAnyDepth(text);
  const value = isTooDeep(read) ? undefined : frozen(read);
  if (text.length <= keptLength) {
    keptTotal += text.length;
    if (keptTotal > keptMost) {
      lately.clear();
      keptTotal = text.length;
    }
    lately.set(text, value);
  }
  return value;
}

const lately = new Map<string, unknown>();
/** Characters: of one text, of all that are kept. */
const keptLength = 16_384;
const keptMost = 262_144;
let keptTotal = 0;

function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}

/** For whoever says himself what is wrong with a deep one. Undefined when the text is not JSON. */
export function parseJsonOfAnyDepth(text: string): unknown {
  try {
    // Long digits in quotes, such as a system identifier, are exact as they are.
    if (!/(?<!["\w.])\d{16}/.test(text)) return JSON.parse(text);
    const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
      /^-?\d{16,}$/.test(token) ? `"${mark}${token}"` : token,
    );
    return JSON.parse(marked, (_key, value: unknown) =>
      typeof value === 'string' && value.startsWith(mark) ? exact(value.slice(mark.length)) : value,
    );
  } catch {
    return undefined;
  }
}

/** From the private use area: no real string begins like this. */
const mark = '\ue000integer:';

function exact(digits: string): number | bigint {
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : BigInt(digits);
}

/** Fields that are undefined are left out; the order is the order given. */
export function compactJson(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(compactJson).join(',')}]`;
  if (isObject(value)) {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    return `{${fields.map(([name, field]) => `${quoted(name)}:${compactJson(field)}`).join(',')}}`;
  }
  if (typeof value === 'string') return quoted(value);
  return JSON.stringify(value) ?? 'null';
}

const quoted = (text: string): string =>
  JSON.stringify(text).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

export const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** A whole number that is not negative, also as decimal text. */
export function naturalOrNull(value: unknown): bigint | null {
  if (typeof value === 'bigint') return value >= 0n ? value : null;
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : null;
  return typeof value === 'string' && /^\d{1,20}$/.test(value) ? BigInt(value) : null;
}
