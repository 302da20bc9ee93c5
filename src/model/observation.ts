import type { Ask } from './ask.ts';
import type { DcsView, HeldLease, Member } from './cluster.ts';
import type { GuardView } from './guard.ts';
import type { JobBoard } from './job.ts';
import type { PeerReport } from './peers.ts';
import type { LocalPostgres, TimelineEnd } from './postgres.ts';
import type { Settings } from './settings.ts';
import type { InstantMs, Lsn, Term, Timeline, WallMs } from './units.ts';

/** The only input of a decision: a frozen value. Time, settings and memory are fields of it. */
export interface Observation {
  /** Taken after the last read. */
  readonly nowMs: InstantMs;
  /** Only for what people schedule. */
  readonly wallMs: WallMs;
  readonly postgres: LocalPostgres;
  readonly dcs: DcsView;
  readonly held: HeldLease | null;
  readonly guard: GuardView;
  readonly peers: readonly PeerReport[];
  readonly jobs: JobBoard;
  readonly asks: readonly Ask[];
  readonly settings: Settings;
  /** When this agent began: a vacancy that it did not see begin is judged with more care. */
  readonly startedMs: InstantMs;
  /** The member key as last published, and whether its lease lives: null when it must be published. */
  readonly published: Member | null;
  /** Settings changed since PostgreSQL's configuration files were last written for this role. */
  readonly unapplied: boolean;
  /** The lines of my newest .history file: how my timeline came to be. Empty on timeline 1 or when not read. */
  readonly localHistory: readonly TimelineEnd[];
  readonly memory: Memory;
}

/** What the last decision left for the next. Losing it may make us slower, never bolder. */
export interface Memory {
  /** The last role this agent saw its PostgreSQL in while it ran. */
  readonly lastRole: 'primary' | 'standby' | null;
  /** Crash of the primary: when it was first seen, and how often a start in place was tried since. */
  readonly crash: { readonly sinceMs: InstantMs; readonly attempts: number } | null;
  /** When a race first found reason to wait, by peer waited for. */
  readonly waitingFor: { readonly member: string; readonly sinceMs: InstantMs } | null;
  /** The highest timeline ever seen for this cluster. */
  readonly clusterTimeline: Timeline | null;
  /** The reign whose divergence was judged, and how: rejoin begins with it. */
  readonly divergence: {
    readonly leader: string;
    readonly leaderTimeline: Timeline | null;
    readonly term: Term;
    readonly verdict: 'none' | 'diverged';
    readonly rewound: boolean;
  } | null;
  /** Failed attempts in a row of the current repair, for growing pauses. */
  readonly repair: {
    readonly failures: number;
    readonly notBeforeMs: InstantMs;
    readonly countedEndMs: InstantMs;
  } | null;
  /** A switchover this node steps down for. */
  readonly stepDown: {
    readonly term: Term;
    readonly candidate: string | null;
    readonly sinceMs: InstantMs;
    readonly shutdownLsn: Lsn | null;
  } | null;
  /** I released the key on purpose (failed promotion, crash given up): no race before. */
  readonly noRaceBeforeMs: InstantMs | null;
  readonly scheduledRestart: {
    readonly at: WallMs;
    readonly postmasterStartedWallMs: WallMs | null;
    readonly raw: Readonly<Record<string, unknown>>;
  } | null;
  /** Member slots: when their member was last seen, for retention. */
  readonly slotsSeen: Readonly<Record<string, InstantMs>>;
  /** First seen running as primary without a proven lease. */
  readonly unleasedSinceMs: InstantMs | null;
  /** Since when this standby does not stream from the leader it follows. */
  readonly notStreamingSinceMs: InstantMs | null;
  /** The role that callbacks were last told, and whether the server was up then. */
  readonly callbackRole: { readonly role: 'primary' | 'replica' | 'standby_leader'; readonly up: boolean } | null;
  readonly wasPaused: boolean;
}
