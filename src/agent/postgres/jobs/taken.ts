import { historyFileName, readHistoryFile, timelineOfHistoryFile } from '../../../codec/postgres/historyFile.ts';
import type { ControlData, TimelineEnd } from '../../../model/postgres.ts';
import { type Timeline, timeline } from '../../../model/units.ts';
import { must } from '../configure.ts';
import type { PostgresParts } from '../parts.ts';

/**
 * PostgreSQL begins the timeline after the last of which it finds a history file. A standby that never streamed from the
 * last primary has no file of that one's timeline, and would begin it a second time: two histories under one number, and
 * nobody sees that they differ. For the moment of the promotion there are files that stand in for the missing ones.
 *
 * As the newest they must not stay. A server that is started as a standby follows the newest timeline it has a file of, and
 * these fork off where no server can follow; and walreceiver fetches no file that is there already. Behind a real one they
 * must: on its way to a later timeline walreceiver asks for the file of each one between, and ends when one is missing.
 */

const mark = 'stands in for a timeline that another member has begun';
/** It forks off at the very beginning, where recovery never follows. */
export const standIn = (mine: Timeline): string => `${mine}\t0/1\t${mark}\n`;
export const isStandIn = (text: string): boolean => text.includes(mark);

/** What the promotion will begin: the first after all that are taken and all that are known here. Writes what makes it so. */
export async function keepOffTaken(parts: PostgresParts, mine: Timeline, taken: Timeline): Promise<Timeline> {
  const { files } = parts.world;
  const here = await namesOf(parts);
  const known = new Set(here.map(timelineOfHistoryFile).filter((id) => id !== null));
  // PostgreSQL counts on while the next file is there: what it would find behind the taken ones is passed as well.
  let last = Math.max(mine, taken);
  while (known.has(last + 1)) last += 1;
  const text = standIn(mine);
  for (let id = mine + 1; id <= last; id++) {
    if (known.has(id)) continue;
    await must(files.write(pathOf(parts, historyFileName(id)), text, 0o600));
    parts.step('promote', 'keeps off a timeline that another member has begun', [['timeline', id]]);
  }
  return timeline(last + 1);
}

/** Takes away the stand-ins that lead nowhere: after a promotion, and before a server starts as a standby or turns to another upstream. */
export async function removeStandIns(parts: PostgresParts): Promise<void> {
  const { files } = parts.world;
  const newestFirst = (await namesOf(parts))
    .filter((name) => timelineOfHistoryFile(name) !== null)
    .sort()
    .reverse();
  for (const name of newestFirst) {
    const file = await files.read(pathOf(parts, name));
    if (file.kind !== 'text' || !isStandIn(file.text)) return; // what is older is on the way to this one
    await must(files.remove(pathOf(parts, name)));
  }
}

/**
 * A server that starts as a standby follows the newest timeline that it has a history file of, and ends at once when that one
 * forked off before where it is itself: a standby that fetched the file and then went another way, or was left behind, never
 * comes up again. Such files are forgotten: what is on its way it is given again, and what is not is found out once it runs.
 */
export async function removeAstray(parts: PostgresParts, control: ControlData): Promise<void> {
  const known = new Set((await namesOf(parts)).map(timelineOfHistoryFile));
  let newest: number = control.timeline;
  while (known.has(newest + 1)) newest += 1; // as PostgreSQL counts
  for (; newest > control.timeline; newest -= 1) {
    const path = pathOf(parts, historyFileName(newest));
    const file = await parts.world.files.read(path);
    if (file.kind !== 'text' || contains(readHistoryFile(file.text), newest, control)) return;
    await must(parts.world.files.remove(path));
    parts.step('startStandby', 'forgets a timeline that this server is not on the way to', [['timeline', newest]]);
  }
}

/** Whether recovery begins, and had been, on the way to that timeline: xlogrecovery.c asks the same. */
function contains(lines: readonly TimelineEnd[], newest: number, control: ControlData): boolean {
  const timelineAt = (at: bigint): number => lines.find(({ end }) => at < end)?.timeline ?? newest;
  const { checkpoint, minRecoveryEnd, minRecoveryEndTimeline } = control;
  if (timelineAt(checkpoint) !== control.timeline) return false;
  return minRecoveryEnd === 0n || timelineAt(minRecoveryEnd - 1n) === minRecoveryEndTimeline;
}

/**
 * A standby was told of a timeline whose primary was gone before anything of it was sent, and whoever leads never was on it: it waits for
 * that one for as long as it runs. Those of which nothing is here, beyond `mine` and not among `theirs`.
 */
export async function astrayHere(
  parts: PostgresParts,
  mine: Timeline,
  theirs: readonly Timeline[],
): Promise<readonly Timeline[]> {
  const found: Timeline[] = [];
  for (const { name, id } of await historiesAfter(parts, mine)) {
    if (theirs.includes(id) || (await hasWalOf(parts, id))) continue;
    const file = await parts.world.files.read(pathOf(parts, name));
    if (file.kind === 'text' && !isStandIn(file.text)) found.push(id);
  }
  return found;
}

/** Of a server that is down: without its history file it is not on its way to a timeline of which it has nothing. */
export async function forgetTimelines(parts: PostgresParts, ids: readonly Timeline[]): Promise<void> {
  for (const id of ids) {
    if (await hasWalOf(parts, id)) continue;
    await must(parts.world.files.remove(pathOf(parts, historyFileName(id))));
    parts.step('stop', 'forgets a timeline on which the leader never was', [['timeline', id]]);
  }
}

const hasWalOf = async (parts: PostgresParts, id: Timeline): Promise<boolean> =>
  (await namesOf(parts)).some((name) => isSegmentOf(name, id));

/** 24 hex digits, the first eight of them the timeline. */
const isSegmentOf = (name: string, id: Timeline): boolean =>
  /^[0-9A-F]{24}/.test(name) && Number.parseInt(name.slice(0, 8), 16) === id;

/**
 * A copy has the history file of its own timeline alone. When it leads, a standby that was away for some promotions asks it in
 * vain for those between, and never gets to it. Recovery reads the leader's own file, so that the others may be stand-ins.
 */
export async function bridge(parts: PostgresParts, mine: Timeline, theirs: Timeline, history: string): Promise<void> {
  const known = new Set((await namesOf(parts)).map(timelineOfHistoryFile));
  // From the leader's down: at no moment does a stand-in lead the way.
  for (let id: number = theirs; id > mine; id--) {
    if (known.has(id)) continue;
    const text = id === theirs ? history : standIn(mine);
    await must(parts.world.files.write(pathOf(parts, historyFileName(id)), text, 0o600));
  }
}

/**
 * A promotion that was cut short leaves the history file of a timeline on which nothing ever was. The server would look for
 * that timeline for ever, and pg_rewind finds nothing to do. What belongs to the leader's history comes from it again.
 */
export async function removeHistoriesAfter(parts: PostgresParts, mine: Timeline): Promise<void> {
  for (const { name, id } of await historiesAfter(parts, mine)) {
    await must(parts.world.files.remove(pathOf(parts, name)));
    parts.step('rewind', 'forgets a timeline that was never used', [['timeline', id]]);
  }
}

/** What this directory has been told of timelines later than its own. */
export async function historiesAfter(parts: PostgresParts, mine: Timeline) {
  const names = await namesOf(parts);
  return names.flatMap((name) => {
    const id = timelineOfHistoryFile(name);
    return id === null || id <= mine ? [] : [{ name, id: timeline(id) }];
  });
}

const pathOf = (parts: PostgresParts, name: string): string => `${parts.places().dataDir}/pg_wal/${name}`;

async function namesOf(parts: PostgresParts): Promise<readonly string[]> {
  const listed = await parts.world.files.list(`${parts.places().dataDir}/pg_wal`);
  return listed.kind === 'entries' ? listed.names : [];
}
