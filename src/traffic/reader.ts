import type { SqlTarget } from '../model/world.ts';
import { type Client, type ClientOptions, makeClient, sortOutcome } from './client.ts';
import { whyAndRemedy } from './hints.ts';
import type { Found, Outside, Wanted } from './seek.ts';
import { newest } from './statements.ts';
import type { HistorySink } from './writer.ts';

export interface ReaderOptions extends ClientOptions {
  readonly wanted?: Wanted;
  /** Null: the newest value of all. */
  readonly key?: string | null;
  readonly history?: HistorySink;
  readonly client?: string;
  readonly nodes?: Readonly<Record<string, string>>;
}

/** Reads the newest value, from whoever answers. */
export function makeReader(outside: Outside, targets: readonly SqlTarget[], options: ReaderOptions): Client {
  const { clock } = outside;
  const key = options.key ?? null;

  async function perform({ session, target }: Found, limitMs: number) {
    const sentMs = clock.wall();
    const result = await session.query(newest(key), limitMs);
    const { outcome, error, why } = sortOutcome(result);
    const row = result.kind === 'rows' ? result.rows[0] : undefined;
    const host = row?.host ?? null;
    const node = host === null ? null : (options.nodes?.[host] ?? host);
    const role = row === undefined ? null : row.role === 'primary' ? ('primary' as const) : ('standby' as const);
    const value = row?.value === undefined || row.value === null ? null : Number(row.value);
    options.history?.record({
      kind: 'read',
      outcome: outcome === 'acknowledged' ? 'answered' : outcome,
      client: options.client ?? 'reader',
      key: key ?? '*',
      value,
      sentMs,
      endedMs: clock.wall(),
      node,
      role,
      error,
    });
    return { outcome, host: node, role, value, error, why: whyAndRemedy('read', error, why, target.user) };
  }
  return makeClient(outside, targets, { kind: 'read', wanted: options.wanted ?? 'any', perform }, options);
}
