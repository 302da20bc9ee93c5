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
