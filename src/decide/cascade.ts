import type { Cluster, Member } from '../model/cluster.ts';

/** Who streams from whom: from the leader, unless `replicatefrom` names another member that is there, and whose server is up. */

export function upstreamOf(
  cluster: Cluster,
  leader: string,
  name: string,
  replicatefrom: unknown = tagOf(cluster, name),
): string {
  const named = namedBy(cluster, leader, name, replicatefrom);
  const visited = new Set<string>();
  // A circle would stand still: whoever is part of one turns to the leader.
  for (let at = named; at !== leader && !visited.has(at); at = namedBy(cluster, leader, at, tagOf(cluster, at))) {
    if (at === name) return leader;
    visited.add(at);
  }
  return named;
}

/** From me up to the leader, without either; a circle ends it. */
export function chainAbove(cluster: Cluster, leader: string, name: string, replicatefrom: unknown): readonly Member[] {
  const chain: Member[] = [];
  let at = upstreamOf(cluster, leader, name, replicatefrom);
  while (at !== leader && !chain.some((member) => member.name === at)) {
    const member = cluster.members.find((one) => one.name === at);
    if (member === undefined) break;
    chain.push(member);
    at = upstreamOf(cluster, leader, at);
  }
  return chain;
}

const tagOf = (cluster: Cluster, name: string): unknown =>
  cluster.members.find((member) => member.name === name)?.tags.replicatefrom;

function namedBy(cluster: Cluster, leader: string, name: string, replicatefrom: unknown): string {
  const named = typeof replicatefrom === 'string' && replicatefrom !== name ? replicatefrom : leader;
  return cluster.members.some((member) => member.name === named && mayServe(member)) ? named : leader;
}

/** By its own word: where its agent is well and its server is not, there is nothing to stream. */
const mayServe = ({ state }: Member): boolean => !notUp.has(state);
const notUp: ReadonlySet<string> = new Set([
  'stopping',
  'stopped',
  'stop failed',
  'crashed',
  'starting',
  'start failed',
  'restarting',
  'restart failed',
  'initializing new cluster',
  'initdb failed',
  'running custom bootstrap script',
  'custom bootstrap failed',
  'creating replica',
]);
