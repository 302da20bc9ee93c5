import type { TimelineEnd } from '../../model/postgres.ts';
import type { Lsn, Timeline } from '../../model/units.ts';

/** A history: where its earlier timelines ended, and the one it is on. */
export interface WalHistory {
  readonly earlier: readonly Pick<TimelineEnd, 'timeline' | 'end'>[];
  readonly timeline: Timeline;
}

/** A stretch of one's own WAL on one timeline; `to` null: to its end. */
export interface WalStretch {
  readonly timeline: Timeline;
  readonly from: Lsn;
  readonly to: Lsn | null;
}

/**
 * The last position that both have, as pg_rewind finds it: timelines are the same as long as number and beginning are; and
 * what is mine from there on, timeline by timeline; nothing, where they do not part. Null: they never met.
 */
export function partingOf(mine: WalHistory, theirs: WalHistory): readonly WalStretch[] | null {
  const [a, b] = [entries(mine), entries(theirs)];
  let common = -1;
  while (a[common + 1]?.timeline === b[common + 1]?.timeline && a[common + 1]?.begin === b[common + 1]?.begin) {
    common += 1;
    if (common + 1 >= Math.min(a.length, b.length)) break;
  }
  const [last, other] = [a[common], b[common]];
  if (last === undefined || other === undefined) return null;
  const fork = least(last.end, other.end);
  if (fork === null) return [];
  const rest = a.slice(common).filter(({ end }) => end === null || end > fork);
  // The first of them holds the fork, the others begin where the one before ended.
  return rest.map(({ timeline, begin, end }, at) => ({
    timeline,
    from: at === 0 && begin < fork ? fork : begin,
    to: end,
  }));
}

interface Stay {
  readonly timeline: Timeline;
  readonly begin: Lsn;
  readonly end: Lsn | null;
}

function entries({ earlier, timeline }: WalHistory): readonly Stay[] {
  let begin = 0n as Lsn;
  const stays: Stay[] = [];
  for (const { timeline: id, end } of earlier) {
    stays.push({ timeline: id, begin, end });
    begin = end;
  }
  return [...stays, { timeline, begin, end: null }];
}

const least = (a: Lsn | null, b: Lsn | null): Lsn | null => (a === null ? b : b === null ? a : a < b ? a : b);
