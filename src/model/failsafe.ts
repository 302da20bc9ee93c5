import type { InstantMs, LeaseId, Lsn, Term } from './units.ts';

/**
 * What this node said to a primary that has no etcd (POST /failsafe): that it will not take the leader key before `untilMs`.
 * On disk before it is said, so that the next agent of this node keeps it.
 */
export interface Promised {
  /** Null: nobody has asked this agent yet. */
  readonly to: string | null;
  /** The reign of whoever asked; null: it did not say (a Patroni). */
  readonly term: Term | null;
  readonly givenMs: InstantMs;
  readonly untilMs: InstantMs;
  /** What the agent before this one said is not known: until then it may have promised its place to anybody. Null: it is known. */
  readonly anybodyUntilMs: InstantMs | null;
  /** Where its server listens; null: it did not say. */
  readonly at: { readonly host: string; readonly port: number } | null;
  /** How far whoever asked had written then; null: it did not say. */
  readonly lsn: Lsn | null;
  /** Where its slots stood. */
  readonly slots: Readonly<Record<string, Lsn>>;
}

/** What a primary without etcd says of itself, and asks. */
export interface PromiseAsk {
  readonly name: string;
  readonly at: { readonly host: string; readonly port: number } | null;
  readonly slots: Readonly<Record<string, Lsn>>;
  readonly term: Term | null;
  readonly ttlMs: number | null;
  readonly lsn: Lsn | null;
  /** Who it means to ask, as an address may lead to another; null: it did not say. */
  readonly asks: string | null;
  /** Leases of its own on which the leader key may be by now: it asked etcd for that, and got no answer. */
  readonly tries: readonly LeaseId[];
}

export type PromiseAnswer =
  /** `lsn`: how far this node has received and replayed; null: its server does not say. */
  | { readonly kind: 'accepted'; readonly lsn: Lsn | null }
  | { readonly kind: 'refused'; readonly status: number; readonly why: string };

/** Member name to the address of its API. */
export type FailsafeMap = Readonly<Record<string, string>>;

/** One time that all were asked: it counts from before the first request was sent. */
export interface FailsafeRound {
  readonly sentMs: InstantMs;
  /** Who did not promise, and why; empty: all did. */
  readonly refusals: readonly { readonly member: string; readonly why: string }[];
}

/** Failsafe mode as the loop sees it. */
export interface FailsafeView {
  readonly promised: Promised | null;
  /** Whom a leader without etcd must ask: all that any map holds that may be in etcd now. Null: that is not known. */
  readonly map: FailsafeMap | null;
  /** A round is under way since then. */
  readonly askingSinceMs: InstantMs | null;
  readonly last: FailsafeRound | null;
}
