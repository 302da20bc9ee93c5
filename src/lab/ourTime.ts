import type { Entry } from '../model/decision.ts';
import type { Happening } from '../model/live.ts';
import { boottimeMs } from '../world/libc.ts';

/**
 * A lab's machines have one kernel, and so one clock that nobody sets, CLOCK_BOOTTIME. What they wrote down is put in order by it,
 * however wrong the wall clocks of their agents are. Taken once: the same entry is of the same instant whenever it is read.
 */
let bootedMs: number | null = null;

/** Agents round, and a clock that is kept right is moved a little all the time. */
const rightWithinMs = 2_000;

/** How far its node's clock was ahead when this was written; 0: it was right. */
function skewOf({ wall, atMs }: { readonly wall: string; readonly atMs: number | null }): number {
  if (atMs === null) return 0;
  bootedMs ??= Date.now() - boottimeMs();
  const aheadMs = Math.round(Date.parse(wall) - (bootedMs + atMs));
  return Math.abs(aheadMs) < rightWithinMs ? 0 : aheadMs;
}

const earlier = (wall: string, byMs: number): string => new Date(Date.parse(wall) - byMs).toISOString();

/** By our clock, with how wrong its own was. */
export function inOurTime(happening: Happening): Happening {
  const skewMs = skewOf(happening);
  return skewMs === 0 ? happening : { ...happening, wall: earlier(happening.wall, skewMs), skewMs };
}

export function entryInOurTime(entry: Entry): Entry {
  const skewMs = skewOf(entry);
  return skewMs === 0 ? entry : { ...entry, wall: earlier(entry.wall, skewMs) };
}
