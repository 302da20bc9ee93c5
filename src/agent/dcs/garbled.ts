import { isReadable, readCluster } from '../../codec/dcs/cluster.ts';
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
 * What somebody wrote over a key so that nobody can read it. etcd remembers what stood there before, until it compacts: that goes on
 * to count, or an election would have nothing to go by, or a primary begin to wait for nobody while others may still be elected.
 * etcd is asked once for each such writing. What a Patroni of another version may have written is left as it is.
 */
export function makeGarbled(client: EtcdClient, keys: Keys) {
  /** Key and revision of the unreadable value → what stood there; null: etcd does not know any more, or nothing readable did. */
  const known = new Map<string, string | null>();

  /** Undefined: etcd gave no answer. */
  async function before(key: string, from: Revision, leftMs: () => number): Promise<string | null | undefined> {
    let at = revision(from - 1n);
    for (let tries = 0; tries < versionsMost; tries += 1) {
      const asked = await client.request('range', { key, revision: at }, { budgetMs: leftMs() });
      if (asked.kind === 'refused') return null; // compacted
      if (asked.kind !== 'done') return undefined;
      const [kv] = asked.answer.kvs;
      if (kv === undefined) return null;
      // An empty `initialize` is a claim, and whoever made it may be gone.
      if (kv.value !== '' && isReadable(kv, keys.prefix)) return kv.value;
      at = revision(kv.modRevision - 1n);
    }
    return null;
  }

  /** With the text of before in place of what cannot be read; that it is there is told with its key. */
  async function read(cluster: Cluster, kvs: readonly EtcdKeyValue[], leftMs: () => number): Promise<Cluster> {
    const past = new Map<string, { readonly text: string; readonly seenModRevision: Revision }>();
    const spoilt = kvs.filter(
      ({ key }) => restorable.has(kindOfKey(key, keys.prefix).kind) && cluster.garbage.some((one) => one.key === key),
    );
    for (const { key, modRevision } of spoilt) {
      const id = `${key} ${modRevision}`;
      const text = known.has(id) ? known.get(id) : await before(key, modRevision, leftMs);
      if (text === undefined) break; // the rest is asked for at the next look: nobody waits long for any of it
      known.set(id, text);
      if (text !== null) past.set(key, { text, seenModRevision: modRevision });
    }
    const asBefore = kvs.map((kv) => ({ ...kv, value: past.get(kv.key)?.text ?? kv.value }));
    const garbage = cluster.garbage.map((one) => {
      const before = past.get(one.key);
      return before === undefined ? one : { ...one, before };
    });
    return { ...readCluster(asBefore, cluster.revision, keys.prefix), garbage };
  }

  return {
    /** What is to be gone by, of what was read. */
    async look(cluster: Cluster, kvs: readonly EtcdKeyValue[], leftMs: () => number): Promise<Cluster> {
      if (cluster.garbage.length === 0) known.clear();
      const allOurs = cluster.members.every(({ other }) => other.matriarch === 1);
      return cluster.garbage.length > 0 && allOurs ? read(cluster, kvs, leftMs) : cluster;
    },
  };
}
