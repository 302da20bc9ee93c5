import type { Clock } from '../model/world.ts';
import type { Machine } from './machine.ts';
import type { SimProcess } from './process.ts';

/** A machine's clock as one process uses it. A timer is late by a little, as timers are, and never early. */
export function makeClock(machine: Machine, self: SimProcess): Clock {
  const { engine, clock } = machine;
  const latenessMs = 0.2;
  const at: Clock['at'] = (atMs, fire) => self.at(clock.trueMs(atMs) + latenessMs, fire);
  return {
    now: clock.now,
    wall: clock.wall,
    at,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const cancel = self.at(engine.now() + Math.max(ms, 0), () => {
          signal?.removeEventListener('abort', aborted);
          resolve();
        });
        const aborted = (): void => {
          cancel();
          resolve();
        };
        signal?.addEventListener('abort', aborted, { once: true });
      }),
  };
}
