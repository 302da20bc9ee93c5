import { writeHba } from '../../codec/postgres/conf.ts';
import type { Settings } from '../../model/settings.ts';
import type { SqlRow } from '../../model/world.ts';
import type { PostgresParts } from './parts.ts';

/** What this agent knows of pg_hba.conf as it wrote it. */
export interface HbaState {
  /** What stood there before, until the server has taken what stands there now. Null: nothing is to be taken. */
  before: string | null;
  /** What the server did not take: not written again until somebody has changed it. */
  refused: string | null;
}

/** As the settings want it; null: the file is somebody else's. */
export const wantedHba = ({ postgres }: Settings): string | null =>
  postgres.pgHba !== null && postgres.pgHba.length > 0 && postgres.parameters.hba_file === undefined
    ? writeHba(postgres.pgHba)
    : null;

/** To be written now: it is not there, and the server has not refused it. Remembers what it takes the place of. */
export async function newHba(parts: PostgresParts): Promise<string | null> {
  const { hba } = parts;
  const text = wantedHba(parts.settings());
  if (text === null || text === hba.refused) return null;
  const there = await parts.world.files.read(parts.places().hba);
  if (there.kind === 'text' && there.text === text) return null;
  hba.before ??= there.kind === 'text' ? there.text : null;
  return text;
}

/** The server reads what stands there. */
export function hbaIsTaken({ hba }: PostgresParts): void {
  hba.before = null;
}

/**
 * With one wrong line the running server keeps the rules that it has, and says so in its own log only: the next start, of any node,
 * would be refused. So the rules that it took last are what stays on disk.
 */
export async function takeHbaBack(parts: PostgresParts, why: string): Promise<boolean> {
  const { hba, world } = parts;
  const path = parts.places().hba;
  const { before } = hba;
  if (before === null) return false;
  const written = await world.files.read(path);
  const back = await world.files.write(path, before, 0o600);
  if (back.kind === 'failed') return false;
  hba.refused = written.kind === 'text' ? written.text : null;
  hba.before = null;
  parts.note(
    'error',
    'postgresql.pg_hba is left out as a whole: PostgreSQL does not take it, and keeps the rules it had',
    [
      ['why', why],
      ['remedy', 'correct it with edit-config, or in the configuration file'],
    ],
  );
  return true;
}

/** The view's rows about lines that are wrong, in a sentence. */
export const hbaMistakes = (rows: readonly SqlRow[]): string =>
  rows.map(({ line, error }) => `line ${line}: ${error}`).join('; ');

/** Of a start that failed for it, from the server's log. Null: it did not. */
export function hbaFailure(log: string): string | null {
  if (!/FATAL: {2}could not load .*pg_hba\.conf/.test(log)) return null;
  const said = /LOG: {2}(?<why>.*)\n.*CONTEXT: {2}(?<line>line \d+) of configuration file/.exec(log)?.groups ?? {};
  return `${said.line ?? 'a line'}: ${said.why ?? 'it could not be loaded'}`;
}
