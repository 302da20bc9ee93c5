import type { InstantMs } from '../../model/units.ts';
import type { Clock, EtcdHeader } from '../../model/world.ts';

export type Known = Pick<EtcdHeader, 'clusterId' | 'raftTerm' | 'revision'>;

/** How long nothing but another identity must have been met before it is taken for the cluster. */
const adoptAfterMs = 60_000;

/**
 * A member that rejoined with old data, or of another cluster, must not be believed: its cluster id differs, or its raft
 * term or revision lies behind what was known when the request was sent. A cluster that was built anew looks just like
 * that; it is accepted when a majority of the endpoints has shown nothing else for a minute.
 */
export function makeIdentity(clock: Clock, note: (text: string) => void) {
  let known: Known | null = null;
  let doubted: { sinceMs: InstantMs; clusterId: bigint; endpoints: Set<string> } | null = null;

  function doubt(endpoint: string, header: EtcdHeader, endpointCount: number, why: string): string | null {
    if (doubted === null || doubted.clusterId !== header.clusterId)
      doubted = { sinceMs: clock.now(), clusterId: header.clusterId, endpoints: new Set() };
    doubted.endpoints.add(endpoint);
    const old = clock.now() - doubted.sinceMs >= adoptAfterMs;
    if (!old || doubted.endpoints.size * 2 <= endpointCount) return why;
    note(`etcd is another cluster now: ${why}`);
    doubted = null;
    known = header;
    return null;
  }

  return {
    /** To be taken before a request is sent, and judged with. */
    known: (): Known | null => known,
    newestRevision: (): bigint => known?.revision ?? 0n,
    /** Null: believed. Otherwise why not. */
    judge(endpoint: string, header: EtcdHeader, before: Known | null, endpointCount: number): string | null {
      if (before !== null && header.clusterId !== before.clusterId)
        return doubt(
          endpoint,
          header,
          endpointCount,
          `${endpoint} belongs to cluster ${header.clusterId.toString(16)}`,
        );
      if (before !== null && header.raftTerm < before.raftTerm)
        return doubt(
          endpoint,
          header,
          endpointCount,
          `${endpoint} is at raft term ${header.raftTerm}, behind ${before.raftTerm}`,
        );
      if (before !== null && header.revision < before.revision)
        return doubt(
          endpoint,
          header,
          endpointCount,
          `${endpoint} is at revision ${header.revision}, behind ${before.revision}`,
        );
      doubted = null;
      known = {
        clusterId: header.clusterId,
        raftTerm: known !== null && known.raftTerm > header.raftTerm ? known.raftTerm : header.raftTerm,
        revision: known !== null && known.revision > header.revision ? known.revision : header.revision,
      };
      return null;
    },
  };
}

export type Identity = ReturnType<typeof makeIdentity>;
