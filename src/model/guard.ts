import type { InstantMs, LeaseId, Pid, Term } from './units.ts';

/** What the guardian holds, and what is on disk beside it (0600), so that whoever starts next can take it over. */
export interface GuardState {
  /** /proc/sys/kernel/random/boot_id: an instant of another boot means nothing. */
  readonly bootId: string;
  readonly dataDir: string;
  /** Null: disarmed. */
  readonly deadlineMs: InstantMs | null;
  readonly lease: LeaseId | null;
  readonly term: Term | null;
  readonly ttlMs: number | null;
  readonly sentMs: InstantMs | null;
}

/** How this node is guarded now, as the loop sees it. */
export type GuardView =
  | { readonly kind: 'off' } // switched off by name
  | { readonly kind: 'absent'; readonly why: string } // wanted, not there
  | {
      readonly kind: 'present';
      readonly pid: Pid | null; // null: the device alone
      /** The deadline it has confirmed. Null: disarmed. */
      readonly armedMs: InstantMs | null;
      /** Guards that would stop PostgreSQL with agent and guardian frozen together. */
      readonly freezeGuard: 'device' | 'sentinel' | null;
      readonly device: 'open' | 'missing' | 'unused';
    };

/** Agent to guardian, one JSON object a line. The guardian answers each with a GuardReply bearing the same `id`. */
export type GuardAsk =
  | { readonly id: number; readonly ask: 'hello'; readonly agentPid: number }
  /** `lower`: the one ask that moves the deadline of a term back, as after a ttl that was lowered. */
  | {
      readonly id: number;
      readonly ask: 'deadline' | 'lower';
      readonly deadlineMs: number;
      readonly lease: string;
      readonly term: string;
      readonly ttlMs: number;
      readonly sentMs: number;
    }
  /** Refused unless nothing runs on the data directory or PostgreSQL is in recovery. `paused`: the operator's own risk. */
  | { readonly id: number; readonly ask: 'disarm'; readonly paused?: boolean }
  | { readonly id: number; readonly ask: 'leave' } // agent and PostgreSQL are both done here
  | { readonly id: number; readonly ask: 'bye' }; // the agent ends on purpose: it is not to be started again

export type GuardReply = {
  readonly id: number;
  readonly ok: boolean;
  readonly why: string | null;
  readonly guardianPid: number;
  readonly version: string;
  readonly deadlineMs: number | null;
  readonly lease: string | null;
  readonly term: string | null;
  readonly ttlMs: number | null;
  readonly sentMs: number | null;
};

/** The kernel's watchdog device, as far as it is used. */
export interface Watchdog {
  open():
    | { readonly kind: 'open'; readonly device: WatchdogDevice }
    | { readonly kind: 'failed'; readonly why: string };
}
export interface WatchdogDevice {
  /** Gives the timeout that the driver really took, in seconds; null: it told none. */
  setSeconds(seconds: number): number | null;
  pat(): boolean;
  /** Magic close: the device stops counting. False: it may go on, and reset the machine. */
  close(): boolean;
}
