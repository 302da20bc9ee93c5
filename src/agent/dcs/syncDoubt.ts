import type { DcsOutcome } from '../../model/outcome.ts';
import type { InstantMs, Revision } from '../../model/units.ts';
import type { World } from '../../model/world.ts';
import { absent } from './lease.ts';
import type { Seen } from './writes.ts';

/**
 * Whether a write to /sync may still arrive. Each compares the revision that it was decided on, so one that was lost sight
 * of can come true only while the key is still at that revision; a later write of mine ends that. One of an agent before
 * this one, of the same reign, may be on its way as well: nothing is settled before the first write of this life.
 */
export function makeSyncDoubt({ clock }: Pick<World, 'clock'>) {
  /** A read that was sent before that may show what was before: reads overtake one another. */
  let sinceMs = clock.now();
  let doubt: Revision | 'anything' | null = 'anything';
  return {
    isInDoubt: (): boolean => doubt !== null,
    seen(at: Revision, sentMs: InstantMs): void {
      if (sentMs < sinceMs) return;
      if (doubt !== null && doubt !== 'anything' && at !== doubt) doubt = null;
    },
    async write(seen: Seen, write: () => Promise<DcsOutcome<null>>): Promise<DcsOutcome<null>> {
      const before = doubt;
      sinceMs = clock.now();
      doubt = seen === 'any' ? 'anything' : (seen ?? absent);
      const outcome = await write();
      if (outcome.kind === 'done') doubt = null;
      // Never sent, or refused over a key that is another by now.
      else if (outcome.kind !== 'unknown') doubt = before;
      return outcome;
    },
  };
}
