import type { Observation } from '../../model/observation.ts';
import { isIn, sameName } from '../../model/synchronousNames.ts';
import { instantMs } from '../../model/units.ts';
import { freshAnswers, leaderlessSince } from '../contest.ts';
import { clusterOf, clusterTimeline, me, myPosition, type Position } from '../judge.ts';
import { electable, isSynchronous } from './standing.ts';

/** A key may go before its holder stops: what was answered then says nothing of what that one went on to acknowledge. */
const validMs = 2_000;

export interface Votes {
  /** Others that were asked in this vacancy, and are not ahead of this node. */
  readonly votes: readonly string[];
  readonly needed: number;
  readonly voters: readonly string[];
}

/** Null: none are needed, as nobody was promised anything, or this node has every commit by itself. */
export function votesFor(seen: Observation): Votes | null {
  const sync = clusterOf(seen)?.sync ?? null;
  const mine = myPosition(seen);
  if (sync === null || mine === null || !isSynchronous(seen)) return null;
  if (sync.leader !== null && sameName(sync.leader, me(seen))) return null;
  if (hasAllThatWasReleased(seen, mine)) return null;
  const voters = electable(seen) ?? [];
  const sinceMs = instantMs(Math.max(leaderlessSince(seen), seen.nowMs - validMs));
  const answered = freshAnswers(seen, sinceMs);
  const votes = seen.peers.flatMap(({ name, said }): readonly string[] => {
    if (!isIn(voters, name) || sameName(name, me(seen)) || !answered.includes(name)) return [];
    const { position = null, timeline = null, isSure = true } = said ?? {};
    if (position === null || timeline === null || !isSure) return [];
    // The timeline that a server tells may be older than the one it is on.
    return timeline <= mine.timeline && position <= mine.lsn ? [name] : [];
  });
  const isVoter = isIn(sync.members, me(seen));
  return { votes, needed: sync.quorum + (isVoter ? 0 : 1), voters: sync.members };
}

/** The last primary stopped in good order, and said how far it was as it gave the key away: whoever is as far, on its timeline, lacks nothing. */
function hasAllThatWasReleased(seen: Observation, mine: Position): boolean {
  const optime = clusterOf(seen)?.status?.optime ?? null;
  const released = seen.dcs.kind === 'reachable' && seen.dcs.vacancy?.released === true;
  return released && optime !== null && mine.lsn >= optime && mine.timeline === clusterTimeline(seen);
}
