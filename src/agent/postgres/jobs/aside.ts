import { must } from '../configure.ts';
import type { PostgresParts } from '../parts.ts';
import { setOutsideAside } from './outside.ts';

const keptInside = '.set-aside.';
const stagingName = '.clone.new';

/** Not of PostgreSQL: the file system's own folder, and what was set aside for a human to look at. */
export const isKept = (name: string): boolean => name === 'lost+found' || name.startsWith(keptInside);

/**
 * Renames the data directory out of the way, to the first free name. Where that can not be, since it is a mount point or
 * its parent is not ours, the content is moved into a folder inside it: nothing is copied, and nothing is lost.
 */
export async function setAside(parts: PostgresParts, word: string): Promise<string | null> {
  const { files } = parts.world;
  const { dataDir } = parts.places();
  if ((await files.stat(dataDir)).kind === 'absent') return null;
  const held = await setOutsideAside(parts, (path) => firstFree(parts, `${path}.${word}`));
  if (held !== null) throw new Error(`${dataDir} is not set aside: ${held}`);
  const beside = await firstFree(parts, `${dataDir}.${word}`);
  const renamed = await files.rename(dataDir, beside);
  if (renamed.kind === 'done') return beside;
  const listing = await files.list(dataDir);
  if (listing.kind !== 'entries') throw new Error(renamed.why);
  const names = listing.names.filter((name) => !isKept(name));
  if (names.length === 0) return null;
  const inside = await firstFree(parts, `${dataDir}/${keptInside}${word}`);
  await must(files.makeDirectory(inside, 0o700));
  for (const name of names) await must(files.rename(`${dataDir}/${name}`, `${inside}/${name}`));
  parts.note('warning', 'the data directory could not be renamed: its content was moved into a folder inside it', [
    ['why', renamed.why],
    ['to', inside],
    ['whenNoLongerNeeded', 'remove it: it takes room, and every copy of this directory takes it along'],
  ]);
  return inside;
}

async function firstFree(parts: PostgresParts, path: string): Promise<string> {
  for (let number = 0; ; number += 1) {
    const candidate = number === 0 ? path : `${path}.${number}`;
    if ((await parts.world.files.stat(candidate)).kind === 'absent') return candidate;
  }
}

/** pg_basebackup wants a folder that is empty to the last hidden file; where something is kept, a copy begins beside it. */
export const stagingFor = (dataDir: string, names: readonly string[]): string =>
  names.length === 0 ? dataDir : `${dataDir}/${stagingName}`;

/** A finished copy takes its place: the control file comes last, since it is what makes a data directory. */
export async function unstage(parts: PostgresParts, staging: string): Promise<void> {
  const { files } = parts.world;
  const { dataDir } = parts.places();
  if (staging === dataDir) return;
  const listing = await files.list(staging);
  if (listing.kind !== 'entries') throw new Error(`${staging}: ${listing.kind}`);
  const names = [...listing.names.filter((name) => name !== 'global'), 'global'];
  for (const name of names) await must(files.rename(`${staging}/${name}`, `${dataDir}/${name}`));
  await must(files.remove(staging));
}
