import { type BrokenAssumption, isInside } from '../model/laws/lapses.ts';
import { tellViolation } from '../model/laws/tell.ts';
import type { Violation } from '../model/laws.ts';
import type { SimulatedCluster } from './cluster.ts';
import type { RunSettings } from './draw.ts';
import { unexplained } from './explained.ts';
import { excessiveLosses } from './loss.ts';
import { endedByPeer, isPeersOwn, peerBeganAnew, withinRights } from './peersOwn.ts';
import { restless } from './restless.ts';
import { rolledBackIn, wasRolledBack } from './rolledBack.ts';

/** A broken law of a run, in words. Law 7: it did not come back by itself; 8: nobody said why. Null: no law, but nothing to live with. */
export interface Finding {
  readonly law: Violation['law'] | 7 | 8 | null;
  readonly kind: string;
  readonly text: string;
  /** When it showed; null: at the end. */
  readonly atMs: number | null;
  /** Of a Patroni that shares the cluster, and not of our agents. */
  readonly peersOwn?: true;
}

export interface Judging {
  readonly settings: RunSettings;
  readonly writeEveryMs: number;
  /** When people first paused the cluster; null: never. */
  readonly pausedMs: number | null;
}

export interface Judgement {
  /** None: all laws held. */
  readonly findings: readonly Finding[];
  /** Where what the laws rest on did not hold. */
  readonly broken: readonly BrokenAssumption[];
}

/** Everything that is judged at the end of a run. */
export function judgementOf(cluster: SimulatedCluster, { settings, writeEveryMs, pausedMs }: Judging): Judgement {
  const judged = cluster.judged(Number.MAX_SAFE_INTEGER);
  const isOfDisk = ({ law }: Pick<Finding, 'law'>): boolean => law === 2 && wasRolledBack(cluster);
  const standing = judged.standing.filter((violation) => !isOfDisk(violation));
  const { broken } = judged;
  const history = cluster.history();
  const patronis = new Set(
    [...cluster.nodes.values()].filter(({ runs }) => runs === 'patroni').map(({ name }) => name),
  );
  const own = (isOwn: boolean): Pick<Finding, 'peersOwn'> => (isOwn ? { peersOwn: true } : {});
  // Both may have been changed meanwhile, to 60 s and 20 s at most.
  const statusAgeMs = 1000 * (Math.max(settings.loop_wait, 20) + Math.max(settings.ttl, 60) + 5);
  // Whoever is promoted beside a primary that nobody could stop does not have what that one goes on to acknowledge.
  const kept = history.filter((seen) => !isInside(seen, broken));
  const isSynchronous = settings.synchronous_mode !== undefined;
  const limit = isSynchronous
    ? { maximumLagBytes: 0, statusAgeMs: 0, everyMs: writeEveryMs }
    : { maximumLagBytes: settings.maximum_lag_on_failover, statusAgeMs, everyMs: writeEveryMs };
  const twice = timelinesBegunTwice(cluster);
  // A Patroni does not announce its timelines, nor ask which are taken: what comes of that is not told apart.
  const byPeer = twice.some(({ nodes }) => nodes.some((node) => patronis.has(node))) || peerBeganAnew(cluster);
  const findings = [
    ...standing
      .map(
        (violation): Finding => ({
          law: violation.law,
          kind: violation.kind,
          ...tellViolation(violation),
          ...own(isPeersOwn(violation, patronis) || (violation.law === 2 && byPeer)),
        }),
      )
      // In pause nobody ends a primary whose lease is gone; all other laws hold then, and this one until then, too.
      .filter(({ law, atMs }) => law !== 4 || pausedMs === null || (atMs ?? pausedMs) < pausedMs),
    ...cluster.corrupted().map((text) => ({ ...atEnd(2, 'corrupted', text), ...own(byPeer) })),
    ...excessiveLosses(withinRights(kept, patronis), limit).map(({ node, firstMs, text }) => ({
      ...atEnd(2, 'lostTooMuch', text),
      ...own(byPeer || endedByPeer(history, node, firstMs, patronis)),
    })),
    ...twice.map(({ timeline, nodes }) => ({
      ...atEnd(2, 'timelineTwice', `a timeline was begun twice: ${timeline} by ${nodes.join(' and ')}`),
      ...own(nodes.some((node) => patronis.has(node))),
    })),
    ...unexplained(cluster).map(({ atMs, text }): Finding => ({ law: 8, kind: 'unexplained', text, atMs })),
    ...[...cluster.nodes.keys()].flatMap((name) =>
      restless(cluster.journal(name)).map((text) => atEnd(null, 'restless', `${name}: ${text}`)),
    ),
  ];
  return {
    findings: findings.filter((finding) => !isOfDisk(finding)),
    broken: [...broken, ...rolledBackIn(cluster, judged.standing.filter(isOfDisk))],
  };
}

export const atEnd = (law: Finding['law'], kind: string, text: string): Finding => ({ law, kind, text, atMs: null });

/**
 * Two servers that began one timeline number, or one that did so twice: to PostgreSQL, and so to everybody, one and the same
 * history. A promotion that ended half way has begun it, too: what it wrote is on its disk.
 */
export function timelinesBegunTwice(
  cluster: Pick<SimulatedCluster, 'timelinesBegun'>,
): readonly { readonly timeline: number; readonly nodes: readonly string[] }[] {
  const by = new Map<number, readonly string[]>();
  for (const { node, timeline } of cluster.timelinesBegun()) by.set(timeline, [...(by.get(timeline) ?? []), node]);
  return [...by].filter(([, nodes]) => nodes.length > 1).map(([timeline, nodes]) => ({ timeline, nodes }));
}
