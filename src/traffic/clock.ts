import { instantMs, wallMs } from '../model/units.ts';
import type { Outside } from './seek.ts';

/** Half the cost of the agent's clock, at a hundred waits a second. It stands still in suspend, like the traffic itself. */
export const trafficClock: Outside['clock'] = {
  now: () => instantMs(performance.now()),
  wall: () => wallMs(Date.now()),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done);
    }),
};
