import type { SynchronousRule } from '../../model/synchronousNames.ts';
import type { SeededChance } from '../chance.ts';
import type { Engine } from '../engine.ts';
import type { Machine } from '../machine.ts';
import type { Network } from '../network.ts';
import type { SimProcess } from '../process.ts';
import { type Control, type DataDir, walsOn } from './dataDir.ts';
import { loseTail, type Wal } from './wal.ts';

/** All running servers of a run, and how quick they are. */
export interface PostgresWorld {
  readonly engine: Engine;
  readonly network: Network;
  readonly chance: SeededChance;
  readonly tuning: PostgresTuning;
  machine(name: string): Machine | null;
  serverAt(machine: string, port: number): Instance | null;
  readonly servers: Set<Instance>;
  /** Where a server opened a directory that a tool had not finished. */
  readonly openedMixed: Set<string>;
  /** Timelines, in the order in which they were begun: by a promotion that may have ended half way. */
  readonly begun: { readonly node: string; readonly timeline: number }[];
  /** Told of each commit as its client hears of it, with the record's end. */
  acknowledged: ((server: Instance, upTo: bigint) => void) | null;
  /** As a standby tells such a host how much it has. */
  confirming: ((standby: Instance, host: string) => void) | null;
  /** A line of the run's trace. */
  trace(machine: string, text: string): void;
}

export type Range = readonly [low: number, high: number];
export interface PostgresTuning {
  initdbMs: Range;
  startMs: Range;
  crashRecoveryMs: Range;
  stopMs: Range;
  promoteMs: Range;
  checkpointMs: Range;
  baseBackupMs: Range;
  rewindMs: Range;
  fsyncMs: Range;
  replayMs: Range;
  /** How long a backend outlives its postmaster: a busy one may. */
  orphanMs: Range;
  /** How long it takes until the checkpointer has taken in a new synchronous_standby_names. */
  namesMs: Range;
}

export const quickPostgres: PostgresTuning = {
  initdbMs: [300, 900],
  startMs: [30, 120],
  crashRecoveryMs: [50, 900],
  stopMs: [20, 150],
  promoteMs: [10, 80],
  checkpointMs: [30, 300],
  baseBackupMs: [500, 2500],
  rewindMs: [200, 900],
  fsyncMs: [0.3, 2],
  replayMs: [0.1, 2],
  orphanMs: [0, 8],
  namesMs: [0, 30],
};

/** One running server: the postmaster, its children, and what they share. */
export interface Instance {
  readonly world: PostgresWorld;
  readonly machine: Machine;
  readonly dir: DataDir;
  readonly postmaster: SimProcess;
  readonly args: readonly string[];
  readonly port: number;
  readonly wal: Wal;
  readonly confAtStart: ReadonlyMap<string, string>;
  conf: ReadonlyMap<string, string>;
  /** max_connections is used up by others, the reserved ones as well. */
  connectionsUsedUp: boolean;
  phase: 'starting' | 'ready' | 'stopping' | 'dead';
  inRecovery: boolean;
  /** It ends its recovery: told so then, which it may have heard later. Null: it was not told. */
  toldToPromoteMs: number | null;
  replayed: bigint;
  /**
   * Replay stands still until a promotion: paused by pg_wal_replay_pause(), which somebody may resume; or held, by a query or
   * recovery_min_apply_delay. Null: it goes on.
   */
  replayStands: 'paused' | 'held' | null;
  /** Flush position of what was streamed in since this server started; null: nothing was. */
  received: bigint | null;
  checkpointPending: boolean;
  readonly senders: Set<Sender>;
  receiver: Receiver | null;
  readonly children: Set<SimProcess>;
  /** Whether commits wait at all, as the checkpointer told. */
  waits: boolean;
  /** Whom the walsenders take for synchronous. */
  waitsFor: SynchronousRule | null;
  takingInNames: boolean;
  /** Backends whose commit is on its way to the disk, to find out whether it gets there. */
  readonly trials: Set<SimProcess>;
  /** Commits that wait for a synchronous standby. */
  readonly waiters: Set<{ readonly at: bigint; readonly sinceMs: number; go(): void }>;
}

/** The primary's side of one stream. */
export interface Sender {
  readonly process: SimProcess;
  readonly host: string;
  readonly applicationName: string;
  readonly user: string;
  readonly slot: string | null;
  sent: bigint;
  flushed: bigint | null;
  replayed: bigint | null;
  heardMs: number;
  /** Sends what the standby has not been sent, if there is any: two standbys that stream from each other come to rest. */
  pushNew(): void;
  /** The same, and a sign of life where there is nothing new. */
  push(): void;
}

/** The standby's side. */
export interface Receiver {
  readonly process: SimProcess;
  readonly host: string;
  readonly port: number;
  readonly slot: string | null;
  status: 'connecting' | 'streaming';
  heardMs: number;
  stop(): void;
  /** It takes nothing more, and is gone when what it wrote is on disk. */
  end(then: () => void): void;
}

export const draw = (world: PostgresWorld, range: Range): number => world.chance.between(...range);

/** A process of the server: a backend, a walsender, a walreceiver. They keep the directory; a start finds them there. */
export function spawnChild(instance: Instance, title: string): SimProcess {
  const child = instance.machine.processes.spawn({
    parent: instance.postmaster.pid,
    executable: instance.postmaster.executable(),
    start: { args: [title], env: {}, input: '' },
    cwd: instance.dir.path,
    program: (self) => self.onSignal('TERM', () => self.exit(0)),
  });
  instance.children.add(child);
  child.onEnd(() => void instance.children.delete(child));
  return child;
}

export function updateControl(instance: Instance, change: Partial<Control>): void {
  const control = instance.dir.control();
  if (control !== null) instance.dir.writeControl({ ...control, ...change });
}

export function makePostgresWorld(
  engine: Engine,
  network: Network,
  chance: SeededChance,
  machines: readonly Machine[],
  trace: (machine: string, text: string) => void,
): PostgresWorld {
  const servers = new Set<Instance>();
  for (const { disk, onPowerLost } of machines)
    onPowerLost((keeps) => {
      for (const wal of walsOn(disk)) loseTail(wal, keeps);
    });
  return {
    engine,
    network,
    chance,
    trace,
    servers,
    openedMixed: new Set(),
    begun: [],
    acknowledged: null,
    confirming: null,
    tuning: { ...quickPostgres },
    machine: (name) => machines.find((machine) => machine.name === name) ?? null,
    serverAt: (name, port) =>
      [...servers].find((one) => one.machine.name === name && one.port === port && one.phase !== 'dead') ?? null,
  };
}
