import { type InstantMs, instantMs, type WallMs, wallMs } from '../model/units.ts';
import type { Engine } from './engine.ts';

/** A machine's two clocks: one that only runs (its rate may drift), one for people that may step. */
export interface MachineClock {
  now(): InstantMs;
  wall(): WallMs;
  /** The true time at which this machine's clock shows that instant. */
  trueMs(atMs: number): number;
  stepWall(byMs: number): void;
}

/** `rate` 1.0001: gains a hundredth of a percent. `bootedMs`: what the clock shows when the run begins. */
export function makeMachineClock(engine: Engine, { rate, bootedMs }: { rate: number; bootedMs: number }): MachineClock {
  let wallOffsetMs = runBeganWallMs;
  return {
    // Whole microseconds: what a double adds beyond them differs between machines' libraries, never between runs.
    now: () => instantMs(Math.round((bootedMs + engine.now() * rate) * 1000) / 1000),
    wall: () => wallMs(Math.round(wallOffsetMs + engine.now() * rate)),
    trueMs: (atMs) => (atMs - bootedMs) / rate,
    stepWall(byMs) {
      wallOffsetMs += byMs;
    },
  };
}

/** 2030-01-01T00:00:00Z: a date that is clearly not today's. */
export const runBeganWallMs = 1_893_456_000_000;
