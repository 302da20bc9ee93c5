import type { SqlResult, SqlSession, Statement } from '../../model/world.ts';
import { undefinedTable } from '../hints.ts';
import { here } from '../statements.ts';

/**
 * The probe's own table: `run` tells the runs of all probes apart. No unique constraint on (run, value): a doubled append
 * must be able to show.
 */
const createAll: readonly Statement[] = [
  { name: 'probe.schema', text: 'CREATE SCHEMA IF NOT EXISTS matriarch_probe' },
  {
    name: 'probe.table',
    text: `CREATE TABLE IF NOT EXISTS matriarch_probe.appends (
      id bigserial PRIMARY KEY, run text NOT NULL, value bigint NOT NULL, host text NOT NULL,
      server_time timestamptz NOT NULL DEFAULT clock_timestamp())`,
  },
  {
    name: 'probe.index',
    text: 'CREATE INDEX IF NOT EXISTS appends_run_value ON matriarch_probe.appends (run, value)',
  },
];

/** Two probes may create it at once, and then one of them is told of a duplicate: it is there all the same. */
const raced = ['23505', '42P06', '42P07'];

/** Only asked for when it is missing: a login that may write there needs no right to create anything. */
export async function createProbeTable(session: SqlSession, limitMs: number): Promise<SqlResult> {
  for (const statement of createAll) {
    const result = await session.query(statement, limitMs);
    if (result.kind === 'lost' || (result.kind === 'error' && !raced.includes(result.sqlState))) return result;
  }
  return { kind: 'rows', rows: [] };
}

/** No table, or no schema that it could be in. */
export const isMissing = (sqlState: string): boolean => sqlState === undefinedTable || sqlState === '3F000';

export const append = (run: string, value: number): Statement => ({
  name: 'probe.append',
  text: `INSERT INTO matriarch_probe.appends (run, value, host) VALUES ($1, $2, ${here})
    RETURNING host, left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) AS timeline_hex`,
  values: [run, value],
});

/** So many rows behind the newest, whoever wrote them: what probes left that are no more. Told by ids, never by clocks. */
const rowsMaxOfAll = 100_000;

/** The run's rows up to a value, and whatever is too many. */
export const prune = (run: string, upToValue: number): Statement => ({
  name: 'probe.prune',
  text: `DELETE FROM matriarch_probe.appends WHERE (run = $1 AND value <= $2)
    OR id <= (SELECT max(id) - ${rowsMaxOfAll} FROM matriarch_probe.appends)`,
  values: [run, upToValue],
});

/** What is there of a run, in the order of appending. */
export const held = (run: string): Statement => ({
  name: 'probe.held',
  text: 'SELECT value::text FROM matriarch_probe.appends WHERE run = $1 ORDER BY id',
  values: [run],
});

/** A read that needs no table, for it may be there before any writer was. */
export const readAnything: Statement = {
  name: 'probe.read',
  text: `SELECT ${here} AS host, CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END AS role`,
};
