import { isObject, type JsonObject, parseJson } from '../codec/dcs/json.ts';
import type { Cluster, Member } from '../model/cluster.ts';
import { standbyClusterOf } from '../model/standbyCluster.ts';

/** What the cluster's configuration says, as far as commands need it. */
export interface ClusterFacts {
  readonly config: JsonObject;
  readonly leader: string | null;
  readonly paused: boolean;
  readonly loopWaitS: number;
  readonly standbyCluster: boolean;
  readonly synchronous: 'off' | 'on' | 'quorum';
}

export function factsOf(cluster: Cluster): ClusterFacts {
  const parsed = parseJson(cluster.config?.text ?? '');
  const config = isObject(parsed) ? parsed : {};
  const { standby_cluster: standby, synchronous_mode: mode, loop_wait: loopWait } = config;
  const standbyCluster = standbyClusterOf(standby) !== null;
  return {
    config,
    leader: cluster.leader?.name ?? null,
    paused: isTrue(config.pause),
    loopWaitS: typeof loopWait === 'number' && loopWait > 0 ? loopWait : 10,
    standbyCluster,
    synchronous: standbyCluster ? 'off' : mode === 'quorum' ? 'quorum' : isTrue(mode) ? 'on' : 'off',
  };
}

/** As Patroni reads booleans. */
export const isTrue = (value: unknown): boolean =>
  value === true ||
  (typeof value === 'string' && ['true', 'yes', 'on', '1'].includes(value.toLowerCase())) ||
  value === 1;

/** The tag wins; otherwise a priority of 0 or less says it. */
export function isNofailover({ tags }: Member): boolean {
  if (tags.nofailover !== undefined) return isTrue(tags.nofailover);
  return tags.failover_priority !== undefined && Number(tags.failover_priority) <= 0;
}
