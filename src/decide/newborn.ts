import type { Member } from '../model/cluster.ts';
import type { Observation } from '../model/observation.ts';
import type { PeerReport } from '../model/peers.ts';
import type { LocalSettings } from '../model/settings.ts';
import { leaderlessSince } from './contest.ts';
import { clusterOf, me } from './judge.ts';

/** The empty `initialize`: somebody makes the cluster. Who is it, and is anybody still at it? */

/** Who wrote his name beside it. Null: nobody that lives, or a Patroni, which names nobody. */
export function claimant(seen: Observation): string | null {
  const initialize = clusterOf(seen)?.initialize;
  return initialize?.kind === 'bootstrapping' ? (initialize.owner?.name ?? null) : null;
}

const working = new Set([
  'initializing new cluster',
  'running custom bootstrap script',
  'starting after custom bootstrap',
]);
const primaries = new Set(['primary', 'master', 'promoted', 'demoted', 'standby_leader']);
const up = new Set(['running', 'starting', 'restarting', 'stopping']);

/** It makes a cluster, or has a server up that may be the new cluster's first. */
const isAtIt = ({ state, role }: Pick<Member, 'state'> & { readonly role: string }): boolean =>
  working.has(state) || (primaries.has(role) && up.has(state));

const hasData = (member: Pick<Member, 'state'> & { readonly role: string }): boolean =>
  isAtIt(member) || (member.role === 'replica' && up.has(member.state));

/** Peers are asked once nobody claims it: what one said before tells nothing about now. */
const answerSince = (peer: PeerReport | undefined, sinceMs: number): PeerReport['said'] =>
  peer !== undefined && peer.askedMs !== null && peer.askedMs >= sinceMs ? peer.said : null;

/**
 * Why the empty `initialize` must be left alone still; null: it is free, at its revision. A claim of ours ends with its
 * owner's lease. One of Patroni's has no owner: its member key, or its own answer, tells that it is at work; who answers
 * nothing while his key lives is waited for, but not for ever: in that time Patroni has said so in its key.
 */
export function claimStands(seen: Observation, graceMs: number = seen.settings.cluster.loopWaitMs): string | null {
  const cluster = clusterOf(seen);
  if (cluster === null || cluster.initialize.kind !== 'bootstrapping') return 'there is no claim';
  const owner = claimant(seen);
  if (owner !== null) return owner === me(seen) ? null : `${owner} makes the cluster`;
  const sinceMs = seen.memory.unclaimedSinceMs ?? seen.nowMs;
  const forMs = seen.nowMs - sinceMs;
  const { ttlMs } = seen.settings.cluster;
  const others = cluster.members.filter(({ name }) => name !== me(seen));
  for (const member of others) if (isAtIt(member)) return `${member.name} is ${member.state} (${member.role})`;
  for (const peer of seen.peers) {
    const said = answerSince(peer, sinceMs);
    if (said !== null && isAtIt(said)) return `${peer.name} says ${said.state} (${said.role})`;
  }
  if (forMs < graceMs) return 'nobody may have had the time to say that he is at it';
  const silent = others.filter(
    ({ name }) =>
      answerSince(
        seen.peers.find((peer) => peer.name === name),
        sinceMs,
      ) === null,
  );
  if (silent.length > 0 && forMs < 2 * ttlMs) return `${silent.map(({ name }) => name).join(', ')} did not answer yet`;
  return null;
}

/**
 * Why no cluster must be begun although etcd knows of none; null: it may. etcd may have lost its memory, or somebody deleted
 * it: then the primary says who the cluster is, and needs a moment for that.
 */
export function existedBefore(seen: Observation): string | null {
  const cluster = clusterOf(seen);
  if (cluster === null) return 'etcd does not answer';
  const at = cluster.members.find((member) => member.name !== me(seen) && hasData(member));
  if (at !== undefined) return `${at.name} has data of one: it is ${at.state} (${at.role})`;
  if (cluster.status !== null || cluster.history !== null)
    return 'etcd still has the position or the history of one: remove what belongs to it, if it is gone for good';
  const runs = seen.peers.find(
    ({ name, last, said }) => name !== me(seen) && last.kind !== 'silent' && said?.runsAsPrimary,
  );
  if (runs !== undefined) return `${runs.name} says that it runs as primary`;
  const known = seen.memory.systemId !== null || (seen.dcs.kind === 'reachable' && seen.dcs.vacancy !== null);
  const forMs = seen.nowMs - leaderlessSince(seen);
  return known && forMs <= seen.settings.cluster.ttlMs ? 'there was a cluster: its primary may still be there' : null;
}

/** Since when the claim has no owner: remembered by whatever rule answers. */
export function unclaimedMemory(seen: Observation): Observation['memory']['unclaimedSinceMs'] {
  const cluster = clusterOf(seen);
  if (cluster === null) return seen.memory.unclaimedSinceMs;
  const unclaimed = cluster.initialize.kind === 'bootstrapping' && cluster.initialize.owner === null;
  return unclaimed ? (seen.memory.unclaimedSinceMs ?? seen.nowMs) : null;
}

/** The claim is mine, or free for me to finish: what runs here may be the new cluster's first primary. */
export const mayFinish = (seen: Observation): boolean => {
  const cluster = clusterOf(seen);
  return cluster !== null && cluster.leader === null && claimStands(seen) === null;
};

/** What a new cluster is configured with: it goes on without etcd unless it is told not to, by name, for everybody to see. Null: nobody said. */
export const firstConfiguration = (bootstrap: LocalSettings['bootstrap']): string | null =>
  bootstrap === null ? null : JSON.stringify({ failsafe_mode: true, ...bootstrap.dcs });
