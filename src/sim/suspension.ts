import type { SeededChance } from './chance.ts';
import type { Engine } from './engine.ts';

/** What a machine's standing still is to one of its processes. */
export interface Sleeper {
  isDead(): boolean;
  fallAsleep(): void;
  /** The machine is awake; this one compares its waits with CLOCK_BOOTTIME then. */
  wokenAt(tickAtMs: number): void;
  /** It is given the processor again. */
  run(): void;
}

/** A machine that can stand still, as a paused virtual machine or a laptop does, and the two clocks that tell it. */
export interface Suspension {
  add(sleeper: Sleeper): void;
  isOn(): boolean;
  begin(): void;
  wake(chance: SeededChance): void;
  /** Its power goes: nobody is left to wake. */
  end(): void;
  /** By CLOCK_MONOTONIC. */
  after(delayMs: number, fire: () => void): () => void;
  /** By CLOCK_BOOTTIME; `tickAtMs`: when its process looks at that clock after the last suspension. */
  at(atMs: number, tickAtMs: () => number, fire: () => void): () => void;
}

/** suspendCheckMs of world/clock.ts. */
const checkEveryMs = 1000;
/** Until everything that can run has been given the processor. */
const scheduledWithinMs = 3;

export function makeSuspension(engine: Engine): Suspension {
  let sleepers: Sleeper[] = [];
  /** Which callbacks wait for its end. */
  let waiting: (() => void)[] = [];
  let sinceMs: number | null = null;
  /** How long it stood still, in all. */
  let sleptMs = 0;
  let wakings = 0;
  const isOn = (): boolean => sinceMs !== null;

  function end(): void {
    if (sinceMs !== null) sleptMs += engine.now() - sinceMs;
    sinceMs = null;
    waiting = [];
  }

  return {
    add(sleeper) {
      sleepers = sleepers.filter((one) => !one.isDead());
      sleepers.push(sleeper);
    },
    isOn,
    begin() {
      if (isOn()) return;
      sinceMs = engine.now();
      for (const one of sleepers) one.fallAsleep();
    },
    wake(chance) {
      if (!isOn()) return;
      const woken = waiting;
      end();
      wakings += 1;
      const mine = wakings;
      for (const one of sleepers) {
        one.wokenAt(engine.now() + chance.between(0, checkEveryMs));
        engine.after(chance.between(0, scheduledWithinMs), () => mine === wakings && !isOn() && one.run());
      }
      for (const go of woken) go();
    },
    end,
    after(delayMs, fire) {
      const sleptBeforeMs = sleptMs;
      let cancelled = false;
      let dueMs = engine.now() + delayMs;
      let counted = sleptBeforeMs;
      function look(): void {
        if (isOn()) return void waiting.push(again);
        if (sleptMs === counted) fire();
        else again();
      }
      /** What was slept meanwhile does not count. */
      function again(): void {
        if (cancelled) return;
        dueMs += sleptMs - counted;
        counted = sleptMs;
        stop = engine.at(dueMs, look);
      }
      let stop = engine.at(dueMs, look);
      return () => {
        cancelled = true;
        stop();
      };
    },
    at(atMs, tickAtMs, fire) {
      const setIn = wakings;
      let cancelled = false;
      function look(): void {
        if (isOn()) return void waiting.push(again);
        if (setIn !== wakings && engine.now() < tickAtMs()) again();
        else fire();
      }
      function again(): void {
        if (!cancelled) stop = engine.at(tickAtMs(), look);
      }
      let stop = engine.at(atMs, look);
      return () => {
        cancelled = true;
        stop();
      };
    },
  };
}
