import type { Happening } from '../model/live.ts';

const keptMost = 500;

/** What was seen happen: kept here, since the journal of an agent that is dead or cut off cannot be asked. */
export interface Album {
  /** Takes in what journals hold; what is known already is passed over. */
  add(happenings: readonly Happening[]): void;
  /** Something that a person did to a machine, or a scenario; without a time, just now. */
  act(text: string, by: 'you' | 'play', wall?: string): void;
  /** The oldest first. */
  all(): readonly Happening[];
  /** Told of what is new, whoever brought it; gives what ends that. */
  listen(receive: (fresh: readonly Happening[]) => void): () => void;
}

export function makeAlbum(): Album {
  const kept = new Map<string, Happening>();
  const listeners = new Set<(fresh: readonly Happening[]) => void>();
  function add(happenings: readonly Happening[]): void {
    const fresh = happenings.filter((one) => !kept.has(keyOf(one))).toSorted(byTime);
    for (const one of fresh) kept.set(keyOf(one), one);
    for (const key of kept.keys()) {
      if (kept.size <= keptMost) break;
      kept.delete(key);
    }
    if (fresh.length > 0) for (const receive of listeners) receive(fresh);
  }
  return {
    add,
    act: (text, by, wall = new Date().toISOString()) =>
      add([
        {
          wall,
          atMs: null,
          skewMs: 0,
          node: by,
          kind: 'deed',
          text,
          because: [],
          decision: null,
        },
      ]),
    all: () => [...kept.values()].toSorted(byTime),
    listen(receive) {
      listeners.add(receive);
      return () => listeners.delete(receive);
    },
  };
}

const keyOf = ({ wall, node, text }: Happening): string => `${wall} ${node} ${text}`;
const byTime = (a: Happening, b: Happening): number => a.wall.localeCompare(b.wall);
