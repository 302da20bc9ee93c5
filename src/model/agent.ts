import type { Ask, AskAnswer } from './ask.ts';
import type { Decision, Entry } from './decision.ts';
import type { PromiseAnswer, PromiseAsk } from './failsafe.ts';
import type { Incident } from './incident.ts';
import type { Observation } from './observation.ts';
import type { Load, Rehearsal, UnknownNames } from './rehearsal.ts';
import type { RepairReport } from './report.ts';
import type { InstantMs } from './units.ts';

/** The last published status: immutable; reading never touches the loop. */
export interface Snapshot {
  readonly seen: Observation;
  readonly decision: Decision;
  readonly cycle: number;
  readonly version: string;
  /** In synchronous mode, of a standby: it confirms nothing more to whoever led. Null: it does not say. */
  readonly withdrawn: boolean | null;
  /** The loop's next planned cycle: liveness compares it with now. */
  readonly nextCycleMs: InstantMs;
  /** When etcd last answered a linearizable read; null: never. */
  readonly dcsLastSeenWallMs: number | null;
  readonly dcsLastSeenMs: InstantMs | null;
}

/** The three handles of the agent that the API reads and asks through. */
export interface AgentHandles {
  /** Null until the first cycle is over. */
  snapshot(): Snapshot | null;
  /** Called after each new snapshot; gives what ends that. */
  onSnapshot(receive: () => void): () => void;
  /** The fence deadline now in force, read live: health answers compare it with now. Null: no right to lead. */
  fenceDeadlineMs(): InstantMs | null;
  /** It rests on what the members promised, not on etcd. */
  fencedByMembers(): boolean;
  now(): InstantMs;
  wallMs(): number;
  journal: {
    recent(limit: number): readonly Entry[];
    /** Those around a moment, however long ago. */
    around(atMs: number): Promise<readonly Entry[]>;
    subscribe(receive: (entry: Entry) => void): () => void;
  };
  /** Changes of role, oldest first. */
  incidents(): readonly Incident[];
  /** What repairs threw away, oldest first. */
  reports(): readonly RepairReport[];
  mailbox: {
    /** Puts an ask in; the promise settles when a rule has answered it with done, refused or failed (accepted too if `acceptedIsEnough`). */
    ask(
      ask: AskBody,
      options: { readonly acceptedIsEnough: boolean; readonly limitMs: number },
    ): Promise<AskAnswer | { readonly kind: 'timeout' }>;
  };
  /** Reads and writes of cluster-wide keys for the API, through the agent's etcd client. */
  dcs: DcsDoor;
  /** Tells this run of the agent from another under the same name; part of /patroni. */
  readonly instance: string;
  /** Asks the other agents where they are, unless that was done just now; the answers are in the snapshot of a later cycle. */
  askPeers(): void;
  /** A primary without etcd asks that nobody takes its place for a while: POST /failsafe. */
  promise(ask: PromiseAsk): Promise<PromiseAnswer>;
  /** What would happen without these, by the last look; for null: without whoever leads. Gives null before the first look. */
  rehearse(without: readonly string[] | null): Rehearsal | UnknownNames | null;
  /** Asks the own server, where it is a primary, what hangs on it; null: it is none, or does not tell. */
  load(): Promise<Load | null>;
  /** Wakes the loop: look again. */
  wake(reason: string): void;
}

/** An ask before it has a number. */
export type AskBody = Ask extends infer A ? (A extends Ask ? Omit<A, 'id'> : never) : never;

export interface DcsDoor {
  read(): Promise<import('./cluster.ts').DcsView>;
  /** `modRevision` null: the key must be absent; 'any': no compare. */
  put(
    key: string,
    value: string,
    modRevision: import('./units.ts').Revision | null | 'any',
  ): Promise<import('./outcome.ts').DcsOutcome<null>>;
}
