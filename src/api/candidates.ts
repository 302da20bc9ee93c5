import { syncModeOf } from '../codec/rest/cluster.ts';
import type { HandoverRequest } from '../codec/rest/handover.ts';
import { saysNofailover } from '../codec/rest/peer.ts';
import { type Refusal, refusal } from '../codec/rest/refusal.ts';
import { isListed } from '../codec/rest/sync.ts';
import type { Snapshot } from '../model/agent.ts';
import type { Cluster, Member } from '../model/cluster.ts';
import type { PeerReport } from '../model/peers.ts';
import type { InstantMs } from '../model/units.ts';

export type Choice = { readonly kind: 'ok'; readonly members: readonly Member[] } | Refusal;

/** Who could take over as far as etcd's keys tell; else the sentence why nobody can, in Patroni's order. */
export function candidatesFor({ action, leader, candidate }: HandoverRequest, cluster: Cluster): Choice {
  const refuse = (sentence: string): Refusal => refusal(412, sentence);
  const { members, sync } = cluster;
  if (leader !== null && cluster.leader?.name !== leader) return refuse('leader name does not match');
  const synchronous = syncModeOf(cluster) === 'on';
  const isSync = (name: string): boolean => isListed(sync, name);
  if (candidate !== null) {
    if (action === 'switchover' && synchronous && !isSync(candidate))
      return refuse('candidate name does not match with sync_standby');
    const chosen = members.filter(({ name }) => name === candidate);
    return chosen.length === 0 ? refuse('candidate does not exists') : { kind: 'ok', members: chosen };
  }
  if (synchronous) {
    const chosen = members.filter(({ name }) => isSync(name));
    return chosen.length === 0
      ? refuse(`${action} is not possible: can not find sync_standby`)
      : { kind: 'ok', members: chosen };
  }
  const others = members.filter(({ name, apiUrl }) => name !== cluster.leader?.name && apiUrl !== null);
  return others.length === 0
    ? refuse(`${action} is not possible: cluster does not have members except leader`)
    : { kind: 'ok', members: others };
}

/**
 * Those that answered with a position and may lead. `undecided`: one of the others may still answer. What speaks against a
 * member counts only if it was asked for since `sinceMs`: it may have come back a moment ago. A tag in its key is newer than
 * what it answered before.
 */
export function goodCandidates(
  members: readonly Member[],
  snapshot: Snapshot | null,
  nowMs: InstantMs,
  sinceMs: InstantMs,
): { readonly good: readonly string[]; readonly undecided: boolean } {
  if (snapshot === null) return { good: [], undecided: true };
  const { seen } = snapshot;
  const recentMs = nowMs - 2 * seen.settings.cluster.loopWaitMs;
  const good: string[] = [];
  let undecided = false;
  for (const { name, tags } of members) {
    if (saysNofailover(tags)) continue;
    if (name === seen.settings.local.name) {
      if (seen.postgres.kind === 'running' && !seen.settings.local.tags.nofailover) good.push(name);
      continue;
    }
    const report = seen.peers.find((peer) => peer.name === name);
    if (report !== undefined && isGood(report, recentMs)) good.push(name);
    else if (report === undefined || !isDecided(report, sinceMs)) undecided = true;
  }
  return { good, undecided };
}

const isDecided = ({ askedMs, last }: PeerReport, sinceMs: InstantMs): boolean =>
  (askedMs !== null && askedMs >= sinceMs) || (last.kind === 'silent' && last.atMs >= sinceMs);

/** Answered lately; a question under way does not make a good answer bad. */
function isGood({ said, askedMs, last }: PeerReport, recentMs: number): boolean {
  if (said === null || askedMs === null || askedMs < recentMs || last.kind === 'silent') return false;
  return said.position !== null && !said.nofailover && !said.watchdogFailed;
}
