import type { Keys } from '../../codec/dcs/keys.ts';
import type { HeldLease, LeaderKey } from '../../model/cluster.ts';
import type { DcsOutcome } from '../../model/outcome.ts';
import { type LeaseId, later } from '../../model/units.ts';
import type { Clock } from '../../model/world.ts';
import type { EtcdClient } from './client.ts';
import { writeGuarded } from './guarded.ts';
import { fenceDeadline } from './lease.ts';
import { moveKey } from './take.ts';
import type { Candidate } from './tries.ts';

export interface PredecessorParts {
  readonly client: EtcdClient;
  readonly clock: Clock;
  readonly keys: Keys;
  readonly name: string;
  readonly wantedS: () => number;
  readonly marginMs: (ttlMs: number) => number;
  revoke(lease: LeaseId): void;
  /** The move has no clear answer: a later read may show the key on that lease. */
  mayHaveMoved(target: Candidate & { readonly writesUntilMs: HeldLease['deadlineMs'] }): void;
}

/**
 * From a Patroni that ran here: the key bears my name, on its lease. It is moved to a lease of mine if it still is what
 * was seen; its create revision, the term, stays. The deadline counts from the grant, and is in force before the move.
 */
export async function fromPredecessor(
  parts: PredecessorParts,
  seen: LeaderKey,
  arm: (wanted: HeldLease) => Promise<string | null>,
  budgetMs: number,
): Promise<DcsOutcome<Candidate>> {
  const { client, clock, keys, name } = parts;
  const endMs = later(clock.now(), budgetMs);
  if (seen.name !== name || seen.lease === null) return refused('the leader key is not of a predecessor of mine');
  const wanted = parts.wantedS();
  const granted = await client.request('leaseGrant', { ttlS: wanted }, { budgetMs: Math.max(0, endMs - clock.now()) });
  if (granted.kind === 'refused') return refused(granted.why);
  if (granted.kind !== 'done') return { kind: 'unreachable', why: granted.why };
  const { lease, ttlS } = granted.answer;
  const { sentMs } = granted;
  const ttlMs = Math.min(ttlS, wanted) * 1_000;
  const deadlineMs = fenceDeadline(sentMs, ttlMs, parts.marginMs(ttlMs));
  const unarmed = await arm({ lease, term: seen.term, ttlMs, sentMs, deadlineMs, proven: false });
  if (unarmed !== null) {
    parts.revoke(lease);
    return refused(unarmed);
  }
  const move = moveKey(keys, name, { of: seen.term, from: seen.lease, to: lease });
  const moved = await writeGuarded(client, move, Math.max(0, endMs - clock.now()));
  if (moved.kind !== 'done') {
    parts.mayHaveMoved({ lease, ttlMs, sentMs, askedS: wanted, writesUntilMs: deadlineMs });
    return moved;
  }
  const value = { lease, ttlMs: ttlS * 1_000, sentMs, askedS: wanted };
  return { kind: 'done', value, revision: moved.revision, sentMs };
}

const refused = (why: string): DcsOutcome<never> => ({ kind: 'refused', why });
