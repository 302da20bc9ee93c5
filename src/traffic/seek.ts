import type { Clock, Sql, SqlResult, SqlSession, SqlTarget } from '../model/world.ts';
import { askIdentity, askRole } from './statements.ts';

export type Wanted = 'primary' | 'standby' | 'any';
export type Role = 'primary' | 'standby';
export interface Outside {
  readonly sql: Sql;
  readonly clock: Pick<Clock, 'now' | 'wall' | 'sleep'>;
}

export interface Found {
  readonly session: SqlSession;
  /** By which of the targets. */
  readonly target: SqlTarget;
  readonly role: Role;
  readonly host: string;
  readonly systemId: string | null;
}

export interface SeekOptions {
  readonly wanted: Wanted;
  readonly connectLimitMs: number;
  /** Pause before a host is tried or asked again. */
  readonly retryMs: number;
  /** How often one session is asked for its role before it is given up: behind a proxy the next may lead elsewhere. */
  readonly askTimesMax: number;
  /** Each failure, as SQLSTATE or a word; whose it is, and what was said of it. */
  readonly failed: (error: string, target: SqlTarget, why: string) => void;
  /** What each look shows of the host, also when it is not what is wanted. */
  readonly sawRole?: (role: Role | 'stopped', target: SqlTarget) => void;
}

/**
 * A session with the first host that has the wanted role. All are tried at once, for as long as it takes, so that a dead
 * host costs nothing. A session with a standby is kept and asked again: it survives promotion. Null: aborted.
 */
export async function seek(
  outside: Outside,
  targets: readonly SqlTarget[],
  options: SeekOptions,
  signal: AbortSignal,
): Promise<Found | null> {
  const over = new AbortController();
  const stop = (): void => over.abort();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  let winner: Found | null = null;
  async function tryHost(target: SqlTarget): Promise<void> {
    while (!over.signal.aborted) {
      const found = await visit(outside, target, options, over.signal);
      if (found !== null && winner === null && !over.signal.aborted) {
        winner = found;
        return stop();
      }
      found?.session.close();
      await outside.clock.sleep(options.retryMs, over.signal);
    }
  }
  const tries = targets.map(tryHost);
  // The losers may still hang in a connect to a dead host: they close what they get, and nobody waits for them.
  await new Promise<void>((resolve) => {
    if (over.signal.aborted) resolve();
    else over.signal.addEventListener('abort', () => resolve());
    void Promise.allSettled(tries).then(() => resolve());
  });
  signal.removeEventListener('abort', stop);
  return winner;
}

async function visit(
  { sql, clock }: Outside,
  target: SqlTarget,
  options: SeekOptions,
  signal: AbortSignal,
): Promise<Found | null> {
  const connected = await sql.connect(target, options.connectLimitMs);
  if (connected.kind !== 'connected') {
    if (connected.kind === 'rejected') options.failed(connected.sqlState, target, connected.message);
    else options.failed('unreachable', target, connected.why);
    options.sawRole?.('stopped', target);
    return null;
  }
  const { session } = connected;
  /** Behind a pool a session may be had of which no server answers: who said nothing of that would seem to do nothing. */
  const refused = (answer: Exclude<SqlResult, { kind: 'rows' }>): void =>
    answer.kind === 'error'
      ? options.failed(answer.sqlState, target, answer.message)
      : options.failed('lost', target, answer.why);
  for (let asked = 0; asked < options.askTimesMax && !signal.aborted; asked++) {
    const role = await session.query(askRole, options.connectLimitMs);
    if (role.kind !== 'rows') {
      refused(role);
      break;
    }
    const is: Role = role.rows[0]?.role === 'primary' ? 'primary' : 'standby';
    options.sawRole?.(is, target);
    if (options.wanted === 'any' || options.wanted === is) {
      const identity = await session.query(askIdentity, options.connectLimitMs);
      if (identity.kind !== 'rows') {
        refused(identity);
        break;
      }
      const row = identity.rows[0];
      return { session, target, role: is, host: row?.host ?? 'unknown', systemId: row?.system_id ?? null };
    }
    await clock.sleep(options.retryMs, signal);
  }
  session.close();
  return null;
}
