import type { GuardEntry } from '../codec/guard.ts';
import type { Fact } from '../model/decision.ts';
import type { World } from '../model/world.ts';

export type Act = (step: string, because?: readonly Fact[]) => void;

const fileBytesMax = 1_000_000;
const waitingMax = 200;

/**
 * What the guardian did, as lines of the journal: told at once, and kept in a file of bounded size beside the state,
 * for the case that nobody was there to hear. A full disk stops the file, nothing else.
 */
export function makeActs(
  world: Pick<World, 'clock' | 'files'>,
  path: string,
  tell: (entry: GuardEntry) => void,
): { act: Act; written(): Promise<void> } {
  const waiting: string[] = [];
  let writing: Promise<void> | null = null;

  async function write(): Promise<void> {
    while (waiting.length > 0) {
      const text = waiting.splice(0).join('');
      const stat = await world.files.stat(path);
      if (stat.kind === 'file' && stat.sizeBytes > fileBytesMax) await world.files.rename(path, `${path}.1`);
      await world.files.append(path, text, 0o600);
    }
    writing = null;
  }

  return {
    act(step, because = []) {
      const wall = new Date(world.clock.wall()).toISOString();
      const entry: GuardEntry = { kind: 'guard', atMs: world.clock.now(), wall, step, because };
      waiting.push(`${JSON.stringify(entry)}\n`);
      if (waiting.length > waitingMax) waiting.splice(0, waiting.length - waitingMax);
      writing ??= write();
      tell(entry);
    },
    written: () => writing ?? Promise.resolve(),
  };
}
