import type { InstantMs, Lsn, Pid, Timeline, WallMs } from './units.ts';

/** From pg_controldata. */
export interface ControlData {
  readonly systemId: string;
  readonly state:
    | 'starting up'
    | 'shut down'
    | 'shut down in recovery'
    | 'shutting down'
    | 'in crash recovery'
    | 'in archive recovery'
    | 'in production'
    | 'unknown';
  /** "Latest checkpoint's TimeLineID". */
  readonly timeline: Timeline;
  /** "Latest checkpoint location": for a clean stop the shutdown checkpoint record's start. */
  readonly checkpoint: Lsn;
  readonly redo: Lsn;
  /** "Minimum recovery ending location", 0 on a primary. */
  readonly minRecoveryEnd: Lsn;
  readonly minRecoveryEndTimeline: Timeline;
  readonly checksums: boolean;
  readonly walLogHints: boolean;
  readonly version: number; // pg_control version number
  /** max_connections, max_worker_processes, … as the last run recorded them. */
  readonly recorded: Readonly<Record<string, number>>;
}

export interface Slot {
  readonly name: string;
  readonly kind: 'physical' | 'logical';
  readonly active: boolean;
  readonly temporary: boolean;
  readonly restartLsn: Lsn | null;
  readonly confirmedFlushLsn: Lsn | null;
  readonly xmin: boolean;
  /** The oldest transaction whose catalog rows it needs; null: it needs none. */
  readonly catalogXmin: number | null;
  readonly walStatus: string | null;
  readonly database: string | null;
  readonly plugin: string | null;
  /** PostgreSQL 17 and newer: standbys keep a copy of it by themselves. */
  readonly failover: boolean;
  /** It is such a copy. */
  readonly synced: boolean;
  /** How much more may be written before it is in danger; null: `max_slot_wal_keep_size` is not set. */
  readonly safeWalBytes: number | null;
}

export interface Sender {
  readonly pid: Pid | null;
  readonly user: string;
  readonly applicationName: string;
  readonly clientAddress: string | null;
  readonly state: string;
  readonly syncState: string;
  readonly syncPriority: number;
  readonly sentLsn: Lsn | null;
  readonly flushLsn: Lsn | null;
  readonly replayLsn: Lsn | null;
}

export interface Receiver {
  /** Null: not told. */
  readonly pid: Pid | null;
  readonly status: string;
  /** The receiver's timeline: may be ahead of the replayed one. */
  readonly timeline: Timeline;
  readonly writtenLsn: Lsn | null;
  readonly latestEndLsn: Lsn | null;
  readonly slotName: string | null;
  readonly senderHost: string | null;
  readonly senderPort: number | null;
}

/** What a job that died was doing to the data directory. */
/** What a job that died was at. removal: the data was given up, and some of it may be gone. */
export type HalfDone = 'initdb' | 'basebackup' | 'rewind' | 'removal';

/** What the probe query answered. */
interface Running {
  readonly kind: 'running';
  readonly pid: Pid;
  readonly startedWallMs: WallMs;
  readonly serverVersion: number; // 150018
  readonly timeline: Timeline;
  readonly slots: readonly Slot[];
  readonly senders: readonly Sender[];
  readonly pendingRestart: Readonly<Record<string, { readonly oldValue: string; readonly newValue: string }>>;
  readonly control: ControlData;
  /** The mark of a job that died half-way is there still; absent: there is none. */
  readonly left?: HalfDone;
}
/** What a primary waits for before it tells a client that its commit is done. */
export interface Synchrony {
  /** `synchronous_standby_names` as a new session of the server sees it. */
  readonly names: string;
  /**
   * The same in the server's files, as this agent wrote them: a server that is frozen, or just busy, reads them later. Null:
   * an agent that began just now has written none.
   */
  readonly written: string | null;
  /**
   * The process that tells all others of a change to it has taken in whatever was sent to it: until then commits may go by
   * the old names, whatever the setting shows.
   */
  readonly inForce: boolean;
  /** How long the oldest commit has been waiting for a standby; null: none does. */
  readonly oldestWaitMs: number | null;
}
export interface RunningPrimary extends Running {
  readonly role: 'primary';
  readonly flushLsn: Lsn;
  /** Where its WAL is; null: not told. */
  readonly walFreeBytes: number | null;
  /** The latest checkpoint is still on an older timeline: pg_rewind must wait. */
  readonly checkpointPending: boolean;
  readonly synchronous: Synchrony;
  /** What the commit that tries the disk waits for, as pg_stat_activity tells it (`IO:WALSync`); absent: none is under way. */
  readonly trialWaitsFor?: string;
}
export interface RunningStandby extends Running {
  readonly role: 'standby';
  /** max(received or written, replayed). */
  readonly receivedLsn: Lsn;
  readonly replayedLsn: Lsn;
  /** All WAL that was here when it started is replayed: until then it may have more than it tells. Absent: it is. */
  readonly replaysOwnWal?: boolean;
  /** What it has received beyond `replayedLsn` is not being replayed: for a moment after each stream; for good where it does not continue what is here. Absent: it is. */
  readonly cannotReplay?: boolean;
  readonly replayedAt: string | null;
  readonly replayPaused: boolean;
  readonly receiver: Receiver | null;
  /** What primary_conninfo and primary_slot_name are now; null when there is no upstream. */
  readonly upstream: { readonly host: string; readonly port: number; readonly slot: string | null } | null;
  /** No walreceiver runs, and no setting, nor what was written last, says from whom to receive: it confirms nothing to anybody. Absent: it may. */
  readonly detached?: boolean;
  /** It was told to become the primary, and is one at any later moment: its files are a primary's from now on. */
  readonly toldToPromote?: true;
}

/** This node's PostgreSQL, seen from outside and inside. */
export type LocalPostgres =
  | { readonly kind: 'noData' }
  /** A job died here. `left` says what it was doing. */
  /** `mayBeWhole`: there is a control file, and nothing that tells these files from others that people put in their place. */
  /** `inPlace`: a copy went over data that was given up for it, and may go on. */
  | { readonly kind: 'partialData'; readonly left: HalfDone; readonly mayBeWhole?: true; readonly inPlace?: true }
  /** The directory cannot be listed, or holds no readable control file. Nothing may be touched. */
  | { readonly kind: 'unreadable'; readonly why: string }
  | {
      readonly kind: 'stopped';
      readonly control: ControlData;
      /** standby.signal or recovery.signal is present. */
      readonly standbySignal: boolean;
      /** backup_label is present: a restored backup that PostgreSQL must recover itself. */
      readonly backupLabel: boolean;
      /** Left-over backends of a dead postmaster still hold the data directory. */
      readonly orphans: readonly Pid[];
      /** We saw it running since the agent started, and did not stop it. */
      readonly crashed: boolean;
    }
  | {
      readonly kind: 'starting';
      readonly pid: Pid;
      readonly sinceMs: InstantMs;
      readonly standbySignal: boolean;
      readonly control: ControlData;
    }
  | {
      readonly kind: 'stopping';
      readonly pid: Pid;
      readonly sinceMs: InstantMs;
      readonly believed: 'primary' | 'standby';
      /** Its postmaster.pid is gone, or cannot be read. PostgreSQL ends over that, but not for a minute. */
      readonly homeless?: boolean;
    }
  /** The postmaster lives but gives no answer. `believed` is the last role known, 'primary' when in doubt. */
  | {
      readonly kind: 'unresponsive';
      readonly pid: Pid;
      readonly sinceMs: InstantMs;
      readonly believed: 'primary' | 'standby';
      readonly why: string;
      /** It is the disk that gives no answer. */
      readonly disk?: true;
      readonly control: ControlData | null;
    }
  | RunningPrimary
  | RunningStandby;

/** Where a standby streams from. */
export interface Upstream {
  readonly member: string;
  readonly host: string;
  readonly port: number;
  readonly slot: string | null;
}

/** Reads of `TIMELINE_HISTORY`: where each earlier timeline ended. */
export interface TimelineEnd {
  readonly timeline: Timeline;
  readonly end: Lsn;
  readonly reason: string;
}

/** It accepts writes, or may any moment: what must never be without a right to lead. In doubt, yes. */
export function mayAcceptWrites(postgres: LocalPostgres): boolean {
  switch (postgres.kind) {
    case 'running':
      return postgres.role === 'primary';
    case 'starting':
      return !postgres.standbySignal;
    case 'unresponsive':
    case 'stopping':
      return postgres.believed === 'primary';
    case 'noData':
    case 'partialData':
    case 'unreadable':
    case 'stopped':
      return false;
    default:
      return postgres satisfies never;
  }
}
