/** libpq's keyword=value text. */
export type Conninfo = Readonly<Record<string, string>>;

const plain = /^[^\s'\\]+$/;

export const writeConninfo = (entries: readonly (readonly [name: string, value: string])[]): string =>
  entries
    .map(([name, value]) => `${name}=${plain.test(value) ? value : `'${value.replace(/[\\']/g, '\\$&')}'`}`)
    .join(' ');

/** Lenient: what cannot be read is left out. */
export function readConninfo(text: string): Conninfo {
  const read: Record<string, string> = {};
  for (const match of text.matchAll(/(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s\\]|\\.)*))/g)) {
    const [, name, quoted, bare] = match;
    if (name !== undefined) read[name] = (quoted ?? bare ?? '').replace(/\\(.)/g, '$1');
  }
  return read;
}
