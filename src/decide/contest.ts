import type { Fact } from '../model/decision.ts';
import { leftHistory } from '../model/leftHistory.ts';
import type { Observation } from '../model/observation.ts';
import type { PeerReport } from '../model/peers.ts';
import type { RunningStandby } from '../model/postgres.ts';
import { type InstantMs, instantMs, type Lsn, lsnText, revision, type Timeline, timeline } from '../model/units.ts';
import { isWorn, recentCrashes } from './crash.ts';
import {
  clusterOf,
  clusterTimeline,
  dueRequest,
  iAmLeader,
  me,
  memberOf,
  type Position,
  runningStandby,
} from './judge.ts';
import { mayStand, surplusIsNothing } from './synchronous/standing.ts';

/** What the peers' answers mean for a race. All of them are snapshots; the key's creation decides. */

/** A standby without a leader in view: the only situation in which these rules speak. */
export function leaderless(seen: Observation): RunningStandby | null {
  const cluster = clusterOf(seen);
  if (cluster === null || cluster.leader !== null || seen.held !== null) return null;
  return runningStandby(seen);
}

/** Who held the key that is gone: its surplus and its priority must not stop the others. */
export const oldHolder = (seen: Observation): string | null =>
  seen.dcs.kind === 'reachable' ? (seen.dcs.vacancy?.last.name ?? null) : null;

/**
 * Since when this agent would have seen a leader: since the last one it saw went, or, where it never saw one, since it began
 * and etcd answers without a break. A leader may have come and gone while it did not.
 */
export const leaderlessSince = (seen: Observation): InstantMs => {
  if (seen.dcs.kind !== 'reachable') return seen.startedMs;
  const { vacancy, sinceMs } = seen.dcs;
  return vacancy?.sinceMs ?? instantMs(Math.max(sinceMs, seen.startedMs));
};

/** Members whose answer to a question sent at or after `sinceMs` has arrived. */
export const freshAnswers = (seen: Observation, sinceMs: InstantMs): readonly string[] =>
  seen.peers.filter((peer) => answeredSince(peer, sinceMs)).map(({ name }) => name);

/** What it said stands while it is asked again: a veto must not lapse with each question. */
const answeredSince = (peer: PeerReport, sinceMs: InstantMs): boolean =>
  peer.last.kind !== 'silent' && peer.said !== null && peer.askedMs !== null && peer.askedMs >= sinceMs;

/** By its own last word: it accepts no writes, now or in a moment, without the leader key. */
export const saysNoPrimary = (seen: Observation, member: string): boolean =>
  seen.peers.find(({ name }) => name === member)?.said?.noPrimary === true;

/** Every reachable node has this veto, whatever its tags. Its answer must be of this vacancy, not of the time before. */
export function livingPrimary(seen: Observation): string | null {
  const sinceMs = leaderlessSince(seen);
  const living = seen.peers.find(
    (peer) =>
      peer.name !== me(seen) &&
      answeredSince(peer, sinceMs) &&
      peer.said?.runsAsPrimary === true &&
      peer.said.state === 'running',
  );
  return living?.name ?? null;
}

/** Peers not asked yet in this vacancy, and those whose answer may still come. The old holder's silence costs nothing. */
export function pendingAnswers(
  seen: Observation,
  sinceMs: InstantMs,
  limitMs: number,
): { unasked: readonly string[]; pending: readonly string[] } {
  const cluster = clusterOf(seen);
  const names = (cluster?.members ?? [])
    .filter((member) => member.name !== me(seen) && member.name !== oldHolder(seen) && member.apiUrl !== null)
    .map(({ name }) => name);
  const report = (name: string) => seen.peers.find((peer) => peer.name === name);
  const asked = (peer: PeerReport | undefined): boolean =>
    peer !== undefined &&
    (answeredSince(peer, sinceMs) ||
      (peer.last.kind === 'waiting' && peer.last.sinceMs >= sinceMs) ||
      (peer.last.kind === 'silent' && peer.last.atMs >= sinceMs));
  const unasked = names.filter((name) => !asked(report(name)));
  const pending = names.filter((name) => {
    const last = report(name)?.last;
    return last?.kind === 'waiting' && last.sinceMs >= sinceMs && seen.nowMs - last.sinceMs < limitMs;
  });
  return { unasked, pending };
}

export interface Starter {
  readonly name: string;
  /** False: its server is down, and may be started next, or may have been down for days. */
  readonly starting: boolean;
}

/** Members that answered in this vacancy, and whose servers are not up: how far they are nobody knows yet. */
export const starters = (seen: Observation): readonly Starter[] =>
  seen.peers.flatMap((peer): readonly Starter[] => {
    const { name, said } = peer;
    if (name === me(seen) || said === null || !answeredSince(peer, leaderlessSince(seen))) return [];
    if (!mayStand(seen, name) || surplusIsNothing(seen, name)) return [];
    if (said.position !== null || said.nofailover) return [];
    const starting = startingStates.has(said.state);
    return starting || downStates.has(said.state) ? [{ name, starting }] : [];
  });
const startingStates: ReadonlySet<string> = new Set(['starting', 'restarting']);
const downStates: ReadonlySet<string> = new Set(['stopped', 'crashed']);

export interface Contender {
  readonly name: string;
  readonly lsn: Lsn;
  readonly timeline: Timeline;
  readonly priority: number;
  /** Its server went down under the key again and again of late. */
  readonly worn: boolean;
  /** It answered in this vacancy; otherwise this is what was last known of it. */
  readonly answers: boolean;
}

/** Peers that may lead, with the furthest position known of each. */
export function contenders(seen: Observation): readonly Contender[] {
  const cluster = clusterOf(seen);
  if (cluster === null) return [];
  const sinceMs = leaderlessSince(seen);
  return seen.peers.flatMap((peer): readonly Contender[] => {
    if (peer.name === me(seen) || !mayStand(seen, peer.name)) return [];
    const answers = answeredSince(peer, sinceMs);
    // A dead former leader was ahead of everyone, and can not come: its lease is over.
    if (!answers && peer.name === oldHolder(seen)) return [];
    if (surplusIsNothing(seen, peer.name)) return [];
    const member = memberOf(cluster, peer.name);
    if (!answers && member === null) return [];
    const lsn = answers
      ? (peer.said?.position ?? null)
      : (peer.said?.position ?? member?.receiveLsn ?? member?.xlogLocation ?? null);
    if (lsn === null || peer.said?.nofailover === true || peer.said?.watchdogFailed === true) return [];
    return [
      {
        name: peer.name,
        lsn,
        timeline: peer.said?.timeline ?? member?.timeline ?? timeline(0),
        priority: peer.said?.failoverPriority ?? 1,
        worn: isWorn(peer.said?.crashes ?? 0),
        answers,
      },
    ];
  });
}

/**
 * Further on; or as far, and its server does not go down again and again as this one does; or with a higher priority. Of the
 * former leader neither counts: it would win for ever while it cannot take the key.
 */
export function ahead(seen: Observation, peer: Contender, mine: Position): boolean {
  if (peer.timeline !== mine.timeline && peer.timeline !== 0) return peer.timeline > mine.timeline;
  if (peer.lsn !== mine.lsn) return peer.lsn > mine.lsn;
  if (!peer.answers || peer.name === oldHolder(seen)) return false;
  if (peer.worn !== isWorn(recentCrashes(seen).length)) return !peer.worn;
  return peer.priority > seen.settings.local.tags.failoverPriority;
}

/**
 * The cluster went on to a newer timeline, and this node is not on the way to it: its positions mean nothing there, and
 * all that was acknowledged since would be lost with it. Facts: why; empty: it is on the way, or nothing says otherwise.
 */
export function offHistory(seen: Observation, { timeline: mine, lsn }: Position): readonly Fact[] {
  const cluster = clusterOf(seen);
  const left = cluster === null ? null : leftHistory(cluster, mine, lsn);
  if (left === null) return [];
  return [
    ['timeline', mine],
    ['clusterTimeline', clusterTimeline(seen)],
    ['leftAt', left.at === null ? null : lsnText(left.at)],
    ['myLsn', lsnText(lsn)],
  ];
}

/**
 * I was named to take over, and need not compare myself with the others. In a switchover only with all that the leader
 * last said to have, on the way that the cluster went: one that was lost before it handed over must not cost what another
 * standby holds.
 */
export function named(seen: Observation): boolean {
  const request = dueRequest(seen);
  if (request?.candidate !== me(seen)) return false;
  const optime = clusterOf(seen)?.status?.optime ?? null;
  const standby = runningStandby(seen);
  if (request.leader === null) return true;
  if (!mayStand(seen, me(seen))) return false;
  if (optime === null) return true;
  if (standby === null || standby.receivedLsn < optime) return false;
  return offHistory(seen, { timeline: standby.timeline, lsn: standby.receivedLsn }).length === 0;
}

/** More than this beyond mine is no timeline but garbage in a key. */
const takenMost = 1_000;

/**
 * The highest timeline that anybody has begun, or said to begin, as far as is known here. What was told with my own key, in
 * its very revision, is the one that I am about to begin: all before it are taken.
 */
export function takenTimeline(seen: Observation, mine: Timeline): Timeline {
  const cluster = clusterOf(seen);
  const announced = cluster?.announced ?? null;
  const isMyOwn = iAmLeader(seen) && announced?.modRevision === revision(cluster?.leader?.term ?? 0n);
  const known = [
    clusterTimeline(seen),
    seen.memory.forgottenTimeline,
    announced === null ? null : announced.timeline - (isMyOwn ? 1 : 0),
    ...(cluster?.members ?? []).map((member) => member.timeline),
    ...seen.peers.map((peer) => peer.said?.timeline ?? null),
  ].filter((id) => id !== null && id > mine && id <= mine + takenMost);
  return timeline(Math.max(mine, ...known.map(Number)));
}
