import type { Watchdog, WatchdogDevice } from '../../model/guard.ts';
import type { InstantMs } from '../../model/units.ts';
import type { Clock } from '../../model/world.ts';

export interface Device {
  state(): 'open' | 'missing' | 'unused';
  /** Why it is missing. */
  why(): string | null;
  /** A renewal was proven: count anew. Opens the device the first time. Null: it will fire in time, or is not used. */
  pat(deadlineMs: InstantMs, leaseEndMs: InstantMs): string | null;
  /** False: it counts on, and may reset the machine. */
  release(): boolean;
}

/**
 * /dev/watchdog, opened only while this node leads. It is written to only after a proven renewal, and set so that it fires
 * at the deadline or, since it counts whole seconds, up to one later, but before the lease ends: the guardian, which only
 * stops PostgreSQL, comes first.
 */
export function makeDevice(clock: Clock, watchdog: Watchdog | null): Device {
  let device: WatchdogDevice | null = null;
  let setS: number | null = null;
  let problem: string | null = watchdog === null ? 'not used' : null;

  return {
    state: () => (watchdog === null ? 'unused' : device !== null ? 'open' : problem === null ? 'unused' : 'missing'),
    why: () => problem,
    pat(deadlineMs, leaseEndMs) {
      if (watchdog === null) return null;
      if (device === null) {
        const opened = watchdog.open();
        problem = opened.kind === 'failed' ? opened.why : null;
        if (opened.kind === 'failed') return problem;
        device = opened.device;
        setS = null;
      }
      const nowMs = clock.now();
      const wantedS = Math.max(
        1,
        Math.min(Math.ceil((deadlineMs - nowMs) / 1000), Math.floor((leaseEndMs - nowMs) / 1000)),
      );
      if (wantedS !== setS) setS = device.setSeconds(wantedS) ?? wantedS;
      const patted = device.pat();
      // Said each time, but the device stays in use: one that fires late is better than none.
      if (!patted) problem = 'the watchdog device does not take a write';
      else if (nowMs + setS * 1000 > leaseEndMs)
        problem = `the watchdog device counts ${setS} s, longer than the lease`;
      else problem = null;
      return problem;
    },
    release() {
      const closed = device === null || device.close();
      device = null;
      return closed;
    },
  };
}
