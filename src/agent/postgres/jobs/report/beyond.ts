import { partingOf, type WalStretch } from '../../../../codec/postgres/fork.ts';
import type { Upstream } from '../../../../model/postgres.ts';
import { type Lsn, type Timeline, timeline } from '../../../../model/units.ts';
import type { PostgresParts } from '../../parts.ts';
import { leaderHistory, ownHistory } from '../lineage.ts';

/** What of this node's WAL the leader's history does not have; told by both histories, whatever the server was. */
export interface Beyond {
  readonly systemId: string;
  readonly timeline: Timeline;
  /** From the fork on; none: the histories do not part. */
  readonly stretches: readonly WalStretch[];
  /** What the control file says of the end: there may be more. */
  readonly atLeast: Lsn;
}

/** A text: why it cannot be told. */
export async function beyondFork(parts: PostgresParts, leader: Upstream): Promise<Beyond | string> {
  const control = await parts.readControl();
  if (typeof control === 'string') return control;
  const mine = await ownHistory(parts, timeline(Math.max(control.timeline, control.minRecoveryEndTimeline)));
  const theirs = await leaderHistory(parts, leader);
  if (typeof theirs === 'string') return theirs;
  const stretches = partingOf(mine, theirs);
  if (stretches === null)
    return `timeline ${mine.timeline} here and ${theirs.timeline} of ${leader.member} share nothing`;
  const { checkpoint, minRecoveryEnd, systemId } = control;
  // Of a primary that one is 0.
  const isStandby = minRecoveryEnd > checkpoint;
  return { systemId, timeline: mine.timeline, stretches, atLeast: isStandby ? minRecoveryEnd : checkpoint };
}
