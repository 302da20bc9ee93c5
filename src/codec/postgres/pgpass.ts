export interface PassEntry {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

const escaped = (text: string): string => text.replace(/[\\:]/g, '\\$&');

/** The whole file: one line for each server. A host that is a socket directory is `localhost` to libpq. */
export const writePgpass = (entries: readonly PassEntry[]): string =>
  entries
    .map(
      ({ host, port, user, password }) =>
        `${escaped(host.startsWith('/') ? 'localhost' : host)}:${port}:*:${escaped(user)}:${escaped(password)}\n`,
    )
    .join('');

/** What a line of the file is about; `*` fits anything. */
export interface Wanted {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** The password of the first line that fits, as libpq looks it up; null: no line does. */
export function findPassword(text: string, { host, port, database, user }: Wanted): string | null {
  const wanted = [host.startsWith('/') ? 'localhost' : host, String(port), database, user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = [...line.matchAll(/((?:\\.|[^\\:])*)(?::|$)/g)].map(([, field = '']) => field);
    const [password] = fields.slice(4);
    const fits = wanted.every((value, i) => fields[i] === '*' || unescaped(fields[i] ?? '') === value);
    if (fits && password !== undefined) return unescaped(password);
  }
  return null;
}

const unescaped = (text: string): string => text.replace(/\\(.)/g, '$1');
