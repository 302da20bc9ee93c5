import type { InstantMs } from '../model/units.ts';
import type { Cancel, Clock } from '../model/world.ts';

export interface Deadman {
  /** The deadline moved: strike at `atMs` unless it moves again. */
  setAt(atMs: InstantMs): void;
  stop(): void;
}

/**
 * Stops PostgreSQL before the lease ends when no renewal was proven, whatever the loop is doing. It stands outside the
 * loop, on the same clock, and knows one instant. Moving it forward is all that a renewal does here.
 */
export function makeDeadman(clock: Clock, strike: () => void): Deadman {
  let atMs: InstantMs | null = null;
  let cancel: Cancel | null = null;

  function arm(at: InstantMs): void {
    cancel?.();
    cancel = clock.at(at, () => {
      cancel = null;
      if (atMs === null || clock.now() < atMs) return;
      atMs = null;
      strike();
    });
  }

  return {
    setAt(next) {
      atMs = next;
      arm(next);
    },
    stop() {
      atMs = null;
      cancel?.();
      cancel = null;
    },
  };
}
