import type { ControlData } from '../model/postgres.ts';
import type { InstantMs, Pid } from '../model/units.ts';
import type { ProcessInfo } from '../model/world.ts';

/** What was seen of PostgreSQL on the data directory, at `nowMs`. */
export interface Sight {
  readonly nowMs: InstantMs;
  readonly deadlineMs: InstantMs | null;
  /** Found by postmaster.pid just now, and checked to be it. */
  readonly postmaster: ProcessInfo | null;
  /** The other PostgreSQL processes at work in the data directory. */
  readonly others: readonly ProcessInfo[];
  /** Read only when a standby.signal is there beside a living postmaster; null: not asked, or no answer. */
  readonly standbyState: ControlData['state'] | null;
  /** This postmaster was told to become the primary, or that cannot be ruled out. */
  readonly told: boolean;
}

export type Verdict =
  | { readonly kind: 'rest' } // no deadline, or it lies ahead
  | { readonly kind: 'clear' } // it has passed, and nothing runs
  | { readonly kind: 'spare'; readonly postmaster: Pid } // it has passed, but a standby accepts no writes
  | { readonly kind: 'strike'; readonly postmaster: Pid | null; readonly others: readonly Pid[] };

/** What to do now. Only the deadline counts: not whether the agent lives, answers or is late. */
export function judge(seen: Sight): Verdict {
  if (seen.deadlineMs === null || seen.nowMs < seen.deadlineMs) return { kind: 'rest' };
  const { postmaster, others } = seen;
  if (postmaster === null && others.length === 0) return { kind: 'clear' };
  if (postmaster !== null && !seen.told && seen.standbyState !== null && standbyStates.has(seen.standbyState))
    return { kind: 'spare', postmaster: postmaster.pid };
  return { kind: 'strike', postmaster: postmaster?.pid ?? null, others: others.map(({ pid }) => pid) };
}

/**
 * With a standby.signal: it runs in recovery, or is about to. PostgreSQL takes the signal file away at the end of
 * recovery, before it accepts a write (xlogrecovery.c), and an agent that puts one beside a running primary has a
 * control file that says "in production".
 */
const standbyStates: ReadonlySet<ControlData['state']> = new Set([
  'in archive recovery',
  'shut down in recovery',
  'shut down',
]);

/** Why the guard must stay armed; null: it may be disarmed. */
export function whyNotDisarm(seen: {
  readonly running: boolean;
  /** A sentinel lives: a postmaster may be about to appear. */
  readonly starting: boolean;
  /** What runs was told to become the primary: it may be out of recovery any moment. */
  readonly told: boolean;
  readonly state: ControlData['state'] | null;
}): string | null {
  if (seen.running && seen.told) return 'PostgreSQL was told to become the primary';
  if (seen.state === 'shut down' || seen.state === 'shut down in recovery' || seen.state === 'in archive recovery')
    return null;
  if (seen.running) return `PostgreSQL runs, and its control file says: ${seen.state ?? 'unreadable'}`;
  // After a crash or a strike the control file says "in production" for ever, until somebody may start PostgreSQL again.
  return seen.starting ? 'a sentinel is at work: PostgreSQL may be about to start' : null;
}

interface Held {
  readonly deadlineMs: InstantMs | null;
  readonly term: bigint | null;
}

/**
 * A deadline of the term in force shall be an earlier one. A text: why not. One that was asked for before what is in force was, and
 * comes late, would end a primary that has been renewed since.
 */
export function judgeLowering(
  held: Held & { readonly sentMs: InstantMs | null },
  asked: { readonly deadlineMs: InstantMs; readonly term: bigint; readonly sentMs: InstantMs },
  nowMs: InstantMs,
): 'moved' | 'kept' | { readonly why: string } {
  if (asked.deadlineMs <= nowMs) return { why: 'that instant has passed' };
  if (held.deadlineMs === null || held.term !== asked.term) return { why: 'another deadline is in force' };
  if (held.sentMs !== null && asked.sentMs < held.sentMs) return { why: 'a later renewal is in force' };
  return asked.deadlineMs < held.deadlineMs ? 'moved' : 'kept';
}

/** A deadline comes in: it moves forward within a term, never back; one that has passed is no deadline. */
export function judgeDeadline(
  held: Held,
  asked: { readonly deadlineMs: InstantMs; readonly term: bigint },
  nowMs: InstantMs,
): 'moved' | 'kept' | 'passed' {
  if (asked.deadlineMs <= nowMs) return 'passed';
  const sameTerm = held.term === asked.term;
  return sameTerm && held.deadlineMs !== null && asked.deadlineMs <= held.deadlineMs ? 'kept' : 'moved';
}
