import type { Expectations } from '../../model/scenario.ts';

/** Whoever leads in the end, and however long that took: all members stream again, and no more is lost than what was written so long before. */
export const comesBack = (lostMs: number): Expectations => ({
  primary: 'any',
  writeGap: null,
  proxiedWriteGap: null,
  readGap: null,
  proxiedReadGap: null,
  streamingWithin: { ttls: 4, ms: 60_000 },
  lostWrites: { ttls: 0, ms: lostMs },
});
