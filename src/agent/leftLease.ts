import { bootIdPath, readGuardState, writeGuardState } from '../codec/guard.ts';
import type { HeldLease } from '../model/cluster.ts';
import type { GuardState } from '../model/guard.ts';
import { later } from '../model/units.ts';
import type { World } from '../model/world.ts';

/** Less than this of it left, and it is gone before it could be proven. */
const leastMs = 500;

/**
 * A paused cluster keeps its primary while the agent is replaced, and no guardian holds the lease then. It is left in a file
 * for the next agent, which leads again at once: it counts for one start, in this boot, until it has run out, and proves
 * nothing before etcd says the same.
 */
export function makeLeftLease(
  { files, clock }: Pick<World, 'files' | 'clock'>,
  place: { readonly stateDir: string; readonly dataDir: string },
) {
  const path = `${place.stateDir}/lease.json`;
  const bootId = async (): Promise<string | null> => {
    const boot = await files.read(bootIdPath);
    return boot.kind === 'text' ? boot.text.trim() : null;
  };
  return {
    async leave({ deadlineMs, lease, term, ttlMs, sentMs }: HeldLease): Promise<void> {
      const boot = await bootId();
      if (boot === null) return;
      const state: GuardState = { bootId: boot, dataDir: place.dataDir, deadlineMs, lease, term, ttlMs, sentMs };
      await files.write(path, writeGuardState(state), 0o600);
    },
    async take(): Promise<GuardState | null> {
      const file = await files.read(path);
      if (file.kind !== 'text') return null;
      await files.remove(path);
      const state = readGuardState(file.text);
      if (state === null || state.deadlineMs === null || state.dataDir !== place.dataDir) return null;
      return state.bootId === (await bootId()) && later(clock.now(), leastMs) < state.deadlineMs ? state : null;
    },
  };
}
