import type { LabEvent } from './events.ts';

const keptMost = 500;

/** What was seen happen: kept here, since the journal of an agent that is dead or cut off cannot be asked. */
export interface Album {
  /** Takes in what the journals hold now; gives what is new in it. */
  add(events: readonly LabEvent[]): readonly LabEvent[];
  /** Something that a person did to a machine. */
  act(text: string): void;
  /** The oldest first. */
  all(): readonly LabEvent[];
}

export function makeAlbum(): Album {
  const kept = new Map<string, LabEvent>();
  let acts: LabEvent[] = [];
  return {
    add(events) {
      const fresh = [...acts, ...events].filter((event) => !kept.has(keyOf(event)));
      acts = [];
      for (const event of fresh) kept.set(keyOf(event), event);
      for (const key of kept.keys()) {
        if (kept.size <= keptMost) break;
        kept.delete(key);
      }
      return fresh.toSorted(byTime);
    },
    act: (text) => void acts.push({ wall: new Date().toISOString(), node: 'you', text }),
    all: () => [...kept.values()].toSorted(byTime),
  };
}

const keyOf = ({ wall, node, text }: LabEvent): string => `${wall} ${node} ${text}`;
const byTime = (a: LabEvent, b: LabEvent): number => a.wall.localeCompare(b.wall);
