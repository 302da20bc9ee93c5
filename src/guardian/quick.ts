import { later } from '../model/units.ts';
import type { Clock } from '../model/world.ts';

/** Enough for any disk that answers; a strike is no later for one that does not. */
const limitMs = 100;

/** Asks the disk, but does not wait for one that hangs: null then, and at once while an earlier question is still open. */
export function makeQuick(clock: Pick<Clock, 'now' | 'at'>): <T>(ask: () => Promise<T>) => Promise<T | null> {
  let open = 0;
  return async (ask) => {
    if (open > 0) return null;
    open += 1;
    const answer = ask().finally(() => {
      open -= 1;
    });
    answer.catch(() => {}); // told to whoever still waits
    let stop = (): void => {};
    const late = new Promise<null>((resolve) => {
      stop = clock.at(later(clock.now(), limitMs), () => resolve(null));
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      stop();
    }
  };
}

export type Quick = ReturnType<typeof makeQuick>;
