import type { HalfDone, LocalPostgres } from '../../model/postgres.ts';
import { must } from './configure.ts';
import type { PostgresParts } from './parts.ts';

/** A note beside the data directory while it is half of something; whoever finds it later knows what died here, and in which directory. */
export const mark = (
  parts: PostgresParts,
  left: HalfDone,
  more: Partial<Pick<Marked, 'claimed' | 'over'>> = {},
): Promise<void> => {
  const { marker, dataDir } = parts.places();
  return must(parts.world.files.write(marker, `${JSON.stringify({ left, dataDir, claimed: [], ...more })}\n`, 0o600));
};

export const unmark = (parts: PostgresParts): Promise<void> => must(parts.world.files.remove(parts.places().marker));

export interface Marked {
  readonly left: HalfDone;
  /** Null: that is not told. */
  readonly dataDir: string | null;
  /** Folders outside it that were empty before. */
  readonly claimed: readonly string[];
  /** A copy goes over data that was given up for it, whose control file had this stamp; null: it had none. Undefined: it went into an empty directory. */
  readonly over: string | null | undefined;
}

/** What is told of the control file before a copy goes over it: while it is the same, nobody has put other data there. */
export async function controlStamp(parts: PostgresParts): Promise<string | null> {
  const file = await parts.world.files.stat(parts.places().control);
  return file.kind === 'file' ? file.stamp : null;
}

/** What a job that died was doing; it is there, too, while one is at work. Undefined: nothing. */
export async function readMark(parts: PostgresParts): Promise<Marked | undefined> {
  const marker = await parts.world.files.read(parts.places().marker);
  if (marker.kind !== 'text') return undefined;
  const { text } = marker;
  const left = (['initdb', 'basebackup', 'rewind', 'removal'] as const).find((one) => text.includes(`"${one}"`));
  return left === undefined ? undefined : { left, ...placesIn(text) };
}

function placesIn(text: string): Omit<Marked, 'left'> {
  try {
    const { dataDir, claimed, over } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    return {
      dataDir: typeof dataDir === 'string' ? dataDir : null,
      claimed: Array.isArray(claimed) ? claimed.filter((one): one is string => typeof one === 'string') : [],
      over: typeof over === 'string' || over === null ? over : undefined,
    };
  } catch {
    return { dataDir: null, claimed: [], over: undefined };
  }
}

/** A job died here: what it left, by whether there is a control file. Null: none did, or what it left is whole. */
export async function lookAtMark(parts: PostgresParts, isThere: boolean): Promise<LocalPostgres | null> {
  const { dataDir, marker, backupLabel } = parts.places();
  const marked = await readMark(parts);
  if (marked === undefined) return null;
  const { left } = marked;
  if (marked.dataDir !== null && marked.dataDir !== dataDir) {
    const why = `${marker} says that a job (${left}) died in ${marked.dataDir}, and this is ${dataDir}: which of them is whole, people must say. Remove that file, or go back to that directory`;
    return { kind: 'unreadable', why };
  }
  // Nothing was removed yet.
  if (left === 'removal' && isThere) return null;
  // A base backup has its label before anything else, and what initdb makes nobody can tell from what was put there since.
  const label = left === 'basebackup' && isThere ? await parts.world.files.stat(backupLabel) : null;
  const isGivenUp = typeof marked.over === 'string' && marked.over === (await controlStamp(parts));
  const mayBeWhole = isThere && !isGivenUp && (left === 'initdb' || label?.kind === 'absent');
  const inPlace = left === 'basebackup' && marked.over !== undefined;
  return { kind: 'partialData', left, ...(mayBeWhole ? { mayBeWhole } : {}), ...(inPlace ? { inPlace } : {}) };
}

/** A removal begins with the control file: while that is there, nothing is gone, and the data is judged like any other. */
export async function unmarkWhole(parts: PostgresParts): Promise<void> {
  if ((await readMark(parts))?.left === 'removal') await unmark(parts);
}
