import type { Observation } from '../../model/observation.ts';
import type { PeerReport } from '../../model/peers.ts';
import { isIn, sameName } from '../../model/synchronousNames.ts';
import { clusterOf, clusterTimeline, me, myPosition, type Position } from '../judge.ts';
import { electable, isSynchronous } from './standing.ts';

export interface Votes {
  /** Others that have looked at themselves since the last reign was over, confirm no more to it, and are not ahead of this node. */
  readonly votes: readonly string[];
  /** Others that told what they saw before that: they look again, or withdraw, in a moment. */
  readonly outdated: readonly string[];
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
  const overMs = seen.memory.overSinceMs ?? Number.POSITIVE_INFINITY;
  const others = seen.peers.filter(({ name }) => isIn(voters, name) && !sameName(name, me(seen)));
  const told = others.flatMap((peer) => {
    const atMs = lookedMs(peer);
    return atMs === null ? [] : [{ ...peer, isOutdated: atMs < overMs || peer.said?.hasWithdrawn === false }];
  });
  const votes = told.filter(({ isOutdated, said }) => {
    const { position = null, timeline = null, isSure = true } = said ?? {};
    if (isOutdated || position === null || timeline === null || !isSure) return false;
    // The timeline that a server tells may be older than the one it is on.
    return timeline <= mine.timeline && position <= mine.lsn;
  });
  const isVoter = isIn(sync.members, me(seen));
  return {
    votes: namesOf(votes),
    outdated: namesOf(told.filter(({ isOutdated }) => isOutdated)),
    needed: sync.quorum + (isVoter ? 0 : 1),
    voters: sync.members,
  };
}

const namesOf = (peers: readonly PeerReport[]): readonly string[] => peers.map(({ name }) => name);

/**
 * The earliest instant, by my clock, that what a member says of itself can be of; null: it does not say. An agent answers with what it
 * saw last, which may be as old as loop_wait where nothing woke it: its server may have confirmed a lot since.
 */
function lookedMs({ last, askedMs, said }: PeerReport): number | null {
  const ago = said?.lookedAgoMs ?? null;
  return last.kind !== 'answered' || askedMs === null || ago === null ? null : askedMs - ago;
}

/** The last primary stopped in good order, and said how far it was as it gave the key away: whoever is as far, on its timeline, lacks nothing. */
function hasAllThatWasReleased(seen: Observation, mine: Position): boolean {
  const optime = clusterOf(seen)?.status?.optime ?? null;
  const released = seen.dcs.kind === 'reachable' && seen.dcs.vacancy?.released === true;
  return released && optime !== null && mine.lsn >= optime && mine.timeline === clusterTimeline(seen);
}
