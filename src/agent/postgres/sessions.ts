import type { ControlOutcome } from '../../model/outcome.ts';
import type { Login, Settings } from '../../model/settings.ts';
import type { Sql, SqlResult, SqlSession, SqlTarget, Statement, World } from '../../model/world.ts';

const ownHosts = new Set(['*', 'localhost', '0.0.0.0', '127.0.0.1']);

/** How the agent reaches its own server. */
export function ownTarget(settings: Settings, applicationName: string): SqlTarget {
  const { postgres } = settings.local;
  const addresses = postgres.listenAddresses.split(',').map((one) => one.trim());
  const socket = (settings.postgres.parameters.unix_socket_directories ?? '')
    .split(',')
    .map((one) => one.trim())
    .find((one) => one.startsWith('/'));
  const host =
    settings.postgres.useUnixSocket && socket !== undefined
      ? socket
      : addresses.some((one) => ownHosts.has(one))
        ? '127.0.0.1'
        : (addresses[0] ?? '127.0.0.1');
  return {
    ...as(postgres.superuser),
    host,
    port: postgres.port,
    database: postgres.database,
    applicationName,
    options: '-c search_path=pg_catalog -c synchronous_commit=local',
  };
}

/** How the agent reaches another member's server. */
export const peerTarget = (
  settings: Settings,
  host: string,
  port: number,
  login: Login,
  replication: boolean,
): SqlTarget => ({
  ...as(login),
  host,
  port,
  database: settings.local.postgres.database,
  applicationName: settings.local.name,
  replication,
});

const as = (login: Login) => ({ user: login.username, password: login.password, ssl: login.ssl });

/** Connects, runs the statements one after another, closes. The first that does not give rows ends it. */
export async function runOnce(
  sql: Sql,
  target: SqlTarget,
  statements: readonly Statement[],
  limitMs: number,
): Promise<SqlResult> {
  const connected = await sql.connect(target, Math.min(limitMs, 3_000));
  if (connected.kind === 'rejected') return { kind: 'error', sqlState: connected.sqlState, message: connected.message };
  if (connected.kind === 'unreachable') return { kind: 'lost', why: connected.why };
  const { session } = connected;
  try {
    return await runAll(session, statements, limitMs);
  } finally {
    session.close();
  }
}

async function runAll(session: SqlSession, statements: readonly Statement[], limitMs: number): Promise<SqlResult> {
  let result: SqlResult = { kind: 'rows', rows: [] };
  for (const statement of statements) {
    result = await session.query(statement, limitMs);
    if (result.kind !== 'rows') return result;
  }
  return result;
}

/** A timer may be so much early. */
const earlyMs = 50;

/**
 * A statement by which the server may end: a connection that breaks under it before the limit is as good as an answer. Whether the
 * server is up the next look tells.
 */
export async function runLast(
  { sql, clock }: Pick<World, 'sql' | 'clock'>,
  target: SqlTarget,
  statement: Statement,
  limitMs: number,
): Promise<ControlOutcome> {
  const connected = await sql.connect(target, limitMs);
  if (connected.kind === 'rejected') return { kind: 'failed', why: connected.message };
  if (connected.kind === 'unreachable') return { kind: 'failed', why: connected.why };
  const { session } = connected;
  const sentMs = clock.now();
  const result = await session.query(statement, limitMs);
  session.close();
  if (result.kind === 'rows') return { kind: 'done' };
  const broke = result.kind === 'lost' && clock.now() - sentMs < limitMs - earlyMs;
  return broke ? { kind: 'done' } : { kind: 'failed', why: whyNot(result) };
}

export const whyNot = (result: Exclude<SqlResult, { kind: 'rows' }>): string =>
  result.kind === 'error' ? `${result.message} (SQLSTATE ${result.sqlState})` : result.why;
