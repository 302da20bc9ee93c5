import type { Keys } from '../../codec/dcs/keys.ts';
import type { Cluster, LeaderKey, LeaderLease, Vacancy } from '../../model/cluster.ts';
import { type InstantMs, type Revision, revision, term } from '../../model/units.ts';
import type { EtcdEvent } from '../../model/world.ts';
import type { EtcdClient } from './client.ts';

interface Look {
  readonly vacancy: Vacancy | null;
  readonly blindBeforeMs: InstantMs | null;
}

/** Remembers the last leader key seen, and what became of it. */
export function makeVacancies(client: EtcdClient, keys: Keys) {
  let last: LeaderKey | null = null;
  let since: { readonly sinceMs: InstantMs; released: boolean | null } | null = null;
  /** The newest deletion of the leader key that the watch has shown. */
  let deletion: Revision | null = null;
  /** The newest put of the leader key that the watch has shown; the event does not name its lease. */
  let created: Revision | null = null;
  /** Up to here it is known who led last. */
  let examined: Revision = revision(0n);
  /** Since when it is not known who led last: no answer, or etcd has forgotten. What was seen before counts for nothing then. */
  let unsureSinceMs: InstantMs | null = null;
  let lease: LeaderLease = { kind: 'unknown' };

  function met(leader: LeaderKey): void {
    if (last === null || last.lease !== leader.lease || last.term !== leader.term) lease = { kind: 'unknown' };
    last = leader;
    since = null;
    unsureSinceMs = null;
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

  /** Who led in that revision, in etcd's own past. False: that could not be learned (no answer, or compacted). */
  async function meetAt(at: Revision, budgetMs: number): Promise<boolean> {
    const asked = await client.request('range', { key: keys.leader, revision: at }, { budgetMs });
    if (asked.kind !== 'done') return false;
    const [kv] = asked.answer.kvs;
    if (kv !== undefined && (last === null || kv.modRevision > last.modRevision))
      met({ name: kv.value, term: term(kv.createRevision), lease: kv.lease, modRevision: kv.modRevision });
    return true;
  }

  /**
   * A leader that came and went while this agent did not look (it had not begun, or had no etcd, or was between two reads): it
   * is the last one, and its lease the one to wait for. The watch shows it, later; what it wrote as leader lies there still.
   * False: somebody may have led since the last leader that was met, and who that was is not known.
   */
  async function meetUnseen(cluster: Cluster, budgetMs: number): Promise<boolean> {
    const { status, announced } = cluster;
    const written = [created, status?.modRevision, announced?.modRevision].filter((at) => at != null);
    const unknown = written.filter((at) => at > examined && (last === null || at > last.modRevision));
    // A released key went in the revision of the final status: just before it, its holder still led.
    const asked = [...new Set(unknown.flatMap((at) => [at, revision(at - 1n)]))];
    const learned = await Promise.all(asked.map((at) => meetAt(at, budgetMs)));
    if (!learned.every(Boolean)) return false;
    for (const at of written) if (at > examined) examined = at;
    return true;
  }

  return {
    met,
    last: (): LeaderKey | null => last,
    /** What the watch says of the leader key. */
    event({ type, modRevision }: EtcdEvent): void {
      if (type === 'delete' && (deletion === null || modRevision > deletion)) deletion = modRevision;
      if (type === 'put' && (created === null || modRevision > created)) created = modRevision;
    },
    /**
     * What this read says about the leader's going: null while there is a leader, or it is not known who the last one was.
     * `blindBeforeMs`: somebody may have led until then, unseen.
     */
    async look(cluster: Cluster, readMs: InstantMs, budgetMs: number): Promise<Look> {
      if (cluster.leader !== null) {
        met(cluster.leader);
        examined = cluster.revision;
        return { vacancy: null, blindBeforeMs: null };
      }
      if (!(await meetUnseen(cluster, budgetMs))) {
        unsureSinceMs ??= readMs;
        return { vacancy: null, blindBeforeMs: unsureSinceMs };
      }
      unsureSinceMs = null;
      const leader = last;
      if (leader === null) return { vacancy: null, blindBeforeMs: null };
      since ??= { sinceMs: readMs, released: null };
      const gone = since;
      gone.released ??= await wasReleased(leader, cluster, budgetMs);
      // Another read, or an acquisition, has met a leader meanwhile: this one is old.
      if (last !== leader || since !== gone) return { vacancy: null, blindBeforeMs: readMs };
      const vacancy = { last: leader, sinceMs: gone.sinceMs, released: gone.released === true, lease };
      return { vacancy, blindBeforeMs: null };
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
