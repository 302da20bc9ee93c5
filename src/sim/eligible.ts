import { readCluster } from '../codec/dcs/cluster.ts';
import { isObject, parseJson } from '../codec/dcs/json.ts';
import type { Keys } from '../codec/dcs/keys.ts';
import type { Cluster } from '../model/cluster.ts';
import { lsnOf, lsnText, revision } from '../model/units.ts';
import type { Engine } from './engine.ts';
import type { SimulatedEtcd } from './etcd/etcd.ts';
import type { Network } from './network.ts';
import type { SimulatedNode } from './node.ts';
import type { Instance, PostgresWorld } from './postgres/instance.ts';
import { forkOf } from './postgres/wal.ts';

/** How far a server had got, and since when it had. */
interface Reached {
  readonly end: bigint;
  readonly sinceMs: number;
  /** Since when it is primary; null: it is not. */
  readonly primarySinceMs: number | null;
}

/** Long enough for everybody to have looked. */
const settledMs = 10_000;
/** Who is further and answers goes first, for 5 s at least. */
const turnMs = 4_000;
const usualLagMost = 1_048_576;

/**
 * Law 3: whether a standby that takes the leader key may lead. Judged at the instant at which etcd gives it the key, by what
 * etcd has then and by what is really on the disks. What a candidate could not know is no reason.
 */
export function makeEligibility(
  engine: Engine,
  etcd: SimulatedEtcd,
  network: Network,
  postgres: PostgresWorld,
  nodes: readonly SimulatedNode[],
  keys: Keys,
) {
  const reached = new WeakMap<Instance, Reached>();
  /** The last that could be read: what people wrote over it, or deleted, goes on to count until they mend it. */
  let settings: Dynamic = {};
  let settingsAt = revision(0n);
  const serverOf = (name: string): Instance | undefined =>
    [...postgres.servers].find((one) => one.machine.name === name && one.phase === 'ready');
  const standbyOf = (name: string): Instance | undefined => {
    const server = serverOf(name);
    return server?.inRecovery === true ? server : undefined;
  };
  const long = (sinceMs: number | null): boolean => sinceMs !== null && engine.now() - sinceMs >= settledMs;
  const hear = (a: string, b: string): boolean => network.open(a, b) && network.open(b, a);

  /** Whether all of a node that answers for its server has been at work long enough. */
  function answers({ name, runs, machine, answersSinceMs, handles }: SimulatedNode): boolean {
    const serverSinceMs = serverOf(name)?.postmaster.runningSinceMs() ?? null;
    // A Patroni looks at its server when it is asked; ours says what it saw when it last looked.
    const knows = runs === 'patroni' || handles()?.snapshot()?.seen.postgres.kind === 'running';
    return long(answersSinceMs()) && long(serverSinceMs) && !machine.diskHangs && knows;
  }

  /** One that is further on the same timeline, has been for long, and can tell it to everybody. */
  function passedOver(cluster: Cluster, mine: Instance, vacantMs: number, before: string | null): string | null {
    if (vacantMs > turnMs || engine.now() - network.calmSinceMs() < settledMs) return null;
    for (const node of nodes) {
      const other = standbyOf(node.name);
      const at = other === undefined ? undefined : reached.get(other);
      // Who had the key last is not waited for: that it went is mostly because of that one.
      if (other === undefined || at === undefined || other === mine || node.name === before || !answers(node)) continue;
      // What others have beyond those that were waited for was never acknowledged.
      // With a quorum enough votes are.
      if (
        settings.synchronous_mode === 'quorum' ||
        notSynchronous(settings, cluster, node.name) !== null ||
        cluster.sync?.leader === node.name ||
        offHistory(cluster, other) !== null
      )
        continue;
      // It goes on where this one ends: no other history, and no fewer.
      const further = at.end > mine.wal.end && forkOf(mine.wal, other.wal).at === mine.wal.end;
      if (further && hear(node.name, mine.machine.name) && engine.now() - at.sinceMs >= settledMs)
        return `${node.name} has ${text(at.end)}, and answers`;
    }
    return null;
  }

  /** A primary that went on without the key, and says so to whoever asks. */
  function besidePrimary(mine: Instance): string | null {
    if (engine.now() - network.calmSinceMs() < settledMs) return null;
    for (const node of nodes) {
      const server = serverOf(node.name);
      const sinceMs = (server && reached.get(server)?.primarySinceMs) ?? null;
      if (sinceMs === null || !long(sinceMs) || !answers(node) || !hear(node.name, mine.machine.name)) continue;
      return `${node.name} runs as primary, and answers`;
    }
    return null;
  }

  /** By its own file as its agent last read it: a member key lags behind that. A Patroni is told by its member key. */
  function mayNotLead(cluster: Cluster, name: string): boolean {
    const node = nodes.find((one) => one.name === name);
    if (node?.runs === 'matriarch') return node.handles()?.snapshot()?.seen.settings.local.tags.nofailover === true;
    return cluster.members.find((member) => member.name === name)?.tags.nofailover === true;
  }

  function followSettings(): void {
    if (etcd.store.revision() === settingsAt) return;
    settingsAt = etcd.store.revision();
    const found = etcd.store.range(keys.config);
    const said = found.kind === 'kvs' ? parseJson(found.kvs[0]?.value ?? '') : undefined;
    if (isObject(said)) settings = said;
  }

  return {
    /** After each event: how far each server is. */
    look(): void {
      followSettings();
      for (const server of postgres.servers) {
        const before = reached.get(server);
        const leads = server.phase === 'ready' && !server.inRecovery;
        const sinceMs = before?.end === server.wal.end ? before.sinceMs : engine.now();
        const primarySinceMs = leads ? (before?.primarySinceMs ?? engine.now()) : null;
        if (before?.sinceMs === sinceMs && before.end === server.wal.end && before.primarySinceMs === primarySinceMs)
          continue;
        reached.set(server, { end: server.wal.end, sinceMs, primarySinceMs });
      }
    },
    /** Why `name` should not have been given the key. `vacantMs`: how long nobody had it; `before`: who had it last. */
    whyNot(name: string, vacantMs: number, before: string | null = null): string | null {
      const mine = standbyOf(name);
      const found = etcd.store.range(keys.prefix, keys.rangeEnd);
      if (mine === undefined || found.kind !== 'kvs') return null; // a primary that takes its own key again
      followSettings();
      const cluster = readCluster(found.kvs, revision(0n), keys.prefix);
      if (mayNotLead(cluster, name)) return 'nofailover';
      if (named(cluster, mine)) return besidePrimary(mine);
      const reasons = [
        notSynchronous(settings, cluster, name),
        tooFarBehind(settings, cluster, mine),
        offHistory(cluster, mine),
        passedOver(cluster, mine, vacantMs, before),
        besidePrimary(mine),
      ];
      const why = reasons.filter((one) => one !== null);
      return why.length === 0 ? null : `${name} at ${text(mine.wal.end)}: ${why.join('; ')}`;
    },
  };
}

const text = (at: bigint): string => lsnText(lsnOf(at));

/** In a switchover only with all that the leader last said to have. */
function named(cluster: Cluster, mine: Instance): boolean {
  const { failover, status } = cluster;
  if (failover?.candidate !== mine.machine.name) return false;
  if (failover.leader === null || status === null) return true;
  return mine.wal.end >= status.optime && offHistory(cluster, mine) === null;
}

interface Dynamic {
  readonly maximum_lag_on_failover?: unknown;
  readonly synchronous_mode?: unknown;
}

/** In synchronous mode, and nobody waited for it. */
function notSynchronous(settings: Dynamic, cluster: Cluster, name: string): string | null {
  const { sync } = cluster;
  if (settings.synchronous_mode !== true || sync === null) return null;
  const named = [...(sync.leader === null ? [] : [sync.leader]), ...sync.members];
  return named.includes(name) ? null : `/sync names ${named.join(', ')}`;
}

function tooFarBehind(settings: Dynamic, cluster: Cluster, mine: Instance): string | null {
  const { status, sync } = cluster;
  // All that was acknowledged it has: what it lacks was promised to nobody.
  if (
    settings.synchronous_mode !== undefined &&
    sync !== null &&
    notSynchronous(settings, cluster, mine.machine.name) === null
  )
    return null;
  const wanted = settings.maximum_lag_on_failover;
  const most = typeof wanted === 'number' ? wanted : usualLagMost;
  const lagBytes = status === null ? 0n : status.optime - mine.wal.end;
  return lagBytes > BigInt(most) ? `${lagBytes} bytes behind the last status, more than ${most}` : null;
}

/** It left the way of the cluster before the newest timeline that /history knows. */
function offHistory({ history, clusterTimeline }: Cluster, mine: Instance): string | null {
  if (history === null || clusterTimeline === null || mine.wal.timeline >= clusterTimeline) return null;
  const end = history.lines.find(({ timeline }) => timeline === mine.wal.timeline)?.end ?? null;
  if (end !== null && mine.wal.end <= end) return null;
  return `timeline ${mine.wal.timeline} was left at ${end === null ? 'an unknown place' : text(end)}, and the cluster is on ${clusterTimeline}`;
}
