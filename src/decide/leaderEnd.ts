import type { Fact } from '../model/decision.ts';
import type { Memory, Observation } from '../model/observation.ts';
import { type Lsn, lsnOf, lsnText } from '../model/units.ts';
import { leaderlessSince, oldHolder } from './contest.ts';
import { clusterOf, clusterTimeline, controlOf, iAmLeader, type Position, runningStandby } from './judge.ts';

/**
 * How far the last leader was, as far as anybody told, and how old that is. /status is written once a look of the leader: what it
 * wrote since is in no key. Refused is only who lacks too much of what is known; what is estimated beyond is told.
 */

/** Follows /status: called with every observation, whatever rule answers. */
export function statusMemory(seen: Observation): Memory['statusSeen'] {
  const before = seen.memory.statusSeen;
  const status = clusterOf(seen)?.status ?? null;
  if (status === null || seen.dcs.kind !== 'reachable' || iAmLeader(seen)) return seen.held === null ? before : null;
  if (before?.modRevision === status.modRevision) return before;
  const { readMs } = seen.dcs;
  const grown = before === null ? 0n : status.optime - before.optime;
  const tookMs = before === null ? 0 : readMs - before.sinceMs;
  const bytesPerS = grown < 0n || tookMs <= 0 ? null : Math.round((Number(grown) * 1_000) / tookMs);
  return { modRevision: status.modRevision, optime: status.optime, sinceMs: readMs, bytesPerS };
}

/** Follows what the upstream says of its own end: the receiver that was told is gone with the leader. */
export function upstreamMemory(seen: Observation): Memory['upstreamEnd'] {
  const before = seen.memory.upstreamEnd;
  const standby = runningStandby(seen);
  if (standby === null || standby.receiver === null || standby.receiver.latestEndLsn === null) return before;
  const { timeline, latestEndLsn: lsn } = standby.receiver;
  const { systemId } = standby.control;
  const isSame = before?.timeline === timeline && before.systemId === systemId;
  return isSame && before.lsn >= lsn ? before : { systemId, timeline, lsn };
}

export interface LeaderEnd {
  readonly lsn: Lsn;
  readonly by: 'status' | 'promise' | 'upstream';
}

/** More than this beyond the final status is no record of the shutdown itself. */
const shutdownBytesMost = 8_192n;

/** How far the last leader surely was: in /status, as it asked for a promise, or as it told this node while it streamed. */
export function leaderEnd(seen: Observation, mine: Position): LeaderEnd | null {
  const optime = clusterOf(seen)?.status?.optime ?? null;
  const { promised } = seen.failsafe;
  const asked = promised !== null && promised.to === oldHolder(seen) ? promised.lsn : null;
  const known: LeaderEnd[] = [];
  if (optime !== null) known.push({ lsn: optime, by: 'status' });
  if (asked !== null) known.push({ lsn: asked, by: 'promise' });
  const told = toldByUpstream(seen, mine);
  const isShutdown = isReleased(seen) && optime !== null && told !== null && told <= optime + shutdownBytesMost;
  if (told !== null && !isShutdown) known.push({ lsn: told, by: 'upstream' });
  const [furthest] = known.toSorted((a, b) => (a.lsn > b.lsn ? -1 : a.lsn < b.lsn ? 1 : 0));
  return furthest ?? null;
}

/** On a timeline that the cluster has left it says nothing of the last leader. */
function toldByUpstream(seen: Observation, mine: Position): Lsn | null {
  const told = seen.memory.upstreamEnd;
  const current = clusterTimeline(seen) ?? mine.timeline;
  // A cluster that was made anew under a living agent begins at timeline 1 again.
  if (told === null || told.systemId !== controlOf(seen.postgres)?.systemId) return null;
  return told.timeline === mine.timeline && told.timeline === current ? told.lsn : null;
}

const isReleased = ({ dcs }: Observation): boolean => dcs.kind === 'reachable' && dcs.vacancy?.released === true;

/**
 * How long before now the leader last said how far it is, as far as is known here; null: not known. Whoever held the key until
 * its lease ended was heard at most a ttl before: an idle leader has nothing new to write.
 */
export function statusAgeMs(seen: Observation): number | null {
  const { statusSeen } = seen.memory;
  const { ttlMs } = seen.settings.cluster;
  if (statusSeen === null) return null;
  const ageMs = seen.nowMs - statusSeen.sinceMs;
  const isOver = seen.dcs.kind === 'reachable' && seen.dcs.vacancy !== null;
  return Math.max(0, Math.round(isOver ? Math.min(ageMs, seen.nowMs - leaderlessSince(seen) + ttlMs) : ageMs));
}

/** For whoever is to judge what a takeover costs: how old the position is, and what may have been written since, by the rate seen. */
export function ageFacts(seen: Observation, mine: Position): readonly Fact[] {
  const ageMs = statusAgeMs(seen);
  const { statusSeen } = seen.memory;
  if (ageMs === null || statusSeen === null || isReleased(seen)) return [];
  const age: Fact = ['statusAgeMs', ageMs];
  if (statusSeen.bytesPerS === null) return [age];
  // It wrote until its right to lead was over, and surely not after the key was gone.
  const wroteMs = Math.max(0, ageMs - (seen.nowMs - leaderlessSince(seen)));
  const reached = lsnOf(statusSeen.optime + BigInt(Math.round((statusSeen.bytesPerS * wroteMs) / 1_000)));
  const lackBytes = reached > mine.lsn ? reached - mine.lsn : 0n;
  return [age, ['estimatedLackBytes', String(lackBytes)]];
}

/** Who tells how far the leader was, where that is not /status. */
export const toldBy = (end: LeaderEnd): readonly Fact[] =>
  end.by === 'status' ? [] : [['leaderEnd', `${lsnText(end.lsn)} by ${sources[end.by]}`]];
const sources = {
  promise: 'what it asked a promise with',
  upstream: 'what it told this node while it streamed',
} as const;
