import { type Pid, pid as toPid } from '../model/units.ts';
import type { SeededChance } from './chance.ts';
import type { MachineClock } from './clock.ts';
import type { Engine } from './engine.ts';
import type { Ending, Program, ProgramStart, Signal, SimProcess } from './process.ts';
import { makeSuspension, type Sleeper } from './suspension.ts';

/** The kernel's table of one machine's processes. */
export interface ProcessTable {
  spawn(options: SpawnOptions): SimProcess;
  find(pid: Pid): SimProcess | null;
  all(): readonly SimProcess[];
  /** The power goes: every process ends at once, unheard. */
  killAll(): void;
  /** The machine stands still: nothing runs on it, and CLOCK_MONOTONIC does not either. */
  suspend(): void;
  /** Everything runs on, some sooner than others. */
  wake(chance: SeededChance): void;
  isSuspended(): boolean;
  /** Whether anything that is not dead does not run. */
  someStopped(): boolean;
  /** Another one when anything began, ended, was stopped or went on. */
  version(): number;
}

export interface SpawnOptions {
  readonly parent: Pid;
  readonly executable: string;
  readonly start: ProgramStart;
  readonly cwd: string;
  readonly program: Program;
  readonly onLine?: (line: string) => void;
}

export function makeProcessTable(engine: Engine, clock: MachineClock): ProcessTable {
  const live = new Map<Pid, SimProcess>();
  const suspension = makeSuspension(engine);
  let powerLost = false;
  let stopped = 0;
  let version = 0;
  let lastPid = 100;

  function spawn({ parent, executable, start, cwd, program, onLine }: SpawnOptions): SimProcess {
    const pid = toPid(++lastPid);
    const handlers = new Map<Signal, (sentMs: number) => void>();
    const held: (() => void)[] = []; // what arrived while stopped
    const endListeners = new Set<(ending: Ending) => void>();
    let state: 'running' | 'stopped' | 'dead' = 'running';
    let ended: Ending | null = null;
    let runningSinceMs = engine.now();
    /** Its machine stands still, or has given it no time yet since it woke. */
    let asleep = suspension.isOn();
    /** When it compares its waits with the clock next, after its machine woke. */
    let tickAtMs = 0;
    let directory = cwd;
    let image = { executable, args: start.args };

    function end(ending: Ending): void {
      if (state === 'dead') return;
      version += 1;
      if (state === 'stopped') stopped -= 1;
      state = 'dead';
      ended = ending;
      live.delete(pid);
      held.length = 0;
      for (const listener of [...endListeners]) listener(ending);
      endListeners.clear();
    }

    function deliver(what: () => void): void {
      if (powerLost) return; // the next in turn: nobody hears of another's end any more
      if (state === 'running' && !asleep) what();
      else if (state !== 'dead') held.push(what);
    }
    /** In order; what was held may itself stop or end the process. */
    function drain(): void {
      while (state === 'running' && !asleep && held.length > 0) held.shift()?.();
    }
    const sleeper: Sleeper = {
      isDead: () => state === 'dead',
      fallAsleep() {
        asleep = true;
      },
      wokenAt: (atMs) => {
        tickAtMs = atMs;
      },
      run() {
        asleep = false;
        runningSinceMs = engine.now();
        drain();
      },
    };
    suspension.add(sleeper);

    const self: SimProcess = {
      pid,
      startTicks: Math.floor(clock.now() / 10),
      startedWallMs: clock.wall(),
      executable: () => image.executable,
      commandLine: () => [image.executable, ...image.args].join(' '),
      become: (path, args) => {
        image = { executable: path, args };
      },
      // An orphan belongs to init.
      parent: () => (live.has(parent) ? parent : toPid(1)),
      cwd: () => directory,
      chdir: (path) => {
        directory = path;
      },
      state: () => (state === 'running' && suspension.isOn() ? 'stopped' : state),
      runningSinceMs: () => (state === 'running' && !asleep ? runningSinceMs : null),
      ending: () => ended,
      deliver,
      receive: (what) => new Promise((resolve) => void what.then((value) => deliver(() => resolve(value)))),
      after: (delayMs, fire) => suspension.after(delayMs, () => deliver(fire)),
      at: (atMs, fire) =>
        suspension.at(
          atMs,
          () => tickAtMs,
          () => deliver(fire),
        ),
      onSignal: (signal, handler) => void handlers.set(signal, handler),
      exit: (code) => end({ kind: 'exited', code }),
      signal(signal) {
        if (state === 'dead') return;
        if (signal === 'KILL') return end({ kind: 'killed', signal });
        if (signal === 'STOP') {
          version += 1;
          if (state === 'running') stopped += 1;
          state = 'stopped';
          return;
        }
        if (signal === 'CONT') {
          if (state !== 'stopped') return;
          version += 1;
          stopped -= 1;
          state = 'running';
          runningSinceMs = engine.now();
          engine.after(0, drain); // one event
          return;
        }
        const handler = handlers.get(signal);
        const sentMs = engine.now();
        deliver(() => (handler === undefined ? end({ kind: 'killed', signal }) : handler(sentMs)));
      },
      onEnd(ended) {
        endListeners.add(ended);
        return () => void endListeners.delete(ended);
      },
      print: (line) => onLine?.(line),
    };
    live.set(pid, self);
    version += 1;
    program(self, start);
    return self;
  }

  return {
    spawn,
    find: (pid) => live.get(pid) ?? null,
    all: () => [...live.values()],
    killAll() {
      powerLost = true;
      for (const one of [...live.values()]) one.signal('KILL');
      powerLost = false;
      suspension.end();
    },
    suspend() {
      version += 1;
      suspension.begin();
    },
    wake(chance) {
      version += 1;
      suspension.wake(chance);
    },
    isSuspended: suspension.isOn,
    someStopped: () => suspension.isOn() || stopped > 0,
    version: () => version,
  };
}
