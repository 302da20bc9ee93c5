import type { Entry, Fact } from './decision.ts';

/** One document for each change of role that a node went through, or saw: made of its journal, kept on its disk. */
export interface Incident {
  readonly version: 1;
  /** When it began, as digits that sort: also the name of its file. */
  readonly id: string;
  readonly scope: string;
  readonly node: string;
  /**
   * promotion: this node became the primary. restart: its primary was down, and is one again, on the same
   * timeline and under the same key; of one that went down together with its agent only the time since the next agent began. demotion, fence: it is a primary
   * no more, by an orderly stop or because its right to write was ending. calledOff: it was to step down, and leads on.
   * failover: the lead changed elsewhere. repair: its data was made to follow again.
   */
  readonly kind: 'promotion' | 'restart' | 'demotion' | 'fence' | 'calledOff' | 'failover' | 'repair';
  /** cutShort: the agent ended in the midst of it. */
  readonly state: 'open' | 'closed' | 'cutShort';
  readonly began: string; // ISO 8601
  readonly ended: string | null;
  readonly tookMs: number | null;
  /** What made it begin. */
  readonly trigger: string;
  /** The decision before it, and those that were made in it, without repetitions. */
  readonly before: Reasoned | null;
  readonly decisions: readonly Reasoned[];
  readonly leader: { readonly before: string | null; readonly after: string | null };
  readonly timeline: { readonly before: number | null; readonly after: number | null };
  /** Milestones, in their order; ms since it began. */
  readonly phases: readonly { readonly phase: Milestone; readonly afterMs: number }[];
  /**
   * WAL that was, or may be, lost with the old leader; null: nothing here tells. `atMost`: it is less where not all of it is
   * records, or not all of them a client's. `transactions`: commits in it; absent: not counted, since it is not here, or too much.
   */
  readonly atRisk: {
    readonly bytes: number;
    readonly atMost?: true;
    readonly transactions?: number;
    readonly how: string;
  } | null;
  /** What clients felt, a word of each probe that the configuration names; absent: none is named, or none was asked yet. */
  readonly clients?: readonly ProbeWord[];
  /** What repairs of it threw away: the ids of their reports; absent: there are none. */
  readonly reports?: readonly string[];
  /** What was done to the server and its data. */
  readonly jobs: readonly DoneJob[];
  /** The journal's entries, the first and the last of them if there are many. */
  readonly evidence: readonly Entry[];
}

export interface ProbeWord {
  /** Its address. */
  readonly probe: string;
  /** Why nothing is known of it; null: it was heard. */
  readonly unheard: string | null;
  readonly gaps: readonly FeltGap[];
}

/** A time without an answer that overlaps the incident. */
export interface FeltGap {
  readonly kind: 'write' | 'read';
  readonly target: string;
  readonly gapMs: number;
  /** Since the incident began; negative: clients felt it before this node knew. */
  readonly beganAfterMs: number;
  readonly ended: boolean;
  readonly hostBefore: string | null;
  readonly hostAfter: string | null;
}

export type Milestone =
  | 'leaderGone'
  | 'keyTaken'
  | 'keyMine'
  | 'stopped'
  | 'promotionSignalled'
  | 'writable'
  | 'follows'
  | 'agentEnded';

export interface Reasoned {
  readonly rule: string;
  readonly reason: string;
  readonly because: readonly Fact[];
}

export interface DoneJob {
  readonly job: string;
  readonly outcome: string;
  readonly tookMs: number | null;
  readonly error: string | null;
}
