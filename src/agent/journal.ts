import { entriesAround } from '../codec/journal.ts';
import type { Entry } from '../model/decision.ts';
import type { Cancel, World } from '../model/world.ts';

/** The rest of an entry: the journal adds the two times. */
export type EntryBody = Entry extends infer E ? (E extends Entry ? Omit<E, 'atMs' | 'wall'> : never) : never;

export interface Journal {
  record(body: EntryBody): void;
  recent(limit: number): readonly Entry[];
  /** The oldest that there is, and those around a moment: from memory as far as that reaches, else from the disk. */
  around(atMs: number): Promise<readonly Entry[]>;
  subscribe(receive: (entry: Entry) => void): Cancel;
  /** Settles when everything recorded so far is on disk, or could not be. */
  flushed(): Promise<void>;
}

const keptInMemory = 1_000;
const fileBytesMax = 4_000_000;

/**
 * Every decision with rule and facts. In memory for the API, on disk for `why` when the agent is dead; bounded in both.
 * A full disk stops the file, never the agent.
 */
export function makeJournal(
  world: Pick<World, 'clock' | 'files'>,
  path: string,
  tell: (entry: Entry) => void,
): Journal {
  const entries: Entry[] = [];
  const listeners = new Set<(entry: Entry) => void>();
  let unwritten: string[] = [];
  let writing: Promise<void> | null = null;
  let sizeBytes: number | null = null;

  async function write(): Promise<void> {
    while (unwritten.length > 0) {
      const text = unwritten.join('');
      unwritten = [];
      if (sizeBytes === null) {
        const stat = await world.files.stat(path);
        sizeBytes = stat.kind === 'file' ? stat.sizeBytes : 0;
      }
      if (sizeBytes > fileBytesMax) {
        await world.files.rename(path, `${path}.1`);
        sizeBytes = 0;
      }
      const outcome = await world.files.append(path, text, 0o600);
      sizeBytes += outcome.kind === 'done' ? text.length : 0;
    }
    writing = null;
  }

  return {
    record(body) {
      const entry = { ...body, atMs: world.clock.now(), wall: new Date(world.clock.wall()).toISOString() } as Entry;
      entries.push(entry);
      if (entries.length > keptInMemory) entries.splice(0, entries.length - keptInMemory);
      unwritten.push(`${JSON.stringify(entry)}\n`);
      if (unwritten.length > keptInMemory) unwritten.splice(0, unwritten.length - keptInMemory);
      writing ??= write();
      for (const receive of listeners) receive(entry);
      tell(entry);
    },
    recent: (limit) => entries.slice(-limit),
    async around(atMs) {
      if (entries.some(({ kind, wall }) => kind === 'decided' && Date.parse(wall) <= atMs)) return entries;
      // The file before the last turn comes first.
      const files = await Promise.all([`${path}.1`, path].map((one) => world.files.read(one)));
      const text = files.map((file) => (file.kind === 'text' ? file.text : '')).join('');
      return [...entriesAround(text, atMs), ...entries];
    },
    subscribe(receive) {
      listeners.add(receive);
      return () => listeners.delete(receive);
    },
    flushed: () => writing ?? Promise.resolve(),
  };
}
