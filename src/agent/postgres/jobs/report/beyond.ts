import { partingOf, type WalHistory, type WalStretch } from '../../../../codec/postgres/fork.ts';
import { historyFileName, readHistoryFile } from '../../../../codec/postgres/historyFile.ts';
import type { ControlData, Upstream } from '../../../../model/postgres.ts';
import { type Lsn, type Timeline, timeline } from '../../../../model/units.ts';
import type { PostgresParts } from '../../parts.ts';
import { peerTarget, runOnce, whyNot } from '../../sessions.ts';
import { identifySystem, timelineHistory } from '../../statements.ts';
import { historyText } from '../divergence.ts';

const limitMs = 3_000;

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
  const mine = await ownHistory(parts, control);
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

async function ownHistory(parts: PostgresParts, control: ControlData): Promise<WalHistory> {
  const id = timeline(Math.max(control.timeline, control.minRecoveryEndTimeline));
  const file = await parts.world.files.read(`${parts.places().dataDir}/pg_wal/${historyFileName(id)}`);
  return { timeline: id, earlier: file.kind === 'text' ? readHistoryFile(file.text) : [] };
}

async function leaderHistory(parts: PostgresParts, { member, host, port }: Upstream): Promise<WalHistory | string> {
  const settings = parts.settings();
  const walsender = peerTarget(settings, host, port, settings.local.postgres.replication, true);
  const identity = await runOnce(parts.world.sql, walsender, [identifySystem], limitMs);
  if (identity.kind !== 'rows') return `${member}: ${whyNot(identity)}`;
  const id = timeline(Number(identity.rows[0]?.timeline ?? 0));
  if (id === 0) return `${member} does not tell its timeline`;
  if (id === 1) return { timeline: id, earlier: [] };
  const told = await runOnce(parts.world.sql, walsender, [timelineHistory(id)], limitMs);
  if (told.kind !== 'rows') return `${member}: ${whyNot(told)}`;
  return { timeline: id, earlier: readHistoryFile(historyText(told.rows[0]?.content ?? '')) };
}
