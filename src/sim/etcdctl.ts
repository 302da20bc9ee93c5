import type { Revision } from '../model/units.ts';
import type { EtcdCompare, EtcdOp } from '../model/world.ts';
import type { SimulatedCluster } from './cluster.ts';

/** What somebody does with etcdctl: keys of the cluster are gone, whoever holds them. False: etcd has no leader to do it. */
export const etcdctlDelete = (cluster: SimulatedCluster, ...names: readonly string[]): boolean =>
  perform(
    cluster,
    names.map((name) => ({ op: 'delete', key: `/service/sim/${name}` })),
  );

/** As `etcdctl put`: whatever stood there, and without a lease. */
export const etcdctlPut = (cluster: SimulatedCluster, name: string, value: string): boolean =>
  perform(cluster, [{ op: 'put', key: `/service/sim/${name}`, value }]);

/** The same, or a key deleted (null), but only over what was read there before: `etcdctl txn`. */
export const etcdctlReplace = (cluster: SimulatedCluster, key: string, at: Revision, value: string | null): boolean =>
  perform(
    cluster,
    [value === null ? { op: 'delete', key } : { op: 'put', key, value }],
    [{ key, target: 'mod', equals: at }],
  );

function perform(cluster: SimulatedCluster, ops: readonly EtcdOp[], compare: readonly EtcdCompare[] = []): boolean {
  const { raft, store, leases } = cluster.etcd;
  const lead = raft.leader();
  if (lead === null) return false;
  for (const { op, key, ...rest } of ops)
    cluster.tell(lead.host, `etcdctl ${op} ${key} ${'value' in rest ? rest.value : ''}`);
  raft.propose(
    lead,
    () => void store.txn(compare, ops, [], leases.lives),
    () => {},
  );
  return true;
}
