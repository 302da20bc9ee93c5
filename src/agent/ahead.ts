import { aheadFile, readAhead, writeAhead } from '../codec/ahead.ts';
import type { Memory } from '../model/observation.ts';
import type { World } from '../model/world.ts';
import { makeOneFile } from './oneFile.ts';

const nobody = '';

/**
 * That this standby is ahead of its leader shows for a moment only, before that one writes on: an agent that did not know it of the one
 * before would let the server follow over the difference.
 */
export function makeAhead(
  { files }: Pick<World, 'files'>,
  { stateDir, note }: { readonly stateDir: string; readonly note: (level: 'warning', text: string) => void },
) {
  const path = aheadFile(stateDir);
  const onDisk = makeOneFile(files, path);
  let kept = nobody;
  let writing: Promise<void> = Promise.resolve();

  async function write(text: string): Promise<void> {
    const why = await onDisk(text);
    if (why !== null) note('warning', `the next agent will not know that this standby is ahead of its leader: ${why}`);
  }

  return {
    async load(): Promise<Memory['divergence']> {
      const file = await files.read(path);
      if (file.kind !== 'text' || file.text === nobody) return null;
      kept = file.text;
      const before = readAhead(file.text);
      if (before === null) note('warning', `${path}: nobody can read that; it counts for nothing`);
      return before;
    },
    /** After each decision; does nothing while nothing is new. */
    keep({ divergence }: Pick<Memory, 'divergence'>): void {
      const text = writeAhead(divergence) ?? nobody;
      if (text === kept) return;
      kept = text;
      writing = write(text);
    },
    flushed: (): Promise<void> => writing,
  };
}
