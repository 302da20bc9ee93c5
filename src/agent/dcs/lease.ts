import type { Keys } from '../../codec/dcs/keys.ts';
import type { HeldLease } from '../../model/cluster.ts';
import type { InstantMs, LeaseId, Revision, Term } from '../../model/units.ts';
import { later, revision } from '../../model/units.ts';
import type { EtcdCompare, EtcdKeyValue } from '../../model/world.ts';
import type { DcsWorld, EtcdClient } from './client.ts';

/** Mod revisions in one read; zero where the key was absent. */
export interface ReadAt {
  readonly status: Revision;
  readonly timeline: Revision;
  readonly sync: Revision;
  readonly syncText: string | null;
  readonly failsafe: Revision;
  readonly config: Revision;
}

/** What guardian or file knows of a lease taken in an earlier life. */
export interface Adopted {
  readonly lease: LeaseId | null;
  readonly term: Term | null;
  readonly ttlMs: number | null;
  readonly sentMs: InstantMs | null;
  readonly deadlineMs: InstantMs | null;
}

/** The create revision of a key that is not there. */
export const absent = revision(0n);

/** The leader key is mine: my name, my lease, my reign. All three, since a peer's unconditional put changes only some. */
export const isMineStill = (keys: Keys, name: string, held: HeldLease): readonly EtcdCompare[] => [
  { target: 'value', key: keys.leader, equals: name },
  { target: 'lease', key: keys.leader, equals: held.lease },
  { target: 'create', key: keys.leader, equals: revision(held.term) },
];

/** Counted from sending: etcd counts from its receipt, which is never earlier. */
export const fenceDeadline = (sentMs: InstantMs, ttlMs: number, marginMs: number): InstantMs =>
  later(sentMs, ttlMs - marginMs);

export const describeLeader = (kv: EtcdKeyValue | undefined): string =>
  kv === undefined
    ? 'there is no leader key'
    : `the leader key says ${kv.value}, lease ${kv.lease?.toString(16) ?? 'none'}, term ${kv.createRevision}`;

const revokeForMs = 10_000;
const revokeTryMs = 2_000;

/**
 * Revokes in the background, insistently: a write that is still on its way to a frozen member then fails when it
 * arrives. What could not be revoked in time ends by itself.
 */
export function makeRevoker(world: DcsWorld, client: EtcdClient) {
  return (lease: LeaseId): void => void insist(lease);

  async function insist(lease: LeaseId): Promise<void> {
    const untilMs = later(world.clock.now(), revokeForMs);
    while (world.clock.now() < untilMs) {
      const asked = await client.request('leaseRevoke', { lease }, { budgetMs: revokeTryMs });
      if (asked.kind === 'done' || asked.kind === 'refused') return; // refused: no such lease any more
      await world.clock.sleep(500);
    }
  }
}
