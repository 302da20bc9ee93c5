/**
 * Milliseconds since 1970 on the one clock that all machines of a history share: the kernel's in the lab, true time in the
 * simulator. Only such a clock can order what different nodes did. May have a fraction.
 */
export type SharedMs = number;

/** What was seen from outside during a run, in the order of seeing. The laws are judged over it. */
export type History = readonly Observed[];

export type Observed = Write | Read | Holding | Role | Right | Promotion | Erasure | Lapse | Exposure | Confirmation;

/** No guard of a node was given the processor, while its PostgreSQL was there: agent, guardian and sentinel all stood still. */
export interface Lapse {
  readonly kind: 'lapse';
  readonly node: string;
  /** suspended: the whole machine stood still, PostgreSQL with it. */
  readonly how: 'frozen' | 'suspended';
  readonly fromMs: SharedMs;
  readonly untilMs: SharedMs;
}

/** In synchronous mode: a member that may be elected lacks what was acknowledged to a client. */
export interface Exposure {
  readonly kind: 'exposure';
  /** Who acknowledged it. */
  readonly node: string;
  readonly member: string;
  readonly atMs: SharedMs;
  readonly why: string;
}

/** A standby told a primary that it has its commits, after it had said that it had withdrawn. */
export interface Confirmation {
  readonly kind: 'confirmation';
  readonly node: string;
  readonly to: string;
  readonly saidMs: SharedMs;
  readonly atMs: SharedMs;
}

/** What a node had is given up: its data directory removed, or rewound to where another's history left it. */
export interface Erasure {
  readonly kind: 'erasure';
  readonly node: string;
  readonly how: 'removed' | 'rewound';
  readonly atMs: SharedMs;
  /** How long ago there was last a healthy leader of the same system identifier; null: never. */
  readonly leaderAgoMs: number | null;
}

/** One append. The values of a key rise by one and only one client writes it, one append at a time, none ever repeated. */
export interface Write {
  readonly kind: 'write';
  /**
   * attempted: sent (the outcome follows, unless the client died); failed: the server refused it, or it was never sent;
   * unknown: the connection broke, or the client gave up, before the answer: it may be there.
   */
  readonly outcome: 'attempted' | 'acknowledged' | 'failed' | 'unknown';
  readonly client: string;
  readonly key: string;
  readonly value: number;
  readonly sentMs: SharedMs;
  /** Null: only attempted. */
  readonly endedMs: SharedMs | null;
  /** Which node served it, and its clock inside the statement; null unless acknowledged. */
  readonly node: string | null;
  readonly serverMs: SharedMs | null;
  readonly timeline: number | null;
  readonly systemId: string | null;
  /** Of failed and unknown: SQLSTATE, or a word such as `unreachable`. */
  readonly error: string | null;
}

export interface Read {
  readonly kind: 'read';
  readonly outcome: 'answered' | 'failed' | 'unknown';
  readonly client: string;
  readonly key: string;
  /** The newest value of the key; null: none. */
  readonly value: number | null;
  readonly sentMs: SharedMs;
  readonly endedMs: SharedMs;
  readonly node: string | null;
  readonly role: 'primary' | 'standby' | null;
  readonly error: string | null;
}

/** What the surviving primary holds of one key after everything healed, in the order of appending. */
export interface Holding {
  readonly kind: 'holding';
  readonly node: string;
  readonly key: string;
  readonly values: readonly number[];
}

/** How long a node was seen in a role. For pictures; no law is judged by it. */
export interface Role {
  readonly kind: 'role';
  readonly node: string;
  readonly role: 'primary' | 'standby' | 'stopped';
  readonly fromMs: SharedMs;
  readonly untilMs: SharedMs;
}

/** A right to lead: from winning the leader key until its deadline, its release, or a unanimous failsafe extension, ended. */
export interface Right {
  readonly kind: 'right';
  readonly node: string;
  readonly term: string;
  readonly fromMs: SharedMs;
  readonly untilMs: SharedMs;
  /** How long after its end the node may still be writing, by the guards that were at work then; absent: what all of them allow. */
  readonly fenceMs?: number;
  /** How much further its deadline once lay than the margin allows before the earliest end of the lease behind it; 0 or less: as it should. */
  readonly beyondLeaseMs?: number;
}

export interface Promotion {
  readonly kind: 'promotion';
  readonly node: string;
  readonly term: string | null;
  readonly timeline: number | null;
  readonly atMs: SharedMs;
  /** When it was told to; it may have heard of that later. Absent: not known. */
  readonly toldMs?: SharedMs;
  /** Why this node should not have been promoted (tags, timeline, lag, synchronous set); null: it was eligible. */
  readonly ineligible: string | null;
  /** By how much its right was too short, as the server was told to promote, for the stop that might have had to follow. */
  readonly tooShortMs?: number;
}
