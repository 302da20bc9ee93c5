import type { Pid } from '../../model/units.ts';
import type { Cancel, World } from '../../model/world.ts';

/** Feels the end of a WAL stream by the end of its process, a walreceiver's or a walsender's. */
export interface StreamWatch {
  /** These from now on, and no others; null: not told. */
  set(pids: readonly (Pid | null)[]): void;
}

export function makeStreamWatch(processes: World['processes'], ended: () => void): StreamWatch {
  const watched = new Map<Pid, Cancel>();
  return {
    set(pids) {
      for (const [pid, cancel] of watched)
        if (!pids.includes(pid)) {
          cancel();
          watched.delete(pid);
        }
      for (const pid of pids) {
        const info = pid === null || watched.has(pid) ? null : processes.describe(pid);
        if (info === null) continue;
        const { pid: found, startTicks } = info;
        const over = (): void => {
          watched.delete(found);
          ended();
        };
        watched.set(found, processes.watchExit(found, startTicks, over));
      }
    },
  };
}
