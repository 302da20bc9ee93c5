import type { Entry } from '../model/decision.ts';

const windowMs = 5000;
/** Cycles a second over a whole window. Looking ten times a second is waiting; hundreds of times is a loop without a pause. */
const mostPerS = 60;

/** Where an agent decided again and again without a pause: two rules that chase each other, or one that has no effect. */
export function restless(journal: readonly Entry[]): readonly string[] {
  const found: string[] = [];
  let first: (Entry & { kind: 'decided' }) | null = null;
  for (const entry of journal) {
    if (entry.kind !== 'decided') continue;
    // An agent that begins counts from 1 again.
    if (first === null || entry.cycle < first.cycle) first = entry;
    const forMs = entry.atMs - first.atMs;
    if (forMs < windowMs) continue;
    const cycles = entry.cycle - first.cycle;
    if (cycles > (mostPerS * forMs) / 1000)
      found.push(`${cycles} cycles in ${Math.round(forMs)} ms, around ${first.rule} and ${entry.rule}`);
    first = entry;
  }
  return found;
}
