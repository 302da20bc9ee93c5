import { bytesOf } from '../../codec/rest/bytes.ts';
import { roleOf, stateOf, statusDocument, syncStandbyKind } from '../../codec/rest/status.ts';
import type { Snapshot } from '../../model/agent.ts';
import type { Job } from '../../model/job.ts';
import type { RunningStandby } from '../../model/postgres.ts';
import { asText } from '../../model/scalars.ts';
import type { ApiRequest, Reply } from '../reply.ts';
import { freshCluster, holdsLease, loopHangs, type View } from '../view.ts';

type Query = ApiRequest['query'];

/** A health check: the code is the answer; GET adds the status document. */
export const health = ({ method, path, query }: ApiRequest, view: View): Reply => {
  const status = isHealthy(path, query, view) ? 200 : 503;
  return method === 'GET'
    ? { kind: 'json', status, value: statusDocument(view.snapshot, view) }
    : { kind: 'bare', status };
};

/** Paths are known by what they contain, the first that fits; load balancers rely on more spellings than anyone wrote down. */
export function isHealthy(path: string, query: Query, view: View): boolean {
  const { snapshot } = view;
  if (snapshot === null) return false;
  const has = (part: string): boolean => path.includes(part);
  if (has('standby_leader') || has('standby-leader')) return isStandbyLeader(snapshot, view);
  if (has('leader')) return isPrimary(snapshot, view) || isStandbyLeader(snapshot, view);
  if (has('master') || has('primary') || has('read-write') || path === '/') return isPrimary(snapshot, view);
  if (!tagsMatch(query, snapshot)) return false;
  const replica = isReplica(query, snapshot, view);
  const leads = isPrimary(snapshot, view) || isStandbyLeader(snapshot, view);
  if (has('replica')) return replica;
  if (has('read-only') && !has('sync') && !has('quorum')) return leads || replica;
  if (has('health')) return stateOf(snapshot) === 'running' && !loopHangs(view);
  if (freshCluster(view) === null) return false;
  const kind = syncStandbyKind(snapshot.seen);
  switch (path) {
    case '/sync':
    case '/synchronous':
      return replica && kind === 'sync';
    case '/quorum':
      return replica && kind === 'quorum';
    case '/async':
    case '/asynchronous':
      return replica && kind === null;
    case '/read-only-quorum':
      return leads || (replica && kind === 'quorum');
    case '/read-only-sync':
    case '/read-only-synchronous':
      return leads || (replica && kind === 'sync');
    default:
      return false;
  }
}

/**
 * The lease, and a primary under it. One that gives no answer just now still is: with the lease nobody else can be,
 * and cutting its clients off would make an outage of a slow moment.
 */
function isPrimary(snapshot: Snapshot, view: View): boolean {
  const { postgres, settings, memory } = snapshot.seen;
  if (settings.cluster.standbyCluster !== null) return false;
  const primary =
    (postgres.kind === 'running' && postgres.role === 'primary') ||
    (postgres.kind === 'unresponsive' && postgres.believed === 'primary' && memory.lastRole === 'primary');
  return primary && !isBeingStopped(snapshot) && (holdsLease(view) || ledByRole(snapshot, view));
}

/** From the decision on its clients are sent elsewhere. While a checkpoint comes first, it serves them as before. */
function isBeingStopped({ seen, decision }: Snapshot): boolean {
  const jobs: Job[] = decision.actions.flatMap((action) => (action.kind === 'startJob' ? [action.job] : []));
  if (seen.jobs.kind === 'busy') jobs.push(seen.jobs.job);
  return jobs.some((job) => job.kind === 'stop' && !job.checkpointFirst);
}

function isStandbyLeader(snapshot: Snapshot, view: View): boolean {
  const { postgres, settings } = snapshot.seen;
  if (settings.cluster.standbyCluster === null || postgres.kind !== 'running' || postgres.role !== 'standby')
    return false;
  return holdsLease(view) || (ledByRole(snapshot, view) && roleOf(snapshot) === 'standby_leader');
}

/** In pause, without etcd, the role that is there counts instead of the lease: the operator has taken over. A hung loop sees no role. */
const ledByRole = ({ seen }: Snapshot, view: View): boolean =>
  seen.settings.cluster.pause && seen.dcs.kind === 'unreachable' && !loopHangs(view);

/** Fit to be read from. */
function isReplica(query: Query, snapshot: Snapshot, view: View): boolean {
  const { postgres, settings } = snapshot.seen;
  if (postgres.kind !== 'running' || postgres.role !== 'standby' || stateOf(snapshot) !== 'running') return false;
  if (settings.local.tags.noloadbalance || holdsLease(view) || roleOf(snapshot) !== 'replica') return false;
  return !loopHangs(view) && !isAdrift(postgres, snapshot, view) && !isLagging(query, postgres, snapshot);
}

/** No etcd for a whole ttl and nobody to stream from: old data without end. Stricter than Patroni, which goes on serving it. */
function isAdrift(postgres: RunningStandby, { seen, dcsLastSeenMs }: Snapshot, { nowMs }: View): boolean {
  if (seen.dcs.kind === 'reachable' || postgres.receiver?.status === 'streaming') return false;
  const sinceMs = dcsLastSeenMs ?? seen.startedMs;
  return !seen.settings.cluster.pause && nowMs - sinceMs > seen.settings.cluster.ttlMs;
}

function isLagging(query: Query, postgres: RunningStandby, snapshot: Snapshot): boolean {
  const limit = query.lag === undefined ? null : bytesOf(query.lag);
  return limit !== null && furthest(postgres, snapshot) > postgres.replayedLsn + limit;
}

/** As far as the cluster is known to have written. */
function furthest({ receiver }: RunningStandby, { seen }: Snapshot): bigint {
  const optime = seen.dcs.kind === 'reachable' ? (seen.dcs.cluster.status?.optime ?? 0n) : 0n;
  const told = receiver?.latestEndLsn ?? 0n;
  return optime > told ? optime : told;
}

/** `?tag_region=eu`: this node's own tag must be there, and so. */
function tagsMatch(query: Query, { seen }: Snapshot): boolean {
  const { published } = seen.settings.local.tags;
  return Object.entries(query).every(([key, wanted]) => {
    if (!key.startsWith('tag_')) return true;
    const name = key.slice(4);
    const given = Object.hasOwn(published, name) ? published[name] : undefined;
    if (given === undefined) return false;
    return (typeof given === 'string' ? given : asText(given).toLowerCase()) === wanted;
  });
}

/** The loop lives. Whoever is no primary is given twice the time: a restart of its agent saves nobody. */
export function liveness(view: View): Reply {
  const { snapshot } = view;
  if (snapshot === null) return { kind: 'bare', status: 503 };
  const { postgres, settings } = snapshot.seen;
  const isRunningPrimary = postgres.kind === 'running' && postgres.role === 'primary';
  const alive = settings.cluster.pause || !loopHangs(view, isRunningPrimary ? 1 : 2);
  return { kind: 'bare', status: alive ? 200 : 503 };
}

/** Fit to take part: leads, or streams and keeps up. */
export function readiness({ query }: ApiRequest, view: View): Reply {
  return { kind: 'bare', status: isReady(query, view) ? 200 : 503 };
}

function isReady(query: Query, view: View): boolean {
  const { snapshot } = view;
  if (snapshot === null) return false;
  if (isPrimary(snapshot, view) || isStandbyLeader(snapshot, view)) return true;
  const { postgres, settings } = snapshot.seen;
  if (postgres.kind !== 'running' || postgres.role !== 'standby' || stateOf(snapshot) !== 'running') return false;
  if (postgres.receiver?.status !== 'streaming' || loopHangs(view)) return false;
  if (freshCluster(view) === null && postgres.receiver.latestEndLsn === null) return false;
  const limit = bytesOf(query.lag ?? '') ?? BigInt(settings.cluster.maximumLagBytesOnFailover);
  const at = query.mode === 'write' ? postgres.receivedLsn : postgres.replayedLsn;
  return furthest(postgres, snapshot) <= at + limit;
}
