import type { AskAnswer } from './ask.ts';
import type { Cluster, ClusterStatus, HistoryLine, LeaderKey, Member } from './cluster.ts';
import type { FailsafeMap } from './failsafe.ts';
import type { Job } from './job.ts';
import type { Memory } from './observation.ts';
import type { InstantMs, Lsn, Revision, Term, Timeline } from './units.ts';

/** What to do, as data. An action carries its premise where acting on a changed world would be harmful. */
export type Action =
  /** `orAskPromises`: where etcd gives no answer, all members are asked at once to promise not to take this node's place. */
  | { readonly kind: 'renewLease'; readonly orAskPromises?: boolean }
  /** Create the leader key; the premise is that it was absent at `seenRevision`. Arms the guard before it answers. */
  | {
      readonly kind: 'acquireLeaderKey';
      readonly seenRevision: Revision;
      /** The timeline that the promotion will begin, told with the key. Absent: nobody is promoted over it. */
      readonly announce?: Timeline;
      /**
       * PostgreSQL accepts writes already, and a guard would let it until then: the new lease must not end before, nor be
       * revoked, since its end tells the others that the reign is over. Absent: it accepts none.
       */
      readonly writesUntilMs?: InstantMs;
    }
  /**
   * Moves a leader key that bears my name from a lease that is not mine, a Patroni's, to one of my own; the premise is that
   * it still is as seen. Arms the guard before it writes.
   */
  | { readonly kind: 'adoptLeaderKey'; readonly seen: LeaderKey }
  /** Compare value, lease and term, write the final status, delete the key: one transaction. `lsn` null: no final position. */
  | { readonly kind: 'releaseLeaderKey'; readonly lsn: Lsn | null }
  /** Forget a lease that is proven lost. */
  | { readonly kind: 'dropLease' }
  /** `paused`: over a running primary, at the operator's own risk. */
  | { readonly kind: 'disarmGuard'; readonly paused?: boolean }
  | { readonly kind: 'startJob'; readonly job: Job }
  | { readonly kind: 'cancelJob'; readonly why: string }
  /** PostgreSQL is ended beside a job that does not come to its end. */
  | { readonly kind: 'strike' }
  | { readonly kind: 'askPeers' }
  /** A primary without etcd: whether all members promise not to take its place for one ttl from now. Answered by a later look. */
  | { readonly kind: 'askPromises' }
  | { readonly kind: 'askLeaderLease' } // LeaseTimeToLive of the lease last seen on the leader key
  | { readonly kind: 'publishMember'; readonly member: MemberRecord }
  | { readonly kind: 'writeStatus'; readonly status: Omit<ClusterStatus, 'modRevision'>; readonly term: Term }
  | { readonly kind: 'writeHistory'; readonly lines: readonly HistoryLine[]; readonly term: Term }
  /** Null: no guard is disarmed over a primary. */
  | { readonly kind: 'writeUnfenced'; readonly name: string | null; readonly term: Term }
  /** Create `initialize` with "", or take over a claim (mine, or nobody's) that still is as it was seen. */
  | { readonly kind: 'claimInitialize'; readonly over: ClaimSeen | null }
  | { readonly kind: 'writeInitialize'; readonly systemId: string; readonly seenModRevision: Revision | null } // null: must be absent
  | { readonly kind: 'dropInitialize'; readonly seenModRevision: Revision }
  | { readonly kind: 'writeConfig'; readonly text: string; readonly seenModRevision: Revision | null }
  /** Over what cannot be read: what stood there before. `key`: whole. */
  | { readonly kind: 'restoreKey'; readonly key: string; readonly text: string; readonly seenModRevision: Revision }
  | { readonly kind: 'clearFailover'; readonly seenModRevision: Revision }
  /** `logical`: what it decodes, and how; absent: a physical one. */
  | { readonly kind: 'createSlot'; readonly name: string; readonly logical?: LogicalKind }
  /** `why`: told when it is done, for it is the end of what somebody may count on. */
  | { readonly kind: 'dropSlot'; readonly name: string; readonly why: string }
  /** `database`: of a logical slot; it takes its time, and nobody waits for it. */
  | { readonly kind: 'advanceSlot'; readonly name: string; readonly to: Lsn; readonly database?: string }
  /** For the journal alone. */
  | { readonly kind: 'tell'; readonly level: 'info' | 'warning' | 'error'; readonly text: string }
  | { readonly kind: 'resumeReplay' }
  /** Write the configuration files and reload, or mark pending restart. `synchronousNames` as they are in force now. */
  | { readonly kind: 'applyConfiguration'; readonly synchronousNames: string }
  /** Whom commits wait for from now on: written to the files, and reloaded. */
  | {
      readonly kind: 'setSynchronousNames';
      readonly names: string;
      /** The server is told also where nothing in the files changes. */
      readonly again?: boolean;
    }
  /** `/sync`, while this reign lasts and the key is as it was seen ('any': it holds what nobody can read). Null deletes. */
  | {
      readonly kind: 'writeSync';
      readonly sync: Omit<NonNullable<Cluster['sync']>, 'modRevision'> | null;
      readonly seenModRevision: Revision | null | 'any';
      readonly term: Term;
    }
  /** `/failsafe`, under the same conditions as `/sync`. */
  | {
      readonly kind: 'writeFailsafe';
      readonly members: FailsafeMap | null;
      readonly seenModRevision: Revision | null | 'any';
      readonly term: Term;
    }
  | { readonly kind: 'touchWal' }
  | { readonly kind: 'reloadFile' }
  | {
      readonly kind: 'runCallback';
      readonly event: 'on_start' | 'on_stop' | 'on_restart' | 'on_reload' | 'on_role_change';
      readonly role: string;
      /** The agent is about to end: the script goes on without it. */
      readonly outlives?: boolean;
    }
  /** Ends the agent: with PostgreSQL left as it is. */
  | { readonly kind: 'exit'; readonly code: number; readonly message: string };

export interface LogicalKind {
  readonly database: string;
  readonly plugin: string;
  /** PostgreSQL 17 and newer: standbys shall keep a copy of it by themselves. */
  readonly failover: boolean;
}

/** An empty `initialize` and the key that names its owner, as they were read. */
export interface ClaimSeen {
  readonly modRevision: Revision;
  /** Null: there was no such key. */
  readonly ownerModRevision: Revision | null;
}

/** What a member publishes: its key, less what etcd adds. */
export type MemberRecord = Omit<Member, 'modRevision' | 'lease' | 'host' | 'port'>;

export type Fact = readonly [name: string, value: string | number | boolean | null];

export interface Verdict {
  readonly actions: readonly Action[];
  readonly because: readonly Fact[];
  readonly answers?: readonly AskAnswer[];
  readonly memory?: Partial<Memory>;
  /** Look again after this long at the latest; `loop_wait` unless told. */
  readonly wakeInMs?: number;
  /** No upkeep this time. */
  readonly hold?: boolean;
}

export interface Decision {
  readonly rule: string;
  /** The sentence of the rule, for people. */
  readonly reason: string;
  readonly because: readonly Fact[];
  /** The lease layer's rule: renew, hold or stop; asked first, always. */
  readonly leaseRule: string;
  readonly passed: readonly string[];
  /** In order; the first refusal ends them. */
  readonly actions: readonly Action[];
  /** Each for itself: none of them can hold up another, or the next verdict. */
  readonly upkeep: readonly Action[];
  readonly answers: readonly AskAnswer[];
  readonly memory: Memory;
  readonly wakeInMs: number;
}

/** How an action went; a refusal ends the plan. */
export interface ActionResult {
  readonly action: Action['kind'];
  readonly outcome: 'done' | 'refused' | 'unreachable' | 'unknown' | 'failed' | 'skipped';
  readonly why: string | null;
  readonly tookMs: number;
}

/** One line of the journal. Log line, `why`, timeline and test assertions are readings of it. */
export type Entry =
  | {
      readonly kind: 'decided';
      readonly atMs: InstantMs;
      readonly wall: string; // ISO 8601
      readonly cycle: number;
      readonly wakes: readonly string[];
      readonly rule: string;
      readonly leaseRule: string;
      readonly reason: string;
      readonly because: readonly Fact[];
      readonly passed: readonly string[];
      readonly actions: readonly ActionResult[];
      readonly seen: SeenBrief;
    }
  | {
      readonly kind: 'changed';
      readonly atMs: InstantMs;
      readonly wall: string;
      readonly what: string;
      readonly from: string;
      readonly to: string;
      readonly because: readonly Fact[];
    }
  | {
      readonly kind: 'job';
      readonly atMs: InstantMs;
      readonly wall: string;
      readonly job: string;
      readonly step: string;
      readonly outcome: 'begun' | 'step' | 'done' | 'failed' | 'cancelled';
      readonly because: readonly Fact[];
    }
  | {
      readonly kind: 'guard';
      readonly atMs: InstantMs;
      readonly wall: string;
      readonly step: string;
      readonly because: readonly Fact[];
    }
  | {
      readonly kind: 'note';
      readonly atMs: InstantMs;
      readonly wall: string;
      readonly level: 'info' | 'warning' | 'error';
      readonly text: string;
      readonly because: readonly Fact[];
    };

/** The few facts of an observation that a reader of the journal wants beside a decision. */
export interface SeenBrief {
  readonly postgres: string; // running primary, stopped, …
  readonly timeline: number | null;
  readonly lsn: string | null;
  readonly dcs: 'reachable' | 'unreachable';
  readonly leader: string | null;
  /** Of the leader in synchronous mode: who else may be elected. */
  readonly synchronous?: string;
  readonly leaseLeftMs: number | null;
  readonly guard: string;
  readonly job: string | null;
  /** Of the server that runs: `good`, or what hinders it. */
  readonly health?: string;
}
