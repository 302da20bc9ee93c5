/** A scenario of the failure lab: what is set up, what is done to it, and what must hold then. */
export interface Scenario {
  /** The name of its file without the ending. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Not part of `all` unless asked for. */
  readonly long: boolean;
  /** Why it is known to fail; null: it is not. */
  readonly red: string | null;
  readonly setUp: SetUp;
  readonly steps: readonly Step[];
  readonly expect: Expectations;
}

export interface SetUp {
  readonly nodes: number;
  /** Null: as the command line says. */
  readonly ttlS: number | null;
  readonly diskMb: number;
  /** Agents and PostgreSQL run under libfaketime, so that their clocks can be set. */
  readonly fakeClocks: boolean;
  /** Merged into the configuration file of each node. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** `ttls` leases and `ms` more: a scenario holds for any length of the lease. */
export interface Duration {
  readonly ttls: number;
  readonly ms: number;
}

export const durationMs = ({ ttls, ms }: Duration, ttlMs: number): number => ttls * ttlMs + ms;

/**
 * Who is meant. Roles are those at the beginning of the scenario and stay with their machines, so that `primary` in a later
 * step is the one that was hurt; `current primary` is who leads when the step is taken.
 */
export const roleWords = [
  'primary',
  'replica',
  'another replica',
  'current primary',
  'etcd leader',
  'client',
  'replicas',
  'all',
] as const;
export type RoleWord = (typeof roleWords)[number];
export type Target =
  | { readonly kind: 'role'; readonly role: RoleWord }
  | { readonly kind: 'node'; readonly name: string };

export const serviceWords = ['postmaster', 'agent', 'guardian', 'sentinel', 'etcd', 'haproxy'] as const;
export type ServiceWord = (typeof serviceWords)[number];

/** Services of machines: `agent and guardian of primary`. */
export interface Services {
  readonly services: readonly ServiceWord[];
  readonly of: readonly Target[];
}

export const awaited = [
  'another primary',
  'a primary',
  'health',
  'steady writes',
  /** The leader key is gone: whoever may lead reaches for it. */
  'no leader',
  /** pg_basebackup runs somewhere. */
  'a copy',
] as const;
export type Awaited = (typeof awaited)[number];

export type MachineVerb =
  | 'cut'
  | 'heal'
  | 'powerOff'
  | 'powerOn'
  /** What is sent to it, and what it sends, is lost on the way: the cable works in one direction only. */
  | 'deafen'
  | 'mute'
  /** Every core busy, by `sysbench cpu`. */
  | 'saturate'
  | 'relieve'
  | 'fillDisk'
  | 'freeDisk'
  | 'hastenDisk'
  /** No flush of PostgreSQL comes to an end, until flushAgain. */
  | 'stallFlushes'
  | 'flushAgain'
  /** Every connection that PostgreSQL gives out, the reserved ones too. */
  | 'useUpConnections'
  | 'giveBackConnections'
  | 'restart'
  | 'reinit';
/** kill: SIGKILL; terminate: SIGTERM; freeze: SIGSTOP; thaw: SIGCONT. */
export type ServiceVerb = 'kill' | 'terminate' | 'freeze' | 'thaw' | 'start' | 'renice';

export type Step =
  | { readonly kind: 'wait'; readonly duration: Duration }
  | { readonly kind: 'waitFor'; readonly what: Awaited }
  /** Until they run: a machine that comes back starts one after the other. */
  | { readonly kind: 'waitForServices'; readonly what: Services }
  /** Until none of them runs any more, by itself. */
  | { readonly kind: 'waitForEnd'; readonly what: Services }
  | { readonly kind: MachineVerb; readonly of: readonly Target[] }
  | { readonly kind: ServiceVerb; readonly what: Services }
  /** Each flush of etcd takes this much longer; ended by hastenDisk. */
  | { readonly kind: 'slowDisk'; readonly of: readonly Target[]; readonly by: Duration }
  /** By how much the wall clock of agent and PostgreSQL is wrong from now on. */
  | { readonly kind: 'setClock'; readonly of: readonly Target[]; readonly by: Duration }
  | {
      readonly kind: 'switchover' | 'failover';
      readonly to: Target | null;
      readonly after: Duration | null;
      /** By answering the questions of the command line. */
      readonly asked: boolean;
      /** The next steps are taken while it is under way; whether it was refused is not judged. */
      readonly meanwhile: boolean;
    }
  /** rotatePassword: of the replication user, in the database and in every node's file. */
  | { readonly kind: 'pause' | 'resume' | 'rotatePassword' }
  /** A client's transaction that stays open, in the background. */
  | { readonly kind: 'transaction'; readonly of: Target; readonly duration: Duration }
  /** A pg_dump in the background, whose reader rests for so long before it takes anything. */
  | { readonly kind: 'dump'; readonly of: Target; readonly duration: Duration }
  /** Transactions as fast as they go, in the background. */
  | { readonly kind: 'pgbench'; readonly of: Target; readonly duration: Duration }
  /** Rows of so many megabytes, so that copies take their time. */
  | { readonly kind: 'load'; readonly mb: number };

export interface Expectations {
  readonly primary: 'changed' | 'unchanged' | 'any' | Target;
  /** The longest time without an acknowledged write of the client with a list of hosts. */
  readonly writeGap: Duration | null;
  /** The same through HAProxy. */
  readonly proxiedWriteGap: Duration | null;
  readonly readGap: Duration | null;
  readonly proxiedReadGap: Duration | null;
  /** After the last step. */
  readonly streamingWithin: Duration | null;
  /** What may be missing of acknowledged writes: the last so long of a reign; null: nothing. */
  readonly lostWrites: Duration | null;
}
