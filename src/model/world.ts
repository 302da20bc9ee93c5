import type { ControlOutcome } from './outcome.ts';
import type { InstantMs, LeaseId, Pid, Revision, WallMs } from './units.ts';

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

// ---- etcd: one request to one endpoint --------------------------------------------------------------------------

export type EtcdCompare =
  | { readonly target: 'create'; readonly key: string; readonly equals: Revision } // 0: the key does not exist
  | { readonly target: 'createNot'; readonly key: string; readonly equals: Revision } // not 0: the key exists
  | { readonly target: 'mod'; readonly key: string; readonly equals: Revision }
  | { readonly target: 'value'; readonly key: string; readonly equals: string }
  | { readonly target: 'lease'; readonly key: string; readonly equals: LeaseId };

export type EtcdOp =
  | { readonly op: 'put'; readonly key: string; readonly value: string; readonly lease?: LeaseId }
  | { readonly op: 'delete'; readonly key: string; readonly rangeEnd?: string }
  | { readonly op: 'range'; readonly key: string; readonly rangeEnd?: string };

export interface EtcdKeyValue {
  readonly key: string;
  readonly value: string; // bytes that are no UTF-8 read as U+FFFD
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  readonly lease: LeaseId | null;
}

interface EtcdCalls {
  range: {
    ask: { readonly key: string; readonly rangeEnd?: string; readonly revision?: Revision };
    answer: { readonly kvs: readonly EtcdKeyValue[] };
  };
  txn: {
    ask: {
      readonly compare: readonly EtcdCompare[];
      readonly success: readonly EtcdOp[];
      readonly failure: readonly EtcdOp[];
    };
    /** `ranges`: the answers of the range operations of the branch that ran, in order. */
    answer: { readonly succeeded: boolean; readonly ranges: readonly (readonly EtcdKeyValue[])[] };
  };
  leaseGrant: { ask: { readonly ttlS: number }; answer: { readonly lease: LeaseId; readonly ttlS: number } };
  /** ttlS 0: no such lease any more. */
  leaseKeepAlive: { ask: { readonly lease: LeaseId }; answer: { readonly ttlS: number } };
  leaseRevoke: { ask: { readonly lease: LeaseId }; answer: Record<never, never> };
  /** leftS −1: ended. Whole seconds, rounded down. */
  leaseTimeToLive: { ask: { readonly lease: LeaseId }; answer: { readonly leftS: number; readonly grantedS: number } };
  memberList: { ask: Record<never, never>; answer: { readonly clientUrls: readonly string[] } };
  status: { ask: Record<never, never>; answer: { readonly version: string; readonly leader: bigint } };
  authenticate: { ask: { readonly name: string; readonly password: string }; answer: { readonly token: string } };
}
export type EtcdCall = keyof EtcdCalls;
export type EtcdAsk<C extends EtcdCall> = EtcdCalls[C]['ask'];
export type EtcdAnswer<C extends EtcdCall> = EtcdCalls[C]['answer'];

export interface EtcdHeader {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly revision: Revision;
  readonly raftTerm: bigint;
}

/** How one try at one endpoint ended. */
export type EtcdReply<C extends EtcdCall> =
  | { readonly kind: 'answered'; readonly header: EtcdHeader; readonly answer: EtcdAnswer<C> }
  /** The server said so: a gRPC status. */
  | { readonly kind: 'error'; readonly code: number; readonly message: string }
  /** No answer in time, or the connection broke while waiting. It may have been applied, or still be. */
  | { readonly kind: 'lost'; readonly why: string }
  /** Certainly never sent. */
  | { readonly kind: 'unsent'; readonly why: string };

export type EtcdWatchMessage =
  | { readonly kind: 'created'; readonly header: EtcdHeader }
  | { readonly kind: 'events'; readonly header: EtcdHeader; readonly events: readonly EtcdEvent[] }
  | { readonly kind: 'progress'; readonly header: EtcdHeader }
  | { readonly kind: 'canceled'; readonly compactRevision: Revision | null; readonly why: string }
  /** The stream is over; nothing follows. */
  | { readonly kind: 'ended'; readonly why: string };

export interface EtcdEvent {
  readonly type: 'put' | 'delete';
  readonly key: string;
  readonly value: string;
  readonly modRevision: Revision;
}

export interface EtcdTransport {
  /** Always settles by `limitMs`. `endpoint` is a URL. `token`: from authenticate. */
  call<C extends EtcdCall>(
    endpoint: string,
    call: C,
    ask: EtcdAsk<C>,
    limitMs: number,
    token: string | null,
  ): Promise<EtcdReply<C>>;
  /** One stream on a session of its own; `hasleader` is always asked for. */
  watch(
    endpoint: string,
    ask: { readonly key: string; readonly rangeEnd: string; readonly startRevision: Revision },
    token: string | null,
    receive: (message: EtcdWatchMessage) => void,
  ): { askProgress(): void; close(): void };
  /** Cuts the session that calls to this endpoint use; the next call connects anew. */
  cut(endpoint: string): void;
  /** `_etcd-client._tcp` and its sisters, as URLs, best first. Empty when nothing was found. */
  resolveSrv(domain: string, limitMs: number): Promise<readonly string[]>;
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
    }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly why: string };

export interface Files {
  read(path: string): Promise<FileRead>;
  /** Whole or not at all: a temporary file in the same folder, fsync, rename. */
  write(path: string, text: string, mode: number): Promise<ControlOutcome>;
  append(path: string, text: string, mode: number): Promise<ControlOutcome>;
  list(path: string): Promise<Listing>;
  stat(path: string): Promise<FileStat>;
  rename(from: string, to: string): Promise<ControlOutcome>;
  /** A file, or a whole tree. Absent is done. Never follows links out of the tree. */
  remove(path: string): Promise<ControlOutcome>;
  makeDirectory(path: string, mode: number): Promise<ControlOutcome>;
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
