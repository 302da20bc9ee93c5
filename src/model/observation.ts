import type { Ask, RestartTerms } from './ask.ts';
import type { DcsView, HeldLease, Member } from './cluster.ts';
import type { FailsafeView } from './failsafe.ts';
import type { GuardView } from './guard.ts';
import type { Health, Hindrance } from './health.ts';
import type { JobBoard } from './job.ts';
import type { PeerReport } from './peers.ts';
import type { LocalPostgres, TimelineEnd } from './postgres.ts';
import type { Settings } from './settings.ts';
import type { InstantMs, Lsn, Pid, Revision, Term, Timeline, WallMs } from './units.ts';
import type { SlotLook } from './walBudget.ts';

/** The only input of a decision: a frozen value. Time, settings and memory are fields of it. */
export interface Observation {
  /** Taken after the last read. */
  readonly nowMs: InstantMs;
  /** Taken before the first: nothing of it is older. */
  readonly beganMs: InstantMs;
  /** Only for what people schedule. */
  readonly wallMs: WallMs;
  readonly postgres: LocalPostgres;
  /** Of the server that runs; null: none does, or nothing is known of it yet. */
  readonly health: Health | null;
  readonly dcs: DcsView;
  readonly held: HeldLease | null;
  readonly guard: GuardView;
  readonly peers: readonly PeerReport[];
  readonly failsafe: FailsafeView;
  readonly jobs: JobBoard;
  readonly asks: readonly Ask[];
  readonly settings: Settings;
  /** Since when these are in force; who joins or leaves the cluster does not count. */
  readonly settingsSinceMs: InstantMs;
  /** When this agent began: a vacancy that it did not see begin is judged with more care. */
  readonly startedMs: InstantMs;
  /** Whether somebody else answers under my name: asked once, when etcd first tells the address. */
  readonly name: NameCheck;
  /** The member key as last published, and whether its lease lives: null when it must be published. */
  readonly published: Member | null;
  /** Settings changed since PostgreSQL's configuration files were last written for this role. */
  readonly unapplied: boolean;
  /** The lines of my newest .history file: how my timeline came to be. Empty on timeline 1 or when not read. */
  readonly localHistory: readonly TimelineEnd[];
  readonly memory: Memory;
}

export type NameCheck =
  | { readonly kind: 'unchecked' }
  /** `asked`: there was an address under my name, and nobody but me answers at it. */
  | { readonly kind: 'free'; readonly asked: boolean }
  | { readonly kind: 'inUse'; readonly why: string };

/**
 * A copy can be used after a promotion only when no catalog row that it needs was vacuumed away: while it was copied, nothing
 * told the primary to keep them for it.
 */
export interface SlotProof {
  /** The reign and the run of this server that it was found in: another begins anew. */
  readonly term: Term;
  readonly startedWallMs: WallMs;
  /** The run of the primary, too: after a crash it may have forgotten what it had heard. Null: it was not told. */
  readonly leaderStarted: string | null;
  /** How far the primary may have vacuumed before it heard of this copy; null: it has not heard of it. */
  readonly floor: number | null;
  readonly safe: boolean;
}

/** What the last decision left for the next. Losing it may make us slower, never bolder. */
export interface Memory {
  /** The last role this agent saw its PostgreSQL in while it ran. */
  readonly lastRole: 'primary' | 'standby' | null;
  /** The primary went down: when (null: it is up again), and when a start in place was tried of late. */
  readonly crash: { readonly sinceMs: InstantMs | null; readonly attemptsMs: readonly InstantMs[] } | null;
  /** When PostgreSQL went down here under the leader key, or its promotion failed, of late: the others are told how often. */
  readonly crashes: readonly InstantMs[];
  /** What /status said last, since when it is seen here, and how fast the position grew before; as leader null. */
  readonly statusSeen: {
    readonly modRevision: Revision;
    readonly optime: Lsn;
    readonly sinceMs: InstantMs;
    /** Null: it was the first that was seen, or the position did not grow. */
    readonly bytesPerS: number | null;
  } | null;
  /** How far this standby's upstream said to be, the furthest on the timeline that it streamed last. */
  readonly upstreamEnd: { readonly systemId: string; readonly timeline: Timeline; readonly lsn: Lsn } | null;
  /** Who was waited for in a race since they are ahead, and since when: each once in a vacancy. */
  readonly turns: readonly { readonly member: string; readonly sinceMs: InstantMs }[];
  /** Since when it is known, in this vacancy, that the reign before is over. */
  readonly overSinceMs: InstantMs | null;
  /** Since when it waits, in this vacancy, for members whose servers are starting. */
  readonly startingSinceMs: InstantMs | null;
  /** The highest timeline ever seen for this cluster. */
  readonly clusterTimeline: Timeline | null;
  /** The highest that was taken off this disk, as nothing of it was here: not to be begun again all the same. */
  readonly forgottenTimeline: Timeline | null;
  /** Who this cluster was when etcd said so last. */
  readonly systemId: string | null;
  /** The reign whose divergence was judged, and how: rejoin begins with it. */
  readonly divergence: {
    readonly leader: string;
    readonly leaderTimeline: Timeline | null;
    readonly term: Term;
    readonly verdict: 'none' | 'diverged' | 'ahead';
    readonly rewound: boolean;
    /** What was repaired was found diverged all the same, so often in a row, the last time by the check that ended then. */
    readonly again?: { readonly times: number; readonly endedMs: InstantMs };
    /** Of `ahead`: how far this node was then, and how far its leader. */
    readonly ahead?: { readonly mine: Lsn; readonly leader: Lsn };
    /** Found so often in a row, the last time by the check that ended then. */
    readonly walGone?: { readonly segment: string; readonly times: number; readonly endedMs: InstantMs };
  } | null;
  /** Failed attempts in a row of the current repair, for growing pauses. */
  readonly repair: {
    readonly failures: number;
    readonly notBeforeMs: InstantMs;
    readonly countedEndMs: InstantMs;
    /** From whom the last copy failed: the next one is made from another, where there is one. */
    readonly failedSource?: string;
  } | null;
  /**
   * Repairs that were done under this leader in this term, and after none of which this node streamed for long: each
   * counts once, by its end. Null: none, or it streams.
   */
  readonly vain: {
    readonly leader: string;
    readonly term: Term;
    readonly repairs: number;
    readonly countedEndMs: InstantMs;
    /** Since when one WAL receiver has been at work: one that is started again and again does not count. */
    readonly streaming: { readonly pid: Pid | null; readonly sinceMs: InstantMs } | null;
  } | null;
  /** A switchover this node steps down for. */
  readonly stepDown: {
    readonly term: Term;
    readonly candidate: string | null;
    readonly sinceMs: InstantMs;
    readonly shutdownLsn: Lsn | null;
    /** Nobody had the shutdown checkpoint in time: this node takes it up again. */
    readonly givenUp: boolean;
  } | null;
  /** I released the key on purpose (failed promotion, crash given up): no race before. */
  readonly noRaceBeforeMs: InstantMs | null;
  readonly scheduledRestart: {
    readonly at: WallMs;
    readonly postmasterStartedWallMs: WallMs | null;
    readonly terms: RestartTerms;
    /** As it was asked for: so it is published. */
    readonly raw: Readonly<Record<string, unknown>>;
  } | null;
  /** Member slots: when their member was last seen, for retention. */
  readonly slotsSeen: Readonly<Record<string, InstantMs>>;
  /** Slots that nobody asked for: since when they are seen here, and not in use. */
  readonly unknownSlots: Readonly<Record<string, InstantMs>>;
  /** As primary: how much WAL each slot kept at a few instants, the oldest first. */
  readonly slotLooks: readonly SlotLook[];
  /** Slots whose end was told to be near. */
  readonly slotAlarms: readonly string[];
  /** Copies of logical slots on this standby: what is known of their safety. */
  readonly slotProofs: Readonly<Record<string, SlotProof>>;
  /** First seen running as primary without a proven lease. */
  readonly unleasedSinceMs: InstantMs | null;
  /** Since when the data directory, or its control file, cannot be read. */
  readonly unreadableSinceMs: InstantMs | null;
  /** Where this standby's replay could not go on, and since when it has been standing there. */
  readonly replayStands: { readonly lsn: Lsn; readonly sinceMs: InstantMs } | null;
  /** Since when this standby does not stream from the leader it follows. */
  readonly notStreamingSinceMs: InstantMs | null;
  /** The role that callbacks were last told, and whether the server was up then. */
  readonly callbackRole: {
    readonly role: 'primary' | 'replica' | 'standby_leader' | 'demoted';
    readonly up: boolean;
  } | null;
  /** The end of the last restart that callbacks were told. */
  readonly toldRestartMs: InstantMs | null;
  /** Holding a lease that no armed guard stands behind: since when. */
  readonly unguardedSinceMs: InstantMs | null;
  /** Since when the empty `initialize` is nobody's. */
  readonly unclaimedSinceMs: InstantMs | null;
  /** Synchronous mode, as primary: since when PostgreSQL shows this list of names, and what was written when all went by it. */
  readonly synchrony: {
    readonly names: string;
    readonly sinceMs: InstantMs;
    /** Every commit after it waits for the list. Null: that is not sure yet. */
    readonly settledLsn: Lsn | null;
    readonly settledMs: InstantMs | null;
    /** Since when the server goes by another list than its files say; null: it goes by theirs. */
    readonly unreadSinceMs: InstantMs | null;
    /** Since when no standby is there that could be waited for. */
    readonly lonelySinceMs: InstantMs | null;
    /** It is told already that clients wait because of that. */
    readonly lonelyTold?: boolean;
  } | null;
  /**
   * Synchronous mode: the list that this reign's server was last seen to go by, with the same in its files. Whoever /sync lets lead is
   * waited for by it, whatever became of the writes that were under way. Null: no primary of this reign was seen so.
   */
  readonly wentBy: { readonly term: Term; readonly names: string } | null;
  /** The reign in which this primary was stopped because commits had no end here: it gives way, however the stop went. */
  readonly hung: {
    readonly term: Term;
    readonly kind: Hindrance;
    /** Its own: the control file of one that was promoted just before shows the timeline before. */
    readonly timeline: Timeline;
  } | null;
  readonly wasPaused: boolean;
}
