import { isReadable } from '../../codec/dcs/cluster.ts';
import { type Keys, kindOfKey } from '../../codec/dcs/keys.ts';
import type { Cluster } from '../../model/cluster.ts';
import { type Revision, revision } from '../../model/units.ts';
import type { EtcdKeyValue } from '../../model/world.ts';
import type { EtcdClient } from './client.ts';

/** How many unreadable versions of one key are gone back over. */
const versionsMost = 8;
/** The others are written again by whoever owns them, or say what somebody wanted long ago. */
const restorable: ReadonlySet<string> = new Set(['sync', 'failsafe', 'history', 'config', 'initialize']);

/**
 * What somebody wrote over a key so that nobody can read it: etcd remembers what stood there before, until it compacts. It is
 * asked once for each such writing, and only while nobody leads: a leader knows better what belongs there.
 */
export function makeGarbled(client: EtcdClient, keys: Keys) {
  /** Key and revision of the unreadable value → what stood there; null: etcd does not know any more, or nothing readable did. */
  const known = new Map<string, string | null>();

  /** Undefined: etcd gave no answer. */
  async function before(key: string, from: Revision, budgetMs: number): Promise<string | null | undefined> {
    let at = revision(from - 1n);
    for (let tries = 0; tries < versionsMost; tries += 1) {
      const asked = await client.request('range', { key, revision: at }, { budgetMs });
      if (asked.kind === 'refused') return null; // compacted
      if (asked.kind !== 'done') return undefined;
      const [kv] = asked.answer.kvs;
      if (kv === undefined) return null;
      if (isReadable(kv, keys.prefix)) return kv.value;
      at = revision(kv.modRevision - 1n);
    }
    return null;
  }

  return {
    /** The same garbage, each with what can be put back in its place. */
    async look(cluster: Cluster, kvs: readonly EtcdKeyValue[], budgetMs: number): Promise<Cluster['garbage']> {
      if (cluster.garbage.length === 0) known.clear();
      if (cluster.leader !== null) return cluster.garbage;

      return Promise.all(
        cluster.garbage.map(async (one) => {
          const kv = kvs.find(({ key }) => key === one.key);
          if (kv === undefined || !restorable.has(kindOfKey(kv.key, keys.prefix).kind)) return one;
          const id = `${kv.key} ${kv.modRevision}`;
          const text = known.get(id) ?? (known.has(id) ? null : await before(kv.key, kv.modRevision, budgetMs));
          if (text !== undefined) known.set(id, text);
          return text == null ? one : { ...one, before: { text, seenModRevision: kv.modRevision } };
        }),
      );
    },
  };
}
