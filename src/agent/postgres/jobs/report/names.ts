import type { RowCounts } from '../../../../codec/postgres/walRecords.ts';
import type { Upstream } from '../../../../model/postgres.ts';
import type { TouchedTable } from '../../../../model/report.ts';
import type { SqlRow, Statement } from '../../../../model/world.ts';
import type { PostgresParts } from '../../parts.ts';
import { peerTarget, runOnce, whyNot } from '../../sessions.ts';
import { databaseNames, relationNames } from '../../statements.ts';

const limitMs = 2_000;
const databasesMax = 8;
const tablesMax = 200;

export interface Named {
  readonly tables: readonly TouchedTable[];
  readonly leftOut: number;
  readonly why: string | null;
}

interface File extends RowCounts {
  readonly file: string;
  readonly space: string;
  readonly database: string;
  readonly node: string;
}

const rowsIn = ({ inserted, updated, deleted }: RowCounts): number => inserted + updated + deleted;

/** Files of the catalogs that initdb makes: they come last. */
const isCatalog = ({ node }: File): boolean => Number(node) < 16_384;

/**
 * The tables by their names, as the leader knows them: its files bear the same numbers as ours, but for those that were
 * made after the fork. Our own server is down.
 */
export async function nameTables(
  parts: PostgresParts,
  leader: Upstream,
  touched: ReadonlyMap<string, RowCounts>,
): Promise<Named> {
  const all = [...touched]
    .map(([file, counts]): File => {
      const [space = '', database = '', node = ''] = file.split('/');
      return { file, space, database, node, ...counts };
    })
    .toSorted((a, b) => Number(isCatalog(a)) - Number(isCatalog(b)) || rowsIn(b) - rowsIn(a));
  const shown = all.slice(0, tablesMax);
  const known = await askNames(parts, leader, shown);
  const tables = shown.map(({ file, database, inserted, updated, deleted }) => ({
    file,
    name: known.names.get(file) ?? null,
    database: known.databases.get(database) ?? null,
    inserted,
    updated,
    deleted,
  }));
  return { tables, leftOut: all.length - shown.length, why: whyUnknown(known.why, tables, leader) };
}

function whyUnknown(why: string | null, tables: readonly TouchedTable[], { member }: Upstream): string | null {
  if (tables.every(({ name }) => name !== null)) return null;
  return why ?? `${member} knows no such file: the table was made, or written anew, beyond the fork`;
}

interface Known {
  readonly names: ReadonlyMap<string, string>;
  readonly databases: ReadonlyMap<string, string>;
  readonly why: string | null;
}

async function askNames(
  parts: PostgresParts,
  { member, host, port }: Upstream,
  files: readonly File[],
): Promise<Known> {
  const names = new Map<string, string>();
  const databases = new Map<string, string>();
  if (files.length === 0) return { names, databases, why: null };
  const settings = parts.settings();
  const { superuser, rewind } = settings.local.postgres;
  const target = peerTarget(settings, host, port, rewind ?? superuser, false);
  const ask = async (database: string | null, statement: Statement): Promise<readonly SqlRow[] | string> => {
    const asked = await runOnce(
      parts.world.sql,
      database === null ? target : { ...target, database },
      [statement],
      limitMs,
    );
    return asked.kind === 'rows' ? asked.rows : `${member} did not tell them: ${whyNot(asked)}`;
  };
  const told = await ask(null, databaseNames);
  if (typeof told === 'string') return { names, databases, why: told };
  for (const { oid, name } of told) if (oid != null && name != null) databases.set(oid, name);
  const oids = [...new Set(files.map(({ database }) => database))];
  let why = oids.length > databasesMax ? `they are of more than ${databasesMax} databases` : null;
  for (const oid of oids.slice(0, databasesMax)) {
    const name = databases.get(oid) ?? null;
    // 0: shared by all databases.
    if (name === null && oid !== '0') continue;
    const rows = await ask(name, relationNames(files.filter(({ database }) => database === oid)));
    if (typeof rows === 'string') why = rows;
    else for (const { file, relation } of rows) if (file != null && relation != null) names.set(file, relation);
  }
  return { names, databases, why };
}
