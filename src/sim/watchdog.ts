import type { Watchdog } from '../model/guard.ts';
import type { Engine } from './engine.ts';
import type { SimProcess } from './process.ts';

/** The kernel's side of a machine's watchdog device: who opened it may die, and it counts on. */
export interface MachineWatchdog {
  /** As one process uses it. */
  openFor(self: SimProcess): Watchdog;
  /** The seconds that it was last set to; null: it does not count. */
  countsS(): number | null;
  /** The machine lost its power: nothing counts any more. */
  losePower(): void;
}

export function makeMachineWatchdog(engine: Engine, fires: () => void): MachineWatchdog {
  /** Of a driver that nobody has set yet. */
  const atFirstS = 60;
  let holder: SimProcess | null = null;
  let setS = atFirstS;
  let cancel: (() => void) | null = null;

  function stop(): void {
    cancel?.();
    cancel = null;
  }
  function count(): void {
    stop();
    cancel = engine.after(setS * 1000, () => {
      cancel = null;
      fires();
    });
  }

  return {
    openFor: (self) => ({
      open() {
        if (holder !== null) return { kind: 'failed', why: 'EBUSY' };
        holder = self;
        self.onEnd(() => {
          if (holder === self) holder = null; // closed without the magic letter: it counts on
        });
        count();
        return {
          kind: 'open',
          device: {
            setSeconds(seconds) {
              setS = seconds;
              count();
              return setS;
            },
            pat() {
              count();
              return true;
            },
            close() {
              holder = null;
              stop();
              return true;
            },
          },
        };
      },
    }),
    countsS: () => (cancel === null ? null : setS),
    losePower() {
      holder = null;
      setS = atFirstS;
      stop();
    },
  };
}
