import type { Upstream } from './postgres.ts';
import type { PermanentSlot } from './settings.ts';
import type { InstantMs, Lsn, Term, Timeline } from './units.ts';

/** What is checked again right before an irreversible step of a job. */
export interface Premise {
  /** The reign this was decided in: my own for promotion and start as primary, the leader's for rejoining. Null: none is needed. */
  readonly term: Term | null;
  readonly leader: string | null;
  readonly systemId: string | null;
}

/** When a stop escalates: each stage at its instant, so that the last comes before the fence deadline. */
export interface StopBudget {
  readonly immediateAtMs: InstantMs | null;
  readonly killAtMs: InstantMs | null;
}

/** How far a member has replayed, as it said itself. */
export interface Reached {
  readonly member: string;
  readonly lsn: Lsn;
}

export type LogicalSlot = Extract<PermanentSlot, { kind: 'logical' }>;

/** The text of `synchronous_standby_names` that the server begins with, in synchronous mode; absent: nobody is waited for. */
type SynchronousNames = string;

/** Work that touches the data directory or the server. At most one at a time, beside the loop. */
export type Job =
  | { readonly kind: 'bootstrap' }
  | {
      readonly kind: 'clone';
      /** Null: there is nobody to copy from; only methods that need no member. */
      readonly from: Upstream | null;
      readonly premise: Premise;
      /** From the member itself, whatever else is configured. */
      readonly onlyBasebackup?: true;
      /** What lies here is given up, and the copy goes over it: this leader must answer as a primary right before. Absent: nothing does. */
      readonly over?: Upstream;
    }
  | {
      readonly kind: 'startPrimary';
      readonly premise: Premise;
      readonly limitMs: number;
      readonly synchronousNames?: SynchronousNames;
      /** How far a standby had replayed this very timeline: what is here must reach as far, or the disk was rolled back. */
      readonly mustReach?: Reached;
    }
  | { readonly kind: 'startStandby'; readonly upstream: Upstream | null }
  /** `endReceiver`: of a server whose replay stands still, which does not end it itself; it gets no other one before replay is through. */
  | { readonly kind: 'follow'; readonly upstream: Upstream | null; readonly endReceiver?: boolean }
  | {
      readonly kind: 'stop';
      readonly mode: 'fast' | 'immediate';
      readonly budget: StopBudget;
      readonly checkpointFirst: boolean;
      readonly why: string;
      /**
       * Standbys of which one is to take over: the shutdown checkpoint is waited for on their account, and no walsender of
       * another holds the stop up for long. Absent: PostgreSQL waits for all of them, as it does by itself.
       */
      readonly successors?: readonly string[];
      /** A frozen server is let go on to hear of its stop, but not from then on: what it does must be under the lease. */
      readonly thawBeforeMs?: InstantMs;
      /** Timelines for which the server waits in vain: what tells of them goes once it is down. */
      readonly forgets?: readonly Timeline[];
    }
  | {
      readonly kind: 'restart';
      readonly as: 'primary' | 'standby';
      readonly upstream: Upstream | null;
      readonly premise: Premise;
      readonly limitMs: number;
      readonly synchronousNames?: SynchronousNames;
    }
  | {
      readonly kind: 'promote';
      readonly premise: Premise;
      readonly mine: Timeline;
      /** The highest timeline that is known to be begun by anybody; at least my own. The promotion begins a higher one. */
      readonly taken: Timeline;
      /** In force before the promotion is signalled: the first commit waits for them already. */
      readonly synchronousNames?: SynchronousNames;
      /** Where the standby streams from now: its files are written anew, and nothing else in them changes. */
      readonly upstream?: Upstream | null;
    }
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'rewind'; readonly from: Upstream; readonly premise: Premise }
  /** Compares my history with the leader's; the verdict is in the finished job's `divergence`. */
  | { readonly kind: 'checkDivergence'; readonly from: Upstream; readonly leaderTimeline: Timeline | null }
  | { readonly kind: 'crashRecovery' }
  /**
   * Takes logical slots over from the primary: their files are read through SQL and laid down while this standby is down for a
   * moment, since PostgreSQL has no other way before 17.
   */
  | {
      readonly kind: 'copySlots';
      readonly from: Upstream;
      readonly upstream: Upstream;
      readonly slots: readonly LogicalSlot[];
      readonly premise: Premise;
    }
  /** Kills what a dead postmaster left behind. */
  | { readonly kind: 'clearOrphans' }
  /** Moves a failed clone or an abandoned directory out of the way or empties it; never the only copy. */
  | {
      readonly kind: 'removeData';
      readonly why: string;
      readonly premise: Premise;
      readonly force: boolean;
      /** Must answer as a primary right before; null: what is removed is of no use to anybody. */
      readonly leader: Upstream | null;
      /** From whom the copy will come: not another cluster's server, which would leave nothing in place of what is removed. */
      readonly copyFrom?: Upstream | null;
    };

export type Divergence =
  /**
   * `walGone`: the segment that this standby needs next, and that the leader no longer has. `astray`: timelines that it was told of, on
   * which the leader never was, and of which nothing is here; at least one.
   */
  | {
      readonly kind: 'none';
      readonly walGone?: string;
      readonly hindrance?: Hindrance;
      readonly astray?: readonly Timeline[];
    }
  | {
      readonly kind: 'diverged';
      readonly forkTimeline: Timeline;
      readonly forkLsn: Lsn;
      readonly myLsn: Lsn;
      /** The leader never was on my timeline, or on another of that number: where the histories part is not known, and `forkLsn` is where I am. */
      readonly forkUnknown?: true;
      /** Committed here beyond the fork, and soon gone; absent: not counted. */
      readonly commits?: number;
    }
  /** On the leader's timeline, and further than the leader: that one's disk was rolled back. What it writes there is another history. */
  | { readonly kind: 'ahead'; readonly myLsn: Lsn; readonly leaderLsn: Lsn }
  /** Missing information never counts as diverged. */
  /** `refused`: the leader's server answers, and does not let this node's replication login in. */
  | { readonly kind: 'unknown'; readonly why: string; readonly refused?: true };

/** What keeps a standby from streaming whose history is the leader's. */
export type Hindrance =
  /** Where its own WAL is written. */
  | { readonly kind: 'diskFull'; readonly freeBytes: number }
  /** The leader has given up the slot that it streams by, or never made it. */
  | { readonly kind: 'slotLost'; readonly slot: string; readonly status: 'lost' | 'absent' };

/** Why nothing may be removed yet: passes by itself, or a rule ends what runs. */
export const stillRuns = 'PostgreSQL still runs on it';

export interface FinishedJob {
  readonly job: Job;
  readonly ended: 'done' | 'failed' | 'cancelled';
  readonly error: string | null;
  readonly startedMs: InstantMs;
  readonly endedMs: InstantMs;
  readonly divergence: Divergence | null;
  /** The furthest stage a stop needed: fast, immediate, kill. */
  readonly stage: 'fast' | 'immediate' | 'kill' | null;
  /** Of a copy that was made otherwise than by pg_basebackup: by which method. Of whose history it is nobody can tell yet. */
  readonly method?: string;
  /** A promotion that failed before the server was told of it. */
  readonly untold?: true;
  /** A start as the primary that was left: what is here does not reach as far as this member, so that the disk was rolled back. */
  readonly behind?: Reached;
}

export type JobBoard =
  | { readonly kind: 'idle'; readonly last: FinishedJob | null }
  | {
      readonly kind: 'busy';
      readonly job: Job;
      readonly sinceMs: InstantMs;
      readonly progress: string | null;
      /** When it last told some; absent: it did not. */
      readonly progressMs?: InstantMs;
      readonly cancelling: boolean;
      /** Since when: one that waits for a disk that hangs does not come to its end. */
      readonly cancelledMs?: InstantMs;
      readonly last: FinishedJob | null;
    };
