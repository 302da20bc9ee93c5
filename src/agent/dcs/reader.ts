import { readCluster } from '../../codec/dcs/cluster.ts';
import { keysOf } from '../../codec/dcs/keys.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { DcsOutcome } from '../../model/outcome.ts';
import type { EtcdSettings } from '../../model/settings.ts';
import type { EtcdKeyValue } from '../../model/world.ts';
import { type DcsWorld, makeEtcdClient } from './client.ts';
import { makeWrites, type Seen } from './writes.ts';

const defaultBudgetMs = 5_000;

/** etcd for people: reads and compared writes, without watch and leases. */
export function makeDcsReader(
  world: DcsWorld,
  options: { readonly etcd: EtcdSettings; readonly namespace: string; readonly scope: string },
) {
  const keys = keysOf(options.namespace, options.scope);
  const client = makeEtcdClient(world, () => options.etcd);
  const writes = makeWrites(client, { keys, name: '', held: () => null, memberLease: () => null });

  return {
    keys,
    /** Everything below the prefix, and what it means. */
    async read(
      budgetMs: number = defaultBudgetMs,
    ): Promise<DcsOutcome<{ readonly cluster: Cluster; readonly kvs: readonly EtcdKeyValue[] }>> {
      const asked = await client.request('range', { key: keys.prefix, rangeEnd: keys.rangeEnd }, { budgetMs });
      if (asked.kind !== 'done') return asked;
      const { kvs } = asked.answer;
      const { revision } = asked.header;
      return {
        kind: 'done',
        value: { cluster: readCluster(kvs, revision, keys.prefix), kvs },
        revision,
        sentMs: asked.sentMs,
      };
    },
    /** `key` as below the prefix: `config`, `failover`. `seen`: its mod revision, null for absent, 'any' for no compare. */
    put: (key: string, text: string, seen: Seen, budgetMs: number = defaultBudgetMs): Promise<DcsOutcome<null>> =>
      writes.put(key, text, seen, budgetMs),
    remove: (key: string, seen: Seen, budgetMs: number = defaultBudgetMs): Promise<DcsOutcome<null>> =>
      writes.remove(key, seen, budgetMs),
    /** The whole cluster, irrevocably. */
    async removeAll(budgetMs: number = defaultBudgetMs): Promise<DcsOutcome<null>> {
      const everything = { op: 'delete' as const, key: keys.prefix, rangeEnd: keys.rangeEnd };
      const asked = await client.request('txn', { compare: [], success: [everything], failure: [] }, { budgetMs });
      if (asked.kind !== 'done') return asked;
      return { kind: 'done', value: null, revision: asked.header.revision, sentMs: asked.sentMs };
    },
  };
}
