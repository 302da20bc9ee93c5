import type { FailsafeMap } from './failsafe.ts';
import type { InstantMs, LeaseId, Lsn, Revision, Term, Timeline, WallMs } from './units.ts';

/** A key of etcd as it was read. `text` is the raw value. */
export interface Versioned {
  readonly text: string;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  readonly lease: LeaseId | null;
}

export interface LeaderKey {
  readonly name: string;
  readonly term: Term; // create revision
  readonly lease: LeaseId | null;
  readonly modRevision: Revision;
}

/** /members/<name>. Unknown fields are kept in `other` and written back. */
export interface Member {
  readonly name: string;
  readonly connUrl: string | null;
  readonly apiUrl: string | null;
  readonly proxyUrl: string | null;
  readonly host: string | null; // from connUrl
  readonly port: number | null;
  /** Patroni's state text: running, starting, stopped, creating replica, … */
  readonly state: string;
  /** `master` reads as primary. */
  readonly role: 'primary' | 'standby_leader' | 'replica' | 'demoted' | 'promoted' | 'uninitialized' | 'unknown';
  readonly version: string | null;
  /** Only false is ever written; absent means done. */
  readonly checkpointAfterPromote: false | null;
  readonly tags: Readonly<Record<string, unknown>>;
  readonly pendingRestart: boolean;
  readonly pendingRestartReason: Readonly<
    Record<string, { readonly oldValue: string; readonly newValue: string }>
  > | null;
  readonly xlogLocation: Lsn | null;
  readonly replayLsn: Lsn | null;
  readonly receiveLsn: Lsn | null;
  readonly replicationState: string | null;
  readonly timeline: Timeline | null;
  readonly scheduledRestart: Readonly<Record<string, unknown>> | null;
  readonly pause: boolean;
  readonly other: Readonly<Record<string, unknown>>;
  readonly modRevision: Revision | null;
  readonly lease: LeaseId | null;
}

/** /status. */
export interface ClusterStatus {
  readonly optime: Lsn;
  readonly slots: Readonly<Record<string, Lsn>>;
  readonly retainSlots: readonly string[];
  readonly modRevision: Revision;
}

/** /failover, when somebody asks for something. `{}` and absence read as null. */
export interface FailoverRequest {
  /** Set: a switchover away from this member. Not set: a manual failover to `candidate`. */
  readonly leader: string | null;
  readonly candidate: string | null;
  readonly scheduledAt: WallMs | null;
  /** The schedule could not be read: such a request is cleared, never acted on. */
  readonly problem: string | null;
  readonly modRevision: Revision;
}

export interface HistoryLine {
  readonly timeline: Timeline;
  readonly end: Lsn;
  readonly reason: string;
  readonly at: string | null;
  readonly newLeader: string | null;
}

export type Initialize =
  | { readonly kind: 'absent' }
  /** "". `owner`: who says that the claim is his, while his lease lives; null: nobody, or a Patroni. */
  | {
      readonly kind: 'bootstrapping';
      readonly modRevision: Revision;
      readonly createRevision: Revision;
      readonly owner: { readonly name: string; readonly modRevision: Revision } | null;
    }
  | { readonly kind: 'done'; readonly systemId: string; readonly modRevision: Revision }
  | { readonly kind: 'invalid'; readonly text: string; readonly modRevision: Revision };

/** One linearizable read of the whole prefix. */
export interface Cluster {
  readonly revision: Revision;
  readonly initialize: Initialize;
  readonly leader: LeaderKey | null;
  readonly members: readonly Member[]; // by name
  readonly status: ClusterStatus | null;
  readonly failover: FailoverRequest | null;
  readonly history: { readonly lines: readonly HistoryLine[]; readonly modRevision: Revision } | null;
  /** The last line's timeline + 1; 1 for an empty history; null when absent or broken. */
  readonly clusterTimeline: Timeline | null;
  /** The highest timeline that a promotion was announced with, begun or not; null when none was. */
  readonly announced: { readonly timeline: Timeline; readonly modRevision: Revision } | null;
  /** The primary whose guard was disarmed in pause: the end of its lease proves nothing. */
  readonly unfenced: string | null;
  readonly config: Versioned | null;
  readonly sync: {
    readonly leader: string | null;
    readonly members: readonly string[];
    readonly quorum: number;
    readonly modRevision: Revision;
  } | null;
  /** Who may be asked by a primary without etcd, and so who may lead: name to API address. */
  readonly failsafe: { readonly members: FailsafeMap; readonly modRevision: Revision } | null;
  /** Keys whose content could not be read: named in the journal, never a reason to demote. */
  readonly garbage: readonly {
    readonly key: string;
    readonly why: string;
    /** What stood there before, and is gone by until it is put back; absent: that is not known. */
    readonly before?: { readonly text: string; readonly seenModRevision: Revision };
  }[];
}

/** What is known of the lease that the last leader key seen hung on. */
export type LeaderLease =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'alive'; readonly leftMs: number; readonly askedMs: InstantMs }
  | { readonly kind: 'ended' };

/** Unreachable etcd is a value: no rule can forget it. */
export type DcsView =
  | {
      readonly kind: 'reachable';
      /** Since when every read was answered, and told who led last: what came and went before that was not seen. */
      readonly sinceMs: InstantMs;
      readonly cluster: Cluster;
      /** Sent instant of the read: the view is at least this fresh. */
      readonly readMs: InstantMs;
      /** The leader key is gone: what is known of how it went. Null while a leader key exists or none was ever seen. */
      readonly vacancy: Vacancy | null;
      /** A write of mine to /sync may still arrive; an agent that just began knows nothing of the one before it. */
      readonly syncInDoubt?: boolean;
    }
  | {
      readonly kind: 'unreachable';
      readonly sinceMs: InstantMs;
      readonly why: string;
      readonly lastSeen: Cluster | null;
    };

/** How the last leader key seen by this agent came to be gone. */
export interface Vacancy {
  readonly last: LeaderKey;
  readonly sinceMs: InstantMs;
  /** Released: the final status was written in the revision that deleted the key. */
  readonly released: boolean;
  readonly lease: LeaderLease;
}

/** The lease I hold on the leader key, as proven by my own renewals. */
export interface HeldLease {
  readonly lease: LeaseId;
  readonly term: Term;
  readonly ttlMs: number; // as granted
  /** When the last proven renewal was sent. */
  readonly sentMs: InstantMs;
  /** The fence deadline: sentMs + ttlMs − margin. PostgreSQL accepts no writes after it. */
  readonly deadlineMs: InstantMs;
  /** The deadline rests on what the members promised, not on etcd. */
  readonly byMembers?: true;
  /** A release of the key was lost sight of, by this agent or the one before it: the key may go at any moment, whatever the lease says. */
  readonly releaseInDoubt?: true;
  /** Proven in this agent's life; otherwise taken over from the guardian or its file and not proven yet. */
  readonly proven: boolean;
}
