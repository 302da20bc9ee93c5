import type { Keys } from '../../codec/dcs/keys.ts';
import type { Cluster, LeaderKey, LeaderLease, Vacancy } from '../../model/cluster.ts';
import { type InstantMs, type Revision, revision, term } from '../../model/units.ts';
import type { EtcdEvent } from '../../model/world.ts';
import type { EtcdClient } from './client.ts';

/** Remembers the last leader key seen, and what became of it. */
export function makeVacancies(client: EtcdClient, keys: Keys) {
  let last: LeaderKey | null = null;
  let since: { readonly sinceMs: InstantMs; released: boolean | null } | null = null;
  /** The newest deletion of the leader key that the watch has shown. */
  let deletion: Revision | null = null;
  /** The newest put of the leader key that the watch has shown; the event does not name its lease. */
  let created: Revision | null = null;
  let lease: LeaderLease = { kind: 'unknown' };

  function met(leader: LeaderKey): void {
    if (last === null || last.lease !== leader.lease || last.term !== leader.term) lease = { kind: 'unknown' };
    last = leader;
    since = null;
  }

  /**
   * Released: the final status was written in the very revision that deleted the key. The watch tells that revision;
   * where it did not, the past does: the key was there just before the status was written, and gone with it.
   */
  async function wasReleased(leader: LeaderKey, cluster: Cluster, budgetMs: number): Promise<boolean | null> {
    const written = cluster.status?.modRevision ?? null;
    if (written === null || written <= leader.modRevision) return false;
    if (deletion !== null && deletion > leader.modRevision) return deletion === written;
    const [before, at] = await Promise.all([
      client.request('range', { key: keys.leader, revision: revision(written - 1n) }, { budgetMs }),
      client.request('range', { key: keys.leader, revision: written }, { budgetMs }),
    ]);
    if (before.kind !== 'done' || at.kind !== 'done') return null;
    const held = before.answer.kvs[0];
    return held?.createRevision === revision(leader.term) && held.value === leader.name && at.answer.kvs.length === 0;
  }

  /** A leader that came and went between two reads: it is the last one, and its lease the one to wait for. */
  async function meetUnseen(budgetMs: number): Promise<void> {
    if (created === null || (last !== null && created <= last.modRevision)) return;
    const asked = await client.request('range', { key: keys.leader, revision: created }, { budgetMs });
    const kv = asked.kind === 'done' ? asked.answer.kvs[0] : undefined;
    if (kv !== undefined)
      met({ name: kv.value, term: term(kv.createRevision), lease: kv.lease, modRevision: kv.modRevision });
  }

  return {
    met,
    last: (): LeaderKey | null => last,
    /** What the watch says of the leader key. */
    event({ type, modRevision }: EtcdEvent): void {
      if (type === 'delete' && (deletion === null || modRevision > deletion)) deletion = modRevision;
      if (type === 'put' && (created === null || modRevision > created)) created = modRevision;
    },
    /** What this read says about the leader's going. Null while there is a leader, or none was ever seen. */
    async look(cluster: Cluster, readMs: InstantMs, budgetMs: number): Promise<Vacancy | null> {
      if (cluster.leader !== null) {
        met(cluster.leader);
        return null;
      }
      await meetUnseen(budgetMs);
      if (last === null) return null;
      since ??= { sinceMs: readMs, released: null };
      since.released ??= await wasReleased(last, cluster, budgetMs);
      return { last, sinceMs: since.sinceMs, released: since.released === true, lease };
    },
    /** How long the lease of the last leader key can still live. Rounded up: it may be waited for. */
    async askLease(budgetMs: number): Promise<LeaderLease> {
      const asked = last;
      if (asked === null || asked.lease === null) return { kind: 'unknown' };
      const reply = await client.request('leaseTimeToLive', { lease: asked.lease }, { budgetMs });
      if (last !== asked || reply.kind !== 'done') return lease;
      const { leftS, grantedS } = reply.answer;
      if (leftS < 0) lease = { kind: 'ended' };
      else lease = { kind: 'alive', leftMs: Math.min(leftS + 1, Math.max(grantedS, 1)) * 1_000, askedMs: reply.sentMs };
      return lease;
    },
  };
}
