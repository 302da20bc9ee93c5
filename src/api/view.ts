import type { AgentHandles, Snapshot } from '../model/agent.ts';
import type { Cluster, DcsView } from '../model/cluster.ts';
import type { LocalSettings } from '../model/settings.ts';
import type { InstantMs } from '../model/units.ts';

/** What the read-only handlers look at: taken once a request, no I/O. */
export interface View {
  readonly snapshot: Snapshot | null;
  readonly nowMs: InstantMs;
  /** Read live: the snapshot may be older than the lease. */
  readonly fenceDeadlineMs: InstantMs | null;
  readonly scope: string;
  readonly name: string;
  readonly instance: string;
}

export const viewOf = (handles: AgentHandles, local: Pick<LocalSettings, 'scope' | 'name'>): View => ({
  snapshot: handles.snapshot(),
  nowMs: handles.now(),
  fenceDeadlineMs: handles.fenceDeadlineMs(),
  scope: local.scope,
  name: local.name,
  instance: handles.instance,
});

export const clusterOf = (dcs: DcsView): Cluster | null => (dcs.kind === 'reachable' ? dcs.cluster : dcs.lastSeen);

/** The cluster as it is: read, and within `ttl`. */
export function freshCluster({ snapshot, nowMs }: View): Cluster | null {
  if (snapshot === null || snapshot.seen.dcs.kind === 'unreachable' || snapshot.dcsLastSeenMs === null) return null;
  const fresh = nowMs - snapshot.dcsLastSeenMs < snapshot.seen.settings.cluster.ttlMs;
  return fresh ? snapshot.seen.dcs.cluster : null;
}

/**
 * Within the fence deadline, and the leader key that was seen is the one of this lease. None was seen, or it is gone: the members'
 * promises say as much.
 */
export function holdsLease({ snapshot, nowMs, fenceDeadlineMs }: View): boolean {
  if (snapshot === null || fenceDeadlineMs === null || nowMs >= fenceDeadlineMs) return false;
  const { held, dcs, settings } = snapshot.seen;
  const key = clusterOf(dcs)?.leader ?? null;
  if (held === null || key === null) return held?.byMembers === true;
  return key.name === settings.local.name && key.lease === held.lease && key.term === held.term;
}

/** The loop has not come by for a whole ttl (or so many) after its time: what the snapshot says is history. */
export const loopHangs = ({ snapshot, nowMs }: View, ttls = 1): boolean =>
  snapshot === null || nowMs >= snapshot.nextCycleMs + ttls * snapshot.seen.settings.cluster.ttlMs;
