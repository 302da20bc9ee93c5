import type { EtcdTransport } from './etcd.ts';
import type { ControlOutcome } from './outcome.ts';
import type { InstantMs, Pid, WallMs } from './units.ts';

export type * from './etcd.ts';

/**
 * Everything outside, one small function each. The seam lies low on purpose: one request to one etcd endpoint, one
 * process spawned, one file renamed. What decides, retries, sorts and steps stands above it and runs in the simulator.
 * Nothing here throws for what can happen outside; it answers with a value.
 */
export interface World {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly etcd: EtcdTransport;
  readonly http: Http;
  readonly files: Files;
  readonly processes: Processes;
  readonly sql: Sql;
  readonly sockets: Sockets;
}

export type Cancel = () => void;

export interface Clock {
  now(): InstantMs;
  wall(): WallMs;
  /** Calls `fire` once, not before `atMs` by `now()`; a machine that slept fires at once on waking. */
  at(atMs: InstantMs, fire: () => void): Cancel;
  /** Resolves after `ms`, or at once when the signal aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Chance {
  /** An integer, 0 ≤ n < below. */
  below(below: number): number;
  /** `bytes` random bytes as hex. */
  hex(bytes: number): string;
}

// ---- other agents -----------------------------------------------------------------------------------------------

export type HttpReply =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
  | { readonly kind: 'silent'; readonly why: string };

export interface Http {
  request(
    url: string,
    options: {
      readonly method: string;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly limitMs: number;
    },
  ): Promise<HttpReply>;
}

// ---- files ------------------------------------------------------------------------------------------------------

export type FileRead =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly why: string };
export type Listing =
  | { readonly kind: 'entries'; readonly names: readonly string[] }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly why: string };
export type FileStat =
  | {
      readonly kind: 'file' | 'directory' | 'other';
      readonly mode: number;
      readonly uid: number;
      readonly sizeBytes: number;
      readonly modifiedWallMs: WallMs;
      /** Differs when another file is there, or its content was changed at another tick of the kernel's clock for files. */
      readonly stamp: string;
    }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly why: string };

export interface Files {
  /** `fromByte`: only what follows. */
  read(path: string, fromByte?: number): Promise<FileRead>;
  /** Whole or not at all: a temporary file in the same folder, fsync, rename. */
  write(path: string, text: string | Uint8Array, mode: number): Promise<ControlOutcome>;
  append(path: string, text: string, mode: number): Promise<ControlOutcome>;
  list(path: string): Promise<Listing>;
  stat(path: string): Promise<FileStat>;
  /** The path without links; null: there is nothing. */
  real(path: string): Promise<string | null>;
  /** Done for good: not undone by a power cut. */
  rename(from: string, to: string): Promise<ControlOutcome>;
  /** A file, or a whole tree, for good. Absent is done. Never follows links out of the tree. */
  remove(path: string): Promise<ControlOutcome>;
  /** Removes what means nothing after a power cut, and so may be back then: nobody waits for the disk. */
  forget(path: string): Promise<ControlOutcome>;
  makeDirectory(path: string, mode: number): Promise<ControlOutcome>;
  /** Of one file, whole or not at all, for good; the copy is the agent's alone (0600). */
  copy(from: string, to: string): Promise<ControlOutcome>;
  /** What was made, renamed or removed in that folder, by whomever, and the folder itself, is so for good. Absent is done, too. */
  sync(folder: string): Promise<ControlOutcome>;
  freeBytes(path: string): Promise<number | null>;
  /** The kernel's lock on a file (flock), held until released or until the process dies. */
  lock(
    path: string,
  ): Promise<
    | { readonly kind: 'locked'; release(): void }
    | { readonly kind: 'held' }
    | { readonly kind: 'failed'; readonly why: string }
  >;
}

// ---- processes --------------------------------------------------------------------------------------------------

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** Exactly these; nothing is inherited unless listed. */
  readonly env?: Readonly<Record<string, string>>;
  /** The agent's own environment is below these: for tools of an operator that may need anything. */
  readonly inherit?: boolean;
  readonly cwd?: string;
  readonly input?: string;
  /** Called with each line of stdout and stderr: progress. */
  readonly onLine?: (line: string) => void;
}

export type Finished =
  | { readonly kind: 'exited'; readonly code: number; readonly stdout: string; readonly stderr: string } // output bounded
  | { readonly kind: 'killed'; readonly signal: string; readonly stderr: string }
  | { readonly kind: 'cancelled' } // by the signal or the limit; the whole tree is dead
  | { readonly kind: 'failed'; readonly why: string }; // could not be started

export interface ProcessInfo {
  readonly pid: Pid;
  readonly parent: Pid;
  /** 'dead' also for a zombie, which only waits to be collected. */
  readonly state: 'running' | 'stopped' | 'dead';
  /**
   * Killed, and held by the kernel, in a call to a disk that hangs: it never runs a line of its own again, and answers nobody; it
   * ends when it is let go. What it had asked of the disk may still be done.
   */
  readonly doomed?: true;
  readonly startTicks: number; // clock ticks since boot: with the pid, an identity
  readonly startedWallMs: WallMs;
  readonly executable: string | null; // null: not readable
  readonly cwd: string | null;
  readonly commandLine: string;
}

export interface Processes {
  readonly myPid: Pid;
  /** Runs a tool to its end; the signal and the limit kill it with everything it started. */
  run(command: Command, limitMs: number, signal?: AbortSignal): Promise<Finished>;
  /** Starts something that outlives us: own session, no pipe of ours, output to `logPath`. */
  launch(
    command: Command,
    logPath: string,
  ): Promise<{ readonly kind: 'launched'; readonly pid: Pid } | { readonly kind: 'failed'; readonly why: string }>;
  describe(pid: Pid): ProcessInfo | null;
  children(pid: Pid): readonly ProcessInfo[];
  /** Every live process whose working directory is this one: backends of a dead postmaster. */
  withWorkingDirectory(path: string): readonly ProcessInfo[];
  signal(pid: Pid, signal: 'TERM' | 'INT' | 'QUIT' | 'KILL' | 'STOP' | 'CONT' | 'HUP' | 'USR1' | 'USR2'): boolean;
  /** Calls `exited` once the process with that identity is gone (pidfd), also when it is not our child. */
  watchExit(pid: Pid, startTicks: number, exited: () => void): Cancel;
}

// ---- SQL --------------------------------------------------------------------------------------------------------

/** A statement is known by name, so that the simulator can answer it without reading SQL. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values?: readonly (string | number | boolean | null)[];
}
export interface SqlTarget {
  /** A host name or address, or the directory of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | null;
  readonly database: string;
  readonly ssl: Readonly<Record<string, string>>;
  readonly applicationName: string;
  readonly replication?: boolean;
  readonly options?: string;
}
export type SqlRow = Readonly<Record<string, string | null>>; // every value as PostgreSQL's text
export type SqlResult =
  | { readonly kind: 'rows'; readonly rows: readonly SqlRow[] }
  | { readonly kind: 'error'; readonly sqlState: string; readonly message: string }
  /** The limit passed or the connection broke: the session is of no further use. */
  | { readonly kind: 'lost'; readonly why: string };
export interface SqlSession {
  query(statement: Statement, limitMs: number): Promise<SqlResult>;
  close(): void;
  /** Called once when the connection ends for whatever reason: how a dead postmaster is felt. */
  onEnd(ended: () => void): void;
}
export interface Sql {
  connect(
    target: SqlTarget,
    limitMs: number,
  ): Promise<
    | { readonly kind: 'connected'; readonly session: SqlSession }
    /** The server said no: 57P03 starting up or shutting down, 53300 too many connections, 28P01 wrong password, … */
    | { readonly kind: 'rejected'; readonly sqlState: string; readonly message: string }
    | { readonly kind: 'unreachable'; readonly why: string }
  >;
}

// ---- unix sockets: agent and guardian ---------------------------------------------------------------------------

export interface Connection {
  send(line: string): void;
  onLine(receive: (line: string) => void): void;
  onClosed(closed: () => void): void;
  close(): void;
}
export interface Sockets {
  connect(
    path: string,
    limitMs: number,
  ): Promise<
    { readonly kind: 'connected'; readonly connection: Connection } | { readonly kind: 'failed'; readonly why: string }
  >;
  /** Mode 0600. A stale socket file is replaced: hold the lock of the place first. */
  listen(
    path: string,
    accept: (connection: Connection) => void,
  ): Promise<{ readonly kind: 'listening'; close(): void } | { readonly kind: 'failed'; readonly why: string }>;
}
