import type { HeldLease } from '../../model/cluster.ts';
import { type InstantMs, type LeaseId, later } from '../../model/units.ts';
import type { Clock } from '../../model/world.ts';

/** A lease of mine that the leader key may sit on, or come to sit on: the answer is not there yet, or was lost. */
export type Candidate = Pick<HeldLease, 'lease' | 'ttlMs' | 'sentMs'> & { readonly askedS: number };

/** Over a PostgreSQL that may accept writes until then. */
type Try = Candidate & { readonly writesUntilMs: InstantMs };

/**
 * Tries to get the leader key without a clear answer. Their leases are not revoked, since the end of a lease tells the
 * others that the reign is over: they end by themselves, and until then a read may show the key on one of them.
 */
export function makeTries(clock: Pick<Clock, 'now'>) {
  let tries: readonly Try[] = [];
  return {
    add(one: Try): void {
      tries = [...tries.filter(({ sentMs, ttlMs }) => later(sentMs, ttlMs) > clock.now()), one];
    },
    of: (lease: LeaseId | null): Try | null => tries.find((one) => one.lease === lease) ?? null,
    leases: (): readonly LeaseId[] => tries.map(({ lease }) => lease),
    clear(): void {
      tries = [];
    },
  };
}
