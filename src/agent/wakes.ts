import type { InstantMs } from '../model/units.ts';
import type { Clock } from '../model/world.ts';

export interface Wakes {
  /** Look again. Carries no work: the reasons are for the journal. */
  wake(reason: string): void;
  /** Settles at the first wake, or at `atMs`; gives the reasons gathered since the last time, and forgets them. */
  next(atMs: InstantMs): Promise<readonly string[]>;
}

const reasonsMax = 20;

export function makeWakes(clock: Clock): Wakes {
  let reasons: string[] = [];
  let awaken: (() => void) | null = null;

  const take = (): readonly string[] => {
    const taken = reasons;
    reasons = [];
    return taken;
  };
  return {
    wake(reason) {
      if (reasons.length < reasonsMax && !reasons.includes(reason)) reasons.push(reason);
      awaken?.();
    },
    next(atMs) {
      if (reasons.length > 0) return Promise.resolve(take());
      return new Promise((resolve) => {
        const wakeUp = (): void => {
          if (awaken === null) return;
          awaken = null;
          cancel();
          resolve(reasons.length > 0 ? take() : ['timer']);
        };
        const cancel = clock.at(atMs, wakeUp);
        awaken = wakeUp;
      });
    },
  };
}
