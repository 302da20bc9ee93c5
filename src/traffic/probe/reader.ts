import type { SqlTarget } from '../../model/world.ts';
import { type Client, type ClientOptions, makeClient, sortOutcome } from '../client.ts';
import type { Served } from '../meter.ts';
import type { Found, Outside } from '../seek.ts';
import { readAnything } from './statements.ts';

export interface ProbeReaderOptions extends ClientOptions {
  readonly served: (served: Served) => void;
}

/** Reads, from whoever answers. */
export function makeProbeReader(outside: Outside, targets: readonly SqlTarget[], options: ProbeReaderOptions): Client {
  const { clock } = outside;
  async function perform({ session }: Found, limitMs: number) {
    const sentMs = clock.now();
    const result = await session.query(readAnything, limitMs);
    const { outcome, error } = sortOutcome(result);
    const row = result.kind === 'rows' ? result.rows[0] : undefined;
    const role = row === undefined ? null : row.role === 'primary' ? ('primary' as const) : ('standby' as const);
    const served = { outcome, host: row?.host ?? null, role, value: null, error };
    options.served({ ...served, tookMs: clock.now() - sentMs });
    return served;
  }
  return makeClient(outside, targets, { kind: 'read', wanted: 'any', perform }, options);
}
