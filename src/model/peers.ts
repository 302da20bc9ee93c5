import type { InstantMs, Lsn, Timeline } from './units.ts';

/** What another agent last said of itself (GET /patroni), and when. */
export interface PeerReport {
  readonly name: string;
  readonly apiUrl: string;
  /** When the request that it answers was sent; null: it never answered. */
  readonly askedMs: InstantMs | null;
  /** Null: no answer yet, ever. */
  readonly said: {
    readonly state: string;
    readonly role: string;
    readonly runsAsPrimary: boolean;
    /** Proof that it accepts no writes, now or in a moment, without the leader key: what it says plainly, or a standby at work. */
    readonly noPrimary: boolean;
    /** max(received, replayed), or the primary's flush position; null: PostgreSQL gave none. */
    readonly position: Lsn | null;
    /** Of a standby: how far it has replayed, and so nothing but whole records; absent: it does not say. */
    readonly replayed?: Lsn;
    /** False: it is still replaying what it has itself, and may have more than it tells. Absent: it tells all. */
    readonly isSure?: boolean;
    /** How long before its answer it began to look at that; null: it does not say. A Patroni looks when it is asked. */
    readonly lookedAgoMs: number | null;
    /** It confirms nothing to whoever led; false: not yet; null: it does not say, as a Patroni, or cannot know that nobody leads. */
    readonly hasWithdrawn: boolean | null;
    readonly timeline: Timeline | null;
    readonly nofailover: boolean;
    readonly failoverPriority: number;
    readonly watchdogFailed: boolean;
    readonly systemId: string | null;
    /** Of a primary of ours: the oldest transaction whose catalog rows each slot holds. */
    readonly catalogXmins?: Readonly<Record<string, number>>;
    /** Since when that server runs, as it says it. */
    readonly startedText?: string;
    /** What keeps its server from its work, as it says itself; absent: nothing that it knows of. */
    readonly hindrance?: string;
    /** How far its upstream said to be on its timeline, where that is more than it has; absent: no more, or it does not say. */
    readonly upstreamEnd?: Lsn;
    /** How often, of late, its server went down while it led; absent: never, or it does not say. */
    readonly crashes?: number;
    /** For how long its etcd has not answered it; absent: it does, or it does not say. */
    readonly etcdAwayMs?: number;
  } | null;
  /** The last request: still waiting, answered, or silent (host dead, refused, too slow). */
  readonly last:
    | { readonly kind: 'waiting'; readonly sinceMs: InstantMs }
    | { readonly kind: 'answered'; readonly atMs: InstantMs }
    | { readonly kind: 'silent'; readonly atMs: InstantMs; readonly why: string };
}
