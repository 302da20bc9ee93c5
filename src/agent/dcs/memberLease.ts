import type { Keys } from '../../codec/dcs/keys.ts';
import { readMember, wantsMasterRole, writeMember } from '../../codec/dcs/members.ts';
import type { Member } from '../../model/cluster.ts';
import type { MemberRecord } from '../../model/decision.ts';
import type { DcsOutcome } from '../../model/outcome.ts';
import { type InstantMs, type LeaseId, later, type Revision } from '../../model/units.ts';
import type { EtcdOp } from '../../model/world.ts';
import type { DcsWorld, EtcdClient } from './client.ts';
import { noSuchLease } from './errors.ts';

/** The member key must never end before the leader key: Patroni's replicas drop their upstream otherwise. */
const longerS = 2;
/** A keep-alive younger than this is not repeated: bursts of publishing cost one. */
const freshMs = 500;

interface Lease {
  readonly id: LeaseId;
  readonly askedS: number;
  readonly ttlMs: number;
  readonly sentMs: InstantMs;
}

/** My member key and the lease it hangs on. Nothing here is ever fatal. */
export function makeMemberLease(
  world: DcsWorld,
  client: EtcdClient,
  options: { readonly keys: Keys; readonly name: string; readonly ttlMs: () => number; revoke(lease: LeaseId): void },
) {
  const key = options.keys.member(options.name);
  let lease: Lease | null = null;
  let shown: { readonly text: string; readonly lease: LeaseId; readonly modRevision: Revision } | null = null;
  /** The lease that my key may still hang on, until it is proven to hang on the new one. */
  let previous: LeaseId | null = null;
  let masterRole = false;

  const wantedS = (): number => Math.ceil(options.ttlMs() / 1_000) + longerS;
  const leftMs = (budgetEndMs: InstantMs): number => Math.max(0, budgetEndMs - world.clock.now());

  async function grant(budgetMs: number): Promise<DcsOutcome<Lease>> {
    const askedS = wantedS();
    const asked = await client.request('leaseGrant', { ttlS: askedS }, { budgetMs });
    if (asked.kind !== 'done') return asked;
    const { answer, sentMs, header } = asked;
    const value = { id: answer.lease, askedS, ttlMs: answer.ttlS * 1_000, sentMs };
    return { kind: 'done', value, revision: header.revision, sentMs };
  }

  /** Keeps the lease alive. An answer that did not come is no reason to give it up. */
  async function keepAlive(budgetMs: number): Promise<void> {
    const mine = lease;
    if (mine === null || world.clock.now() - mine.sentMs < freshMs) return;
    const asked = await client.request('leaseKeepAlive', { lease: mine.id }, { budgetMs });
    if (lease !== mine) return;
    if (asked.kind === 'done' && asked.answer.ttlS > 0) {
      lease = { ...mine, ttlMs: asked.answer.ttlS * 1_000, sentMs: asked.sentMs };
    } else if (asked.kind === 'done') {
      lease = null;
    }
  }

  async function put(text: string, on: LeaseId, budgetMs: number) {
    const write: EtcdOp = { op: 'put', key, value: text, lease: on };
    return client.request('txn', { compare: [], success: [write], failure: [] }, { budgetMs });
  }

  async function publish(record: MemberRecord, budgetMs: number): Promise<DcsOutcome<null>> {
    const endMs = later(world.clock.now(), budgetMs);
    const text = writeMember(record, { masterRole });
    await keepAlive(leftMs(endMs) / 2);
    for (let tries = 0; tries < 2; tries++) {
      if (lease === null || lease.askedS !== wantedS()) {
        const granted = await grant(leftMs(endMs));
        if (granted.kind !== 'done') return granted;
        previous = lease?.id ?? previous;
        lease = granted.value;
      }
      const on = lease;
      if (shown !== null && shown.text === text && shown.lease === on.id)
        return { kind: 'done', value: null, revision: shown.modRevision, sentMs: on.sentMs };
      const asked = await put(text, on.id, leftMs(endMs));
      if (asked.kind === 'done') {
        shown = { text, lease: on.id, modRevision: asked.header.revision };
        if (previous !== null) options.revoke(previous);
        previous = null;
        return { kind: 'done', value: null, revision: asked.header.revision, sentMs: asked.sentMs };
      }
      shown = null;
      if (asked.kind !== 'refused') return asked;
      if (asked.code !== noSuchLease) return { kind: 'refused', why: asked.why };
      lease = null;
    }
    return { kind: 'refused', why: 'the lease of the member key ended twice while it was written' };
  }

  return {
    publish,
    keepAlive,
    /** What every read shows: my key as it really is, and whether an older Patroni shares the cluster. */
    seen(members: readonly Member[]): void {
      masterRole = wantsMasterRole(members.filter(({ name }) => name !== options.name));
      const mine = members.find(({ name }) => name === options.name);
      if (shown !== null && (mine === undefined || mine.lease !== shown.lease)) shown = null;
    },
    /** My key as last published; null when it must be published (again). */
    published(): Member | null {
      if (shown === null || lease === null || world.clock.now() >= lease.sentMs + lease.ttlMs) return null;
      const { member } = readMember(options.name, shown.text);
      return { ...member, modRevision: shown.modRevision, lease: shown.lease };
    },
    leaseId: (): LeaseId | null => lease?.id ?? null,
    async remove(budgetMs: number): Promise<DcsOutcome<null>> {
      const asked = await client.request(
        'txn',
        { compare: [], success: [{ op: 'delete', key }], failure: [] },
        { budgetMs },
      );
      if (lease !== null) options.revoke(lease.id);
      lease = null;
      shown = null;
      if (asked.kind !== 'done') return asked;
      return { kind: 'done', value: null, revision: asked.header.revision, sentMs: asked.sentMs };
    },
  };
}
