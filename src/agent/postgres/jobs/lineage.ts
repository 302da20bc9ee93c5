import type { WalHistory } from '../../../codec/postgres/fork.ts';
import { historyFileName, readHistoryFile } from '../../../codec/postgres/historyFile.ts';
import type { Upstream } from '../../../model/postgres.ts';
import { type Timeline, timeline } from '../../../model/units.ts';
import type { PostgresParts } from '../parts.ts';
import { peerTarget, runOnce, whyNot } from '../sessions.ts';
import { identifySystem, timelineHistory } from '../statements.ts';
import { isStandIn } from './taken.ts';

const limitMs = 3_000;

/**
 * Of that timeline of this directory; without its file, or with one that only stands in for it on the way to a later one, nothing is
 * known to have been before it.
 */
export async function ownHistory(parts: PostgresParts, id: Timeline): Promise<WalHistory> {
  const file = await parts.world.files.read(`${parts.places().dataDir}/pg_wal/${historyFileName(id)}`);
  return { timeline: id, earlier: file.kind === 'text' && !isStandIn(file.text) ? readHistoryFile(file.text) : [] };
}

/** A text: why it cannot be told. */
export async function leaderHistory(
  parts: PostgresParts,
  { member, host, port }: Upstream,
): Promise<WalHistory | string> {
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

/** What TIMELINE_HISTORY gives comes as bytea, and so as text: hex with \x, or as it is. */
export const historyText = (content: string): string =>
  content.startsWith('\\x')
    ? (content.slice(2).match(/../g) ?? []).map((pair) => String.fromCharCode(Number.parseInt(pair, 16))).join('')
    : content;

/**
 * Nobody gives out the numbers of timelines: two primaries that never heard of each other, as when one is a Patroni, begin the
 * same one. What was before tells the two apart, unless both began at the same record. True also where that is not known here.
 */
export const isOfOneOrigin = (mine: WalHistory, theirs: Pick<WalHistory, 'earlier'>): boolean =>
  mine.earlier.length === 0 || originOf(mine, mine.timeline) === originOf(theirs, mine.timeline);

const originOf = ({ earlier }: Pick<WalHistory, 'earlier'>, of: Timeline): string =>
  earlier.flatMap(({ timeline: id, end }) => (id < of ? [`${id} to ${end}`] : [])).join();
