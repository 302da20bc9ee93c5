import type { SqlResult, SqlTarget } from '../model/world.ts';
import { makeMeter, type Served, type TrafficStatus } from './meter.ts';
import { type Found, type Outside, type Role, seek, type Wanted } from './seek.ts';

export interface ClientOptions {
  readonly everyMs: number;
  /** After this long without an answer the outcome is unknown, and the client connects anew. */
  readonly limitMs?: number;
  readonly connectLimitMs?: number;
  readonly retryMs?: number;
  readonly askTimesMax?: number;
  /** A new connection for each statement: shows how a proxy deals them out. */
  readonly fresh?: boolean;
  /** Told of each statement; `gapMs` since the last acknowledged one. */
  readonly onServed?: (served: Served, gapMs: number | null, target: SqlTarget) => void;
  /** Told of each host that could not be used: SQLSTATE, `unreachable` or `lost`, and what was said of it. */
  readonly onFailed?: (error: string, target: SqlTarget, why: string) => void;
  /** What each look at a host shows while the wanted role is being sought. */
  readonly sawRole?: (role: Role | 'stopped', target: SqlTarget) => void;
}

export interface Client {
  status(): TrafficStatus;
  /** Whose answer to a statement is being waited for; null: none is. */
  underWay(): SqlTarget | null;
  /** Connects anew before the next statement. */
  reconnect(): void;
  /** Ends after the statement under way. */
  stop(): Promise<void>;
}

/** Sends statements one after another, at a steady pace, and connects anew at once when something breaks. */
export function makeClient(
  outside: Outside,
  targets: readonly SqlTarget[],
  {
    kind,
    wanted,
    perform,
  }: {
    readonly kind: TrafficStatus['kind'];
    readonly wanted: Wanted;
    readonly perform: (found: Found, limitMs: number) => Promise<Omit<Served, 'tookMs'>>;
  },
  options: ClientOptions,
): Client {
  const { clock } = outside;
  // Twice the pace is no gap yet.
  const meter = makeMeter(kind, 2 * options.everyMs + 100);
  const stopped = new AbortController();
  let found: Found | null = null;
  let renew = false;
  let asked: SqlTarget | null = null;

  async function run(): Promise<void> {
    let dueMs: number = clock.now();
    while (!stopped.signal.aborted) {
      found ??= await connect();
      if (found === null) break;
      const sentMs = clock.now();
      asked = found.target;
      const served = { ...(await perform(found, options.limitMs ?? 2000)), tookMs: clock.now() - sentMs };
      asked = null;
      const { gapMs } = meter.served(served, clock.now(), clock.wall());
      options.onServed?.(served, gapMs, found.target);
      if (renew || options.fresh === true || !staysUsable(served)) leave();
      dueMs = Math.max(dueMs + options.everyMs, clock.now());
      // An unbroken row of errors must not become a busy loop, whatever the pace.
      const pauseMs = served.outcome === 'acknowledged' ? 0 : (options.retryMs ?? 20);
      await clock.sleep(Math.max(dueMs - clock.now(), pauseMs), stopped.signal);
    }
    leave();
  }
  async function connect(): Promise<Found | null> {
    const seeking = {
      wanted,
      connectLimitMs: options.connectLimitMs ?? 1000,
      retryMs: options.retryMs ?? 20,
      askTimesMax: options.askTimesMax ?? 50,
      failed(error: string, target: SqlTarget, why: string) {
        meter.error(error);
        options.onFailed?.(error, target, why);
      },
      ...(options.sawRole === undefined ? {} : { sawRole: options.sawRole }),
    };
    const session = await seek(outside, targets, seeking, stopped.signal);
    if (session !== null) meter.connected();
    return session;
  }
  function leave(): void {
    found?.session.close();
    found = null;
    renew = false;
  }
  const done = run();
  return {
    status: () => meter.status(clock.now()),
    underWay: () => asked,
    reconnect() {
      renew = true;
    },
    stop() {
      stopped.abort();
      return done;
    },
  };
}

/** After an unknown outcome the session is of no use, or when it was lost; on a server that has become read-only nor is it. */
const staysUsable = ({ outcome, error }: Served): boolean =>
  outcome !== 'unknown' && error !== 'lost' && error !== readOnly;
const readOnly = '25006';

/** What the answer says of the statement. */
export function sortOutcome(result: SqlResult): {
  readonly outcome: Served['outcome'];
  readonly error: string | null;
  readonly why: string | null;
} {
  switch (result.kind) {
    case 'rows':
      return { outcome: 'acknowledged', error: null, why: null };
    case 'lost':
      return { outcome: 'unknown', error: 'lost', why: result.why };
    case 'error': {
      const outcome = mayHaveCommitted.test(result.sqlState) ? 'unknown' : 'failed';
      return { outcome, error: result.sqlState, why: result.message };
    }
    default:
      return result satisfies never;
  }
}

/**
 * A session that is being ended (57P01 and its like) may have committed locally while it waited for a synchronous standby;
 * 08 and 40003 say themselves that they do not know.
 */
const mayHaveCommitted = /^(57P0|08|40003)/;
