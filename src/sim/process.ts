import type { Pid } from '../model/units.ts';

export type Signal = 'TERM' | 'INT' | 'QUIT' | 'KILL' | 'STOP' | 'CONT' | 'HUP' | 'USR1' | 'USR2';
export type Ending =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: Signal };

/** One process of one machine. Everything that reaches its program goes through `deliver`. */
export interface SimProcess {
  readonly pid: Pid;
  readonly startTicks: number;
  readonly startedWallMs: number;
  executable(): string;
  commandLine(): string;
  /** exec: the same process, another program. */
  become(executable: string, args: readonly string[]): void;
  parent(): Pid;
  cwd(): string;
  chdir(path: string): void;
  state(): 'running' | 'stopped' | 'dead';
  /** True time since when it runs without having been stopped; null: it does not run. */
  runningSinceMs(): number | null;
  /** How it ended; null: it lives. */
  ending(): Ending | null;
  /** Runs `what` as this process: now when it runs, on CONT (or when its machine wakes) when it is stopped, never when it is dead. */
  deliver(what: () => void): void;
  /** What `what` gives, as this process gets to know it: never, when it is dead by then. */
  receive<T>(what: Promise<T>): Promise<T>;
  /** Calls back after this long of CLOCK_MONOTONIC, as this process: it stands still while the machine does. */
  after(delayMs: number, fire: () => void): () => void;
  /**
   * Calls back at that true time, as Node's timers do with CLOCK_BOOTTIME behind them (world/clock.ts): what came due while the
   * machine stood still, or right after that, is found within a second.
   */
  at(atMs: number, fire: () => void): () => void;
  /** A handler instead of the signal's default, which is death; it hears when the signal was sent. KILL, STOP and CONT take none. */
  onSignal(signal: Signal, handler: (sentMs: number) => void): void;
  exit(code: number): void;
  signal(signal: Signal): void;
  /** The kernel's side of an end: locks, sockets and connections go, parents and watchers are told. */
  onEnd(ended: (ending: Ending) => void): () => void;
  print(line: string): void;
}

/** A simulated program's body: called once, as the new process. */
export type Program = (self: SimProcess, start: ProgramStart) => void;
export interface ProgramStart {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly input: string;
}
