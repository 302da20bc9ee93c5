import { type Crashes, crashesFile, readCrashes, writeCrashes } from '../codec/crashes.ts';
import type { Memory } from '../model/observation.ts';
import { type InstantMs, later } from '../model/units.ts';
import type { World } from '../model/world.ts';
import { makeOneFile } from './oneFile.ts';

type Remembered = Pick<Memory, 'crash' | 'crashes'>;
const nothing: Remembered = { crash: null, crashes: [] };

/**
 * What ends a server often ends its agent, too, as when memory runs out: how often it went down here, and how often it was started, is
 * kept on disk, else each agent would begin the loop of promotion and crash anew. A clock that was set meanwhile costs no more than
 * a pause, or one pause too few.
 */
export function makeCrashes(
  { clock, files }: Pick<World, 'clock' | 'files'>,
  { stateDir, note }: { readonly stateDir: string; readonly note: (level: 'warning', text: string) => void },
) {
  const path = crashesFile(stateDir);
  const onDisk = makeOneFile(files, path);
  let kept = nothing;
  let failing = false;
  let writing: Promise<void> = Promise.resolve();

  const wallOf = (atMs: InstantMs): number => Math.round(clock.wall() - (clock.now() - atMs));
  const instantsOf = (times: readonly number[]): readonly InstantMs[] =>
    times
      .map((time) => clock.wall() - time)
      .filter((ageMs) => ageMs >= 0)
      .map((ageMs) => later(clock.now(), -ageMs))
      .sort((a, b) => a - b);

  async function write(now: Remembered): Promise<void> {
    const { crash, crashes } = now;
    const told: Crashes = {
      atWallMs: crashes.map(wallOf),
      startsWallMs: (crash?.attemptsMs ?? []).map(wallOf),
      isDown: isDown(now),
    };
    const why = await onDisk(writeCrashes(told));
    if (why !== null && !failing)
      note('warning', `the next agent will not know how often PostgreSQL went down here: ${why}`);
    failing = why !== null;
    if (failing && kept === now) kept = nothing; // and it is written again with the next decision
  }

  return {
    async load(): Promise<Remembered> {
      const file = await files.read(path);
      if (file.kind === 'absent') return nothing;
      const before = file.kind === 'text' ? readCrashes(file.text) : null;
      if (before === null) {
        note('warning', `${path}: no list of crashes can be read there; they count as none`);
        return nothing;
      }
      const attemptsMs = instantsOf(before.startsWallMs);
      // Down still: that is no second crash.
      const sinceMs = before.isDown ? clock.now() : null;
      const crash = before.isDown || attemptsMs.length > 0 ? { sinceMs, attemptsMs } : null;
      kept = { crash, crashes: instantsOf(before.atWallMs) };
      return kept;
    },
    /** After each decision; does nothing while nothing is new. */
    keep({ crash, crashes }: Remembered): void {
      const now = { crash, crashes };
      if (summaryOf(now) === summaryOf(kept)) return;
      kept = now;
      writing = write(now);
    },
    flushed: (): Promise<void> => writing,
  };
}

const isDown = ({ crash, crashes }: Remembered): boolean => crashes.length > 0 && (crash?.sinceMs ?? null) !== null;

const summaryOf = (told: Remembered): string =>
  [isDown(told), told.crashes.join(), (told.crash?.attemptsMs ?? []).join()].join(';');
