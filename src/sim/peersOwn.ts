import type { History, Right } from '../model/history.ts';
import type { Violation } from '../model/laws.ts';
import { endOf } from './postgres/wal.ts';
import type { SimulatedCluster } from './words.ts';

/**
 * A Patroni beside our agents breaks laws of its own: it has no guard, counts its lease from the answer, and takes the key while
 * the lease behind it lives. What it does is told as its own doing. That our agents did the same is judged apart from it:
 * wherever two share a violation, it belongs to the one that came last, or that had no right.
 */
export function isPeersOwn(violation: Violation, patronis: ReadonlySet<string>): boolean {
  switch (violation.kind) {
    // Whoever of ours wrote in it without the right, or took that right beside a Patroni that had it, is told of by name.
    case 'splitBrain':
      return violation.reigns.some(({ node }) => patronis.has(node));
    // Only who puts its name over another's shares a term.
    case 'termShared':
      return violation.rights.some(({ node }) => patronis.has(node));
    case 'termFell':
    case 'rightsOverlap':
      return patronis.has(violation.rights[1].node);
    case 'promotedWithoutLease':
    case 'promotedIneligible':
    case 'promotedTooLate':
      return patronis.has(violation.promotion.node);
    case 'wroteWithoutRight':
      return patronis.has(violation.node);
    case 'rightOutlivesLease':
      return patronis.has(violation.right.node);
    case 'erasedWithoutLeader':
      return patronis.has(violation.erasure.node);
    case 'lost':
      return violation.write.node !== null && patronis.has(violation.write.node);
    case 'doubled':
    case 'reordered':
    case 'invented':
    case 'otherSystem':
    case 'exposed':
    case 'confirmedWithdrawn':
      return false;
    default:
      return violation satisfies never;
  }
}

/** Without what a Patroni acknowledged after its right to lead had ended: that is lost with the next leader, whoever it is. */
export function withinRights(history: History, patronis: ReadonlySet<string>): History {
  const rights = history.filter((seen): seen is Right => seen.kind === 'right');
  const had = (node: string, atMs: number): boolean =>
    rights.some((right) => right.node === node && right.fromMs <= atMs && atMs < right.untilMs);
  return history.filter(
    (seen) =>
      seen.kind !== 'write' ||
      seen.node === null ||
      seen.serverMs === null ||
      !patronis.has(seen.node) ||
      had(seen.node, seen.serverMs),
  );
}

/** Whether a Patroni was the next to be promoted, or to be given the right to lead, after that instant. */
export function endedByPeer(history: History, node: string, firstMs: number, patronis: ReadonlySet<string>): boolean {
  const next = history
    .flatMap((seen): readonly { readonly node: string; readonly atMs: number }[] => {
      if (seen.kind !== 'promotion' && seen.kind !== 'right') return [];
      return [{ node: seen.node, atMs: seen.kind === 'promotion' ? seen.atMs : seen.fromMs }];
    })
    .filter((one) => one.node !== node && one.atMs > firstMs)
    .reduce<{ readonly node: string; readonly atMs: number } | null>(
      (first, one) => (first === null || one.atMs < first.atMs ? one : first),
      null,
    );
  return next !== null && patronis.has(next.node);
}

/**
 * A Patroni without data makes a cluster as soon as /initialize is gone, also where there is one: ours refuse to be of the new one, and
 * whoever is asked what became of it all must say so. What comes of that is told as its own.
 */
export function peerBeganAnew(cluster: SimulatedCluster): boolean {
  const first = cluster.history().find((seen) => seen.kind === 'write' && seen.outcome === 'acknowledged');
  if (first?.kind !== 'write') return false;
  return cluster
    .told()
    .some(
      ({ node, text, atMs }) =>
        text === 'patroni: bootstraps' && cluster.node(node).runs === 'patroni' && atMs > first.sentMs,
    );
}

/**
 * A Patroni does not read which timelines were announced, and may begin one that was begun before. Where both began at the same record nothing
 * tells them apart: whoever is on the first takes the leader for one whose disk was rolled back, and waits for people.
 */
export function peerBeganTwin(cluster: SimulatedCluster): boolean {
  const promotions = cluster.history().filter((seen) => seen.kind === 'promotion');
  return promotions.some(
    (one) =>
      cluster.node(one.node).runs === 'patroni' &&
      promotions.some(({ node, timeline, atMs }) => node !== one.node && timeline === one.timeline && atMs < one.atMs),
  );
}

/**
 * One of ours leads, all others of ours stream from it, and what is missing are Patronis: one whose PostgreSQL does not run, as it
 * lost its power in the middle of a copy, finds a folder that is neither empty nor a cluster, and leaves it to people; or one that
 * is on a timeline that nobody has any more [seed 0x13c7a], and its rewind finds nothing to do.
 */
export function onlyPeersAreAway(cluster: SimulatedCluster): boolean {
  const leader = cluster.primary();
  const leads = leader === null ? null : cluster.server(leader);
  if (leader === null || leads === null || cluster.node(leader).runs === 'patroni') return false;
  const others = [...cluster.nodes.values()].filter(({ name }) => name !== leader);
  const away = others.filter(({ name, runs }) => {
    const server = cluster.server(name);
    return runs === 'patroni' && (server === null || endOf(leads.wal, server.wal.timeline) === null);
  });
  return (
    away.length > 0 &&
    others.every((node) => away.includes(node) || cluster.server(node.name)?.receiver?.status === 'streaming')
  );
}
