import type { InstantMs } from '../../model/units.ts';
import type { Clock, EtcdHeader } from '../../model/world.ts';

export type Known = Pick<EtcdHeader, 'clusterId' | 'raftTerm' | 'revision'>;

/** One answer, and what was known when its request was sent. */
export interface Shown {
  readonly endpoint: string;
  readonly header: EtcdHeader;
  readonly before: Known | null;
  /** Answers of other calls bear the member's own revision, which may lag. */
  readonly linearizable: boolean;
}

/** How long nothing but another identity must have been met before it is taken for the cluster. */
const adoptAfterMs = 60_000;

/**
 * A member that rejoined with old data, or of another cluster, must not be believed: its cluster id differs, or its raft
 * term or revision lies behind what was known when the request was sent. A cluster that was built anew looks just like
 * that; it is accepted when a majority of the endpoints has shown nothing else for a minute.
 */
export function makeIdentity(clock: Clock, note: (text: string) => void) {
  let known: Known | null = null;
  let doubted: { readonly sinceMs: InstantMs; readonly clusterId: bigint; readonly endpoints: Set<string> } | null =
    null;
  let changes = 0;

  function isAnotherByNow({ endpoint, header }: Shown, endpointCount: number): boolean {
    if (doubted === null || doubted.clusterId !== header.clusterId)
      doubted = { sinceMs: clock.now(), clusterId: header.clusterId, endpoints: new Set() };
    doubted.endpoints.add(endpoint);
    return clock.now() - doubted.sinceMs >= adoptAfterMs && doubted.endpoints.size * 2 > endpointCount;
  }

  return {
    /** To be taken before a request is sent, and judged with. */
    known: (): Known | null => known,
    newestRevision: (): bigint => known?.revision ?? 0n,
    /** Counts the clusters accepted after the first: what was remembered of revisions is void. */
    changes: (): number => changes,
    /** Null: believed. Otherwise why not. */
    judge(shown: Shown, endpointCount: number): string | null {
      const { header } = shown;
      const why = staleness(shown);
      if (why === null) known = known === null ? header : newest(known, header);
      else if (isAnotherByNow(shown, endpointCount)) {
        note(`etcd is another cluster now: ${shown.endpoint}: ${why}`);
        known = header;
        changes += 1;
      } else return why;
      doubted = null;
      return null;
    },
  };
}

function staleness({ header, before, linearizable }: Shown): string | null {
  if (before === null) return null;
  if (header.clusterId !== before.clusterId) return `belongs to another cluster, ${header.clusterId.toString(16)}`;
  if (header.raftTerm < before.raftTerm) return `raft term ${header.raftTerm} lies behind ${before.raftTerm}`;
  if (linearizable && header.revision < before.revision)
    return `revision ${header.revision} lies behind ${before.revision}`;
  return null;
}

const newest = (a: Known, b: Known): Known => ({
  clusterId: b.clusterId,
  raftTerm: larger(a.raftTerm, b.raftTerm),
  revision: larger(a.revision, b.revision),
});

function larger<T extends bigint>(a: T, b: T): T {
  if (a > b) return a;
  return b;
}
