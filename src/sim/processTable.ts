import { type Pid, pid as toPid } from '../model/units.ts';
import type { MachineClock } from './clock.ts';
import type { Engine } from './engine.ts';
import type { Ending, Program, ProgramStart, Signal, SimProcess } from './process.ts';

/** The kernel's table of one machine's processes. */
export interface ProcessTable {
  spawn(options: SpawnOptions): SimProcess;
  find(pid: Pid): SimProcess | null;
  all(): readonly SimProcess[];
  /** The power goes: every process ends at once, unheard. */
  killAll(): void;
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
  let powerLost = false;
  let lastPid = 100;

  function spawn({ parent, executable, start, cwd, program, onLine }: SpawnOptions): SimProcess {
    const pid = toPid(++lastPid);
    const handlers = new Map<Signal, () => void>();
    const held: (() => void)[] = []; // what arrived while stopped
    const endListeners = new Set<(ending: Ending) => void>();
    let state: 'running' | 'stopped' | 'dead' = 'running';
    let ended: Ending | null = null;
    let runningSinceMs = engine.now();
    let directory = cwd;
    let image = { executable, args: start.args };

    function end(ending: Ending): void {
      if (state === 'dead') return;
      state = 'dead';
      ended = ending;
      live.delete(pid);
      held.length = 0;
      for (const listener of [...endListeners]) listener(ending);
      endListeners.clear();
    }

    function deliver(what: () => void): void {
      if (powerLost) return; // the next in turn: nobody hears of another's end any more
      if (state === 'running') what();
      else if (state === 'stopped') held.push(what);
    }

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
      state: () => state,
      runningSinceMs: () => (state === 'running' ? runningSinceMs : null),
      ending: () => ended,
      deliver,
      receive: (what) => new Promise((resolve) => void what.then((value) => deliver(() => resolve(value)))),
      after: (delayMs, fire) => engine.after(delayMs, () => deliver(fire)),
      onSignal: (signal, handler) => void handlers.set(signal, handler),
      exit: (code) => end({ kind: 'exited', code }),
      signal(signal) {
        if (state === 'dead') return;
        if (signal === 'KILL') return end({ kind: 'killed', signal });
        if (signal === 'STOP') {
          state = 'stopped';
          return;
        }
        if (signal === 'CONT') {
          if (state !== 'stopped') return;
          state = 'running';
          runningSinceMs = engine.now();
          // One event, so that what was held arrives in order and may itself stop or end the process.
          engine.after(0, () => {
            while (state === 'running' && held.length > 0) held.shift()?.();
          });
          return;
        }
        const handler = handlers.get(signal);
        deliver(() => (handler === undefined ? end({ kind: 'killed', signal }) : handler()));
      },
      onEnd(ended) {
        endListeners.add(ended);
        return () => void endListeners.delete(ended);
      },
      print: (line) => onLine?.(line),
    };
    live.set(pid, self);
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
    },
  };
}
