import type { SeededChance } from './chance.ts';
import { type MachineClock, makeMachineClock } from './clock.ts';
import { type Disk, makeDisk } from './disk.ts';
import type { Engine } from './engine.ts';
import type { Program } from './process.ts';
import { makeProcessTable, type ProcessTable } from './processTable.ts';
import type { LocalSockets } from './sockets.ts';
import { makeLocalSockets } from './sockets.ts';
import type { Keeps } from './unsynced.ts';
import type { MachineWatchdog } from './watchdog.ts';

/** A host: its own clock, disk, processes and unix sockets. Its programs know nothing of the others but by the network. */
export interface Machine {
  readonly name: string;
  readonly engine: Engine;
  readonly chance: SeededChance;
  readonly clock: MachineClock;
  readonly disk: Disk;
  readonly processes: ProcessTable;
  readonly sockets: LocalSockets;
  /** Least time that a change of the disk takes. Raised: the disk stalls. */
  fsyncMs: number;
  /** What is written to a server's WAL is not flushed before this is over; all else of the disk goes on. */
  flushStalls: boolean;
  /** Now, or when the disk flushes again. */
  whenFlushed(go: () => void): void;
  /** Nothing that is asked of the disk is answered before this is over: reads, too. */
  diskHangs: boolean;
  /** The last time that it hung, in true time; null: it never did. */
  lastHang(): { readonly fromMs: number; readonly untilMs: number | null } | null;
  /** Now, or when the disk answers again. */
  whenDiskAnswers(go: () => void): void;
  /** Told when a program takes a data directory's content away: what nobody else has is gone then. */
  onErased: ((path: string, how: 'removed' | 'rewound') => void) | null;
  /** Its watchdog device; null: it has none. */
  watchdog: MachineWatchdog | null;
  /** Folders that cannot be renamed: EBUSY. */
  readonly mountPoints: Set<string>;
  /** The program behind a command, or null: no such file. */
  programFor(program: string, args: readonly string[]): Program | null;
  /** Programs by file name; the last one that answers is run. */
  install(name: string, program: Program): void;
  /** What a power cut does: processes die, sockets go, and of what was not synced only this stays. */
  powerOff(keeps: Keeps): void;
  /** Called then, for what files hold beside their text. */
  onPowerLost(lose: (keeps: Keeps) => void): void;
  powered(): boolean;
  powerOn(): void;
  /** Everything stands still: a paused virtual machine, a laptop that sleeps. CLOCK_BOOTTIME goes on. */
  suspend(): void;
  wake(): void;
  suspended(): boolean;
  /** Now, or when it no longer stands still; never, when its power goes first. */
  whenAwake(go: () => void): void;
}

export function makeMachine(
  engine: Engine,
  chance: SeededChance,
  name: string,
  { rate, bootedMs }: { rate: number; bootedMs: number },
): Machine {
  const clock = makeMachineClock(engine, { rate, bootedMs });
  const installed = new Map<string, Program>();
  const disk = makeDisk(engine.now);
  let whenAwake: (() => void)[] = [];
  const losers: ((keeps: Keeps) => void)[] = [];
  const processes = makeProcessTable(engine, clock);
  const sockets = makeLocalSockets(engine);
  let boots = 0;
  let hangs = false;
  let lastHang: ReturnType<Machine['lastHang']> = null;
  let behindHang: (() => void)[] = [];
  let stalls = false;
  let behindStall: (() => void)[] = [];
  let powered = false;

  const machine: Machine = {
    name,
    engine,
    chance,
    clock,
    disk,
    processes,
    sockets,
    fsyncMs: 0.1,
    get flushStalls() {
      return stalls;
    },
    set flushStalls(now) {
      stalls = now;
      if (now) return;
      const waited = behindStall;
      behindStall = [];
      for (const go of waited) engine.after(0, go);
    },
    whenFlushed(go) {
      if (stalls) behindStall.push(go);
      else go();
    },
    get diskHangs() {
      return hangs;
    },
    set diskHangs(now) {
      if (now && !hangs) lastHang = { fromMs: engine.now(), untilMs: null };
      if (!now && hangs && lastHang !== null) lastHang = { ...lastHang, untilMs: engine.now() };
      hangs = now;
      if (now) return;
      const waited = behindHang;
      behindHang = [];
      for (const go of waited) engine.after(0, go);
    },
    lastHang: () => lastHang,
    whenDiskAnswers(go) {
      if (hangs) behindHang.push(go);
      else go();
    },
    onErased: null,
    watchdog: null,
    mountPoints: new Set(),
    programFor: (program) => installed.get(program.split('/').at(-1) ?? program) ?? null,
    install: (programName, program) => void installed.set(programName, program),
    powerOff(keeps) {
      powered = false;
      whenAwake = [];
      processes.killAll();
      disk.losePower(keeps);
      machine.watchdog?.losePower();
      for (const lose of losers) lose(keeps);
    },
    onPowerLost: (lose) => void losers.push(lose),
    powered: () => powered,
    suspend: processes.suspend,
    wake() {
      processes.wake(chance);
      const waited = whenAwake;
      whenAwake = [];
      for (const go of waited) engine.after(0, go);
    },
    suspended: processes.isSuspended,
    whenAwake(go) {
      if (processes.isSuspended()) whenAwake.push(go);
      else go();
    },
    powerOn() {
      powered = true;
      boots++;
      disk.makeDirectory('/proc/sys/kernel/random', 0o755, clock.wall());
      disk.put('/proc/sys/kernel/random/boot_id', `${name}-boot-${boots}\n`, 0o444, clock.wall());
    },
  };
  for (const folder of ['/tmp', '/var/lib', '/etc', '/run']) {
    disk.makeDirectory(folder, 0o755, clock.wall());
    disk.sync(folder);
  }
  machine.powerOn();
  return machine;
}
