import type { SimulatedCluster } from './cluster.ts';

/** What somebody does with etcdctl: keys of the cluster are gone, whoever holds them. False: etcd has no leader to do it. */
export function etcdctlDelete(cluster: SimulatedCluster, ...names: readonly string[]): boolean {
  const { raft, store, leases } = cluster.etcd;
  const lead = raft.leader();
  if (lead === null) return false;
  const ops = names.map((name) => ({ op: 'delete', key: `/service/sim/${name}` }) as const);
  raft.propose(
    lead,
    () => void store.txn([], ops, [], leases.lives),
    () => {},
  );
  return true;
}
