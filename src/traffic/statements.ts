import type { SqlResult, SqlSession, Statement } from '../model/world.ts';

/** No unique constraint on (key, value): a doubled append must be able to show. */
const createTable: Statement = {
  name: 'traffic.create',
  text: `CREATE TABLE IF NOT EXISTS public.matriarch_traffic (
    id bigserial PRIMARY KEY, key text NOT NULL, value bigint NOT NULL, host text NOT NULL,
    server_time timestamptz NOT NULL DEFAULT clock_timestamp())`,
};

export const here = "coalesce(host(inet_server_addr()) || ':' || inet_server_port(), 'socket')";

/** Quiet on a standby, where a refused INSERT would fill the server's log. */
export const askRole: Statement = {
  name: 'traffic.role',
  text: "SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END AS role",
};

export const askIdentity: Statement = {
  name: 'traffic.identity',
  text: `SELECT ${here} AS host, (SELECT system_identifier::text FROM pg_control_system()) AS system_id`,
};

/** The clock is read inside the statement, before its commit: the node was still accepting writes then. */
export const append = (key: string, value: number, node: string | null): Statement => ({
  name: 'traffic.append',
  text: `INSERT INTO public.matriarch_traffic (key, value, host) VALUES ($1, $2, coalesce($3, ${here}))
    RETURNING host, (extract(epoch FROM clock_timestamp()) * 1000)::text AS server_ms,
      left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) AS timeline_hex`,
  values: [key, value, node],
});

/** The newest value of a key, or of all. */
export const newest = (key: string | null): Statement => ({
  name: key === null ? 'traffic.newestOfAll' : 'traffic.newest',
  text: `SELECT ${here} AS host, CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END AS role,
    (SELECT value::text FROM public.matriarch_traffic ${key === null ? '' : 'WHERE key = $1'} ORDER BY id DESC LIMIT 1) AS value`,
  ...(key === null ? {} : { values: [key] }),
});

export const allHeld: Statement = {
  name: 'traffic.held',
  text: `SELECT ${here} AS host, key, string_agg(value::text, ',' ORDER BY id) AS values FROM public.matriarch_traffic GROUP BY key`,
};

/** Whether anything was ever appended under this key. */
export const keyUsed = (key: string): Statement => ({
  name: 'traffic.keyUsed',
  text: 'SELECT 1::text AS used FROM public.matriarch_traffic WHERE key = $1 LIMIT 1',
  values: [key],
});

/** Two may create it at once, and then one of them is told of a duplicate: the table is there all the same. */
export async function createTrafficTable(session: SqlSession, limitMs: number): Promise<SqlResult> {
  const result = await session.query(createTable, limitMs);
  const raced = result.kind === 'error' && ['23505', '42P07'].includes(result.sqlState);
  return raced ? { kind: 'rows', rows: [] } : result;
}
