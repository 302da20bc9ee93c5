import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findPassword } from '../src/codec/postgres/pgpass.ts';
import type { SqlTarget } from '../src/model/world.ts';
import { readTarget } from '../src/traffic/target.ts';

/** What a connection string means here, with libpq's variables and password file; what is wrong with it ends the process. */
export function targetsOf(text: string, applicationName = 'matriarch traffic'): readonly SqlTarget[] {
  const { PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE, PGAPPNAME = applicationName } = process.env;
  const given = Object.entries({ PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE, PGAPPNAME }).filter(
    ([, value]) => value !== undefined,
  );
  const read = readTarget(text, Object.fromEntries(given));
  if (read.kind === 'wrong') {
    process.stderr.write(`Error: ${read.why}\n`);
    process.exit(2);
  }
  const { targets } = read;
  if (targets.every(({ password }) => password !== null)) return targets;
  const passwords = readPassfile(read.passfile ?? process.env.PGPASSFILE ?? join(homedir(), '.pgpass'));
  return targets.map((target) => ({ ...target, password: target.password ?? findPassword(passwords, target) }));
}

/** Like libpq: a file that others can read is not used, and that is said. */
function readPassfile(path: string): string {
  try {
    if ((statSync(path).mode & 0o077) === 0) return readFileSync(path, 'utf8');
    process.stderr.write(`Warning: ${path} is not used, for others may read it: chmod 600 ${path}\n`);
  } catch {
    // there is none
  }
  return '';
}
