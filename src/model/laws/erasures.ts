import type { History } from '../history.ts';
import type { Violation } from '../laws.ts';

/** A leader that was healthy this long ago may have died since: whoever asked just before could not know. */
const justNowMs = 10_000;

/** Law 6: what a node has is given up only while there is a healthy leader of the same system identifier. */
export const judgeErasures = (history: History): readonly Violation[] =>
  history.flatMap((seen) =>
    seen.kind === 'erasure' && (seen.leaderAgoMs === null || seen.leaderAgoMs > justNowMs)
      ? [{ law: 6, kind: 'erasedWithoutLeader', erasure: seen }]
      : [],
  );
