import { type LeaseId, leaseId } from '../../model/units.ts';
import type { SeededChance } from '../chance.ts';
import type { Engine } from '../engine.ts';
import type { EtcdBugs } from './bugs.ts';
import type { Raft, RaftMember } from './raft.ts';
import type { Store } from './store.ts';

/**
 * Leases as etcd keeps them: the leader counts, and takes an expired one back through the log, so a key goes late and
 * never early. A new leader gives every lease its whole time again.
 */
export interface Leases {
  lives(lease: LeaseId): boolean;
  /** When its whole time was last given to it, and how much that is; null: no such lease. */
  given(lease: LeaseId): { readonly atMs: number; readonly ttlMs: number } | null;
  /** Called as an entry of the log. */
  grant(lease: LeaseId, ttlS: number): void;
  /** Called as an entry of the log. False: no such lease. */
  revoke(lease: LeaseId): boolean;
  newId(): LeaseId;
  /** On the leader. Granted seconds, or 0: no such lease (any more). */
  renew(lease: LeaseId): number;
  /** On the leader. −1: no such lease. */
  left(lease: LeaseId): { readonly leftS: number; readonly grantedS: number };
}

/** etcd's least ttl at an election timeout of 1 s. */
export const leastTtlS = 2;
const checkEveryMs = 500;

export function makeLeases(
  engine: Engine,
  chance: SeededChance,
  raft: Raft,
  store: Store,
  bugs: Pick<EtcdBugs, 'renewsRevokedMs'>,
): Leases {
  const leases = new Map<LeaseId, { readonly ttlS: number; expiresMs: number; revoking: boolean }>();
  const revoked = new Map<LeaseId, { readonly ttlS: number; readonly atMs: number }>();
  let checking = false;

  function revoke(lease: LeaseId): boolean {
    revoked.set(lease, { ttlS: leases.get(lease)?.ttlS ?? 0, atMs: engine.now() });
    if (!leases.delete(lease)) return false;
    store.deleteOfLease(lease);
    return true;
  }

  function keepChecking(): void {
    if (checking || leases.size === 0) return;
    checking = true;
    engine.after(checkEveryMs * chance.between(0.9, 1), () => {
      checking = false;
      const leader = raft.leader();
      leader?.process?.deliver(() => takeBackExpired(leader));
      keepChecking();
    });
  }

  function takeBackExpired(leader: RaftMember): void {
    if (raft.leader() !== leader || leader.follows !== leader) return;
    for (const [id, lease] of leases)
      if (lease.expiresMs <= engine.now() && !lease.revoking) {
        lease.revoking = true;
        raft.propose(
          leader,
          () => revoke(id),
          () => {},
        );
      }
  }

  raft.onElected(() => {
    for (const lease of leases.values()) {
      lease.expiresMs = engine.now() + lease.ttlS * 1000 + 1000;
      lease.revoking = false;
    }
  });

  return {
    lives: (lease) => leases.has(lease),
    given(lease) {
      const held = leases.get(lease);
      return held === undefined ? null : { atMs: held.expiresMs - held.ttlS * 1000, ttlMs: held.ttlS * 1000 };
    },
    grant(lease, ttlS) {
      leases.set(lease, { ttlS, expiresMs: engine.now() + ttlS * 1000, revoking: false });
      keepChecking();
    },
    revoke,
    newId: () => leaseId(BigInt(`0x${chance.hex(8)}`) >> 1n),
    renew(lease) {
      const held = leases.get(lease);
      const gone = revoked.get(lease);
      if (gone !== undefined && engine.now() - gone.atMs < bugs.renewsRevokedMs) return gone.ttlS;
      if (held === undefined || held.expiresMs <= engine.now()) return 0;
      held.expiresMs = engine.now() + held.ttlS * 1000;
      return held.ttlS;
    },
    left(lease) {
      const held = leases.get(lease);
      if (held === undefined) return { leftS: -1, grantedS: 0 };
      return { leftS: Math.trunc((held.expiresMs - engine.now()) / 1000), grantedS: held.ttlS };
    },
  };
}
