import type { Observed, Write } from '../model/history.ts';
import type { SqlRow, SqlTarget } from '../model/world.ts';
import { type Client, type ClientOptions, makeClient, sortOutcome } from './client.ts';
import { undefinedTable, type Wish, whyAndRemedy } from './hints.ts';
import type { Found, Outside } from './seek.ts';
import { append, createTrafficTable, keyUsed } from './statements.ts';

/** Where observed facts go. */
export interface HistorySink {
  record(seen: Observed): void;
}

export interface WriterOptions extends ClientOptions {
  /** Unique to this run of this writer: its values begin at 1. */
  readonly key: string;
  readonly history?: HistorySink;
  readonly client?: string;
  /** The node's name, where only one node can answer; otherwise the address that served tells. */
  readonly node?: string;
  /** Names of addresses (`10.0.0.1:5432`), so that all witnesses call a node the same: law 1 compares them. */
  readonly nodes?: Readonly<Record<string, string>>;
  /** False: no line for the attempt itself. A client that dies then leaves no trace of its last append. */
  readonly recordAttempts?: boolean;
  /** Called before the first append if the table has others under its key; nothing is written then, and the writer is to be stopped. */
  readonly keyInUse?: () => void;
}

/** Ordered appends of 1, 2, 3, … under one key, each once, whatever becomes of it. */
export function makeWriter(outside: Outside, targets: readonly SqlTarget[], options: WriterOptions): Client {
  const { clock } = outside;
  const limitTableMs = 5000;
  let value = 0;
  let tableKnown = false;
  let keyIsNew = options.keyInUse === undefined;
  const nameOf = (host: string): string => options.nodes?.[host] ?? host;

  function record(sentMs: number, outcome: Write['outcome'], rest: Partial<Write>): void {
    const ended = outcome === 'attempted' ? null : clock.wall();
    options.history?.record({
      kind: 'write',
      outcome,
      client: options.client ?? options.key,
      key: options.key,
      value,
      sentMs,
      endedMs: ended,
      node: null,
      serverMs: null,
      timeline: null,
      systemId: null,
      error: null,
      ...rest,
    });
  }
  async function perform({ session, target, role, systemId }: Found, limitMs: number) {
    const made = tableKnown ? null : await createTrafficTable(session, limitTableMs);
    tableKnown = true; // if it is not, the append says so, and it is tried again
    if (made?.kind === 'lost') return notSent(made.why);
    // Asked once, before anything of this run may be there. Whoever may not read the table may not append as we do, either.
    const used = keyIsNew ? null : await session.query(keyUsed(options.key), limitTableMs);
    if (used?.kind === 'lost') return notSent(used.why);
    if (used?.kind === 'rows' && used.rows.length > 0) {
      options.keyInUse?.();
      return { outcome: 'failed', host: null, role: null, value: null, error: 'key in use', why: null } as const;
    }
    keyIsNew = true;
    value += 1;
    const sentMs = clock.wall();
    if (options.recordAttempts !== false) record(sentMs, 'attempted', {});
    const result = await session.query(append(options.key, value, options.node ?? null), limitMs);
    const { outcome, error: own, why: ownWhy } = sortOutcome(result);
    if (own === undefinedTable) tableKnown = false;
    // Whoever may not make the table may append to it all the same. Only where it is missing does that tell why.
    const isMissing = own === undefinedTable && made?.kind === 'error';
    const error = isMissing ? made.sqlState : own;
    const wish: Wish = isMissing ? 'make' : 'append';
    const why = whyAndRemedy(wish, error, isMissing ? made.message : ownWhy, target.user);
    const where = result.kind === 'rows' ? servedBy(result.rows[0], nameOf) : null;
    record(sentMs, outcome, where === null ? { error } : { ...where, systemId });
    return { outcome, host: where?.node ?? null, role: where === null ? null : role, value, error, why };
  }
  /** The session was lost before the append could be sent: that it is not there is certain. */
  function notSent(why: string) {
    tableKnown = false;
    value += 1;
    record(clock.wall(), 'failed', { error: 'lost' });
    return { outcome: 'failed', host: null, role: null, value, error: 'lost', why } as const;
  }
  return makeClient(outside, targets, { kind: 'write', wanted: 'primary', perform }, options);
}

function servedBy(
  row: SqlRow | undefined,
  nameOf: (host: string) => string,
): { readonly node: string; readonly serverMs: number; readonly timeline: number } {
  return {
    node: nameOf(row?.host ?? 'unknown'),
    serverMs: Number(row?.server_ms),
    timeline: Number.parseInt(row?.timeline_hex ?? '0', 16),
  };
}
