import type { Fact } from './decision.ts';

/** What would happen without some of the cluster: the rules' own answer to situations imagined from the last look. */
export interface Rehearsal {
  /** Members, and `etcd`, that are imagined to be gone. */
  readonly without: readonly string[];
  /** Who leads now; null: nobody, or etcd does not tell. */
  readonly leader: string | null;
  readonly outcome: Outcome;
  /** Every member that would be left, by name. */
  readonly members: readonly Standing[];
  /** In the order in which they pass, for a takeover; empty where nobody takes over. */
  readonly phases: readonly Phase[];
  readonly risk: Risk | null;
}

export type Outcome =
  /** Its leader is not among those that are gone. `next`: what would follow if it went as well. */
  | { readonly kind: 'leadsOn'; readonly leader: string; readonly next: Rehearsal | null }
  /** `equals`: who might as well; the first that etcd hears. */
  | { readonly kind: 'takesOver'; readonly winner: string; readonly equals: readonly string[] }
  | { readonly kind: 'nobody'; readonly why: string }
  /** etcd is gone: the leader stops taking writes by itself. */
  | { readonly kind: 'stops'; readonly leader: string; readonly why: string }
  /** etcd is gone, and the leader goes on all the same. */
  | { readonly kind: 'goesOn'; readonly leader: string; readonly why: string };

/** How a member that is left stands in the race. */
export interface Standing {
  readonly name: string;
  readonly verdict: 'takesOver' | 'couldTakeOver' | 'goesLater' | 'mayNot' | 'leads' | 'unknown';
  /** What the rules say, in their order, besides the one that takes the key. Empty: nothing speaks against it. */
  readonly objections: readonly Objection[];
  /** The rules of the race that have nothing against it. */
  readonly passed: readonly string[];
  /** How far its WAL reaches, as PostgreSQL writes it; null: it does not tell. */
  readonly position: string | null;
  readonly behindBytes: bigint | null;
}

export interface Objection {
  /** Null: no rule of the race came so far. */
  readonly rule: string | null;
  readonly reason: string;
  readonly because: readonly Fact[];
}

export interface Phase {
  readonly phase: 'lease' | 'race' | 'promotion' | 'routed' | 'stop';
  readonly about: string;
  /** Null: not known here. */
  readonly span: Span | null;
}

export interface Span {
  readonly leastMs: number;
  readonly typicalMs: number;
  readonly mostMs: number;
}

/** What the leader has, and who takes over had not at the last look. */
export interface Risk {
  readonly bytes: bigint;
  /** Both ends were seen in one look at the leader; otherwise each agent was asked for its own, one after the other. */
  readonly oneLook: boolean;
  /** How long ago who looks saw the leader write how far it is; null: it is the leader, or never did. */
  readonly statusAgeMs: number | null;
}

/** What hangs on a primary at this moment. */
export interface Load {
  /** Connected clients, without the agent itself. */
  readonly clients: number;
  readonly inTransaction: number;
  /** Transactions that wrote, those that were rolled back and savepoints among them, and the WAL of that time. */
  readonly sinceCheckpoint: { readonly transactions: number; readonly walBytes: number };
}

/** What this cluster's changes of leader took so far, as far as this agent has seen them. */
export interface Past {
  /** From the first write that failed to the leader key gone, as probes felt it. */
  readonly leasesMs: readonly number[];
  /** From the leader key gone to another's name in it. */
  readonly racesMs: readonly number[];
  /** From the key taken to writes accepted. */
  readonly promotionsMs: readonly number[];
  /** From then to the first write of a client that was answered, as probes felt it. */
  readonly routesMs: readonly number[];
}

export const noPast: Past = { leasesMs: [], racesMs: [], promotionsMs: [], routesMs: [] };

/** A question about somebody who is not there. */
export interface UnknownNames {
  readonly kind: 'unknownNames';
  readonly names: readonly string[];
  readonly members: readonly string[];
}
