import { crashesFile, readCrashes, writeCrashes } from '../codec/crashes.ts';
import type { Memory } from '../model/observation.ts';
import { type InstantMs, later } from '../model/units.ts';
import type { World } from '../model/world.ts';
import { makeOneFile } from './oneFile.ts';

type Remembered = Pick<Memory, 'crash' | 'crashes'>;
const nothing: Remembered = { crash: null, crashes: [] };

/**
 * What ends a server often ends its agent, too, as when memory runs out: how often it went down here is kept on disk, else each agent
 * would begin the loop of promotion and crash anew. A clock that was set meanwhile costs no more than a pause, or one pause too few.
 */
export function makeCrashes(
  { clock, files }: Pick<World, 'clock' | 'files'>,
  { stateDir, note }: { readonly stateDir: string; readonly note: (level: 'warning', text: string) => void },
) {
  const path = crashesFile(stateDir);
  const onDisk = makeOneFile(files, path);
  let kept = nothing;

  return {
    async load(): Promise<Remembered> {
      const file = await files.read(path);
      if (file.kind !== 'text') return nothing;
      const before = readCrashes(file.text);
      if (before === null) {
        note('warning', `${path}: no list of crashes can be read there; they count as none`);
        return nothing;
      }
      const agesMs = before.atWallMs.map((atMs) => clock.wall() - atMs).filter((ageMs) => ageMs >= 0);
      const crashes = agesMs.map((ageMs): InstantMs => later(clock.now(), -ageMs)).sort((a, b) => a - b);
      // Down still: that is no second crash.
      kept = { crash: before.isDown ? { sinceMs: clock.now(), attemptsMs: [] } : null, crashes };
      return kept;
    },
    /** After each decision; does nothing while nothing is new. */
    keep({ crash, crashes }: Remembered): void {
      const isNew = isDown({ crash, crashes }) !== isDown(kept) || crashes.join() !== kept.crashes.join();
      if (!isNew) return;
      kept = { crash, crashes };
      const atWallMs = crashes.map((atMs) => Math.round(clock.wall() - (clock.now() - atMs)));
      void onDisk(writeCrashes({ atWallMs, isDown: isDown(kept) })).then((why) => {
        if (why !== null) note('warning', `the next agent will not know how often PostgreSQL went down here: ${why}`);
      });
    },
  };
}

const isDown = ({ crash, crashes }: Remembered): boolean => crashes.length > 0 && (crash?.sinceMs ?? null) !== null;
