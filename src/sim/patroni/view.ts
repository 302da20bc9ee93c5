import { readCluster } from '../../codec/dcs/cluster.ts';
import { type KeyKind, type Keys, kindOfKey } from '../../codec/dcs/keys.ts';
import type { Cluster } from '../../model/cluster.ts';
import { type Revision, revision } from '../../model/units.ts';
import type { EtcdEvent, EtcdKeyValue, World } from '../../model/world.ts';
import { DcsError, type PeerEtcd } from './etcd.ts';

export interface View {
  /** A copy of what is cached; waits for the cache to be filled, and throws DcsError when that takes longer than the budget. */
  cluster(budgetMs: number): Promise<Cluster>;
  /** An own write, as the reply of etcd dates it. Null: deleted. */
  wrote(key: string, value: string | null, at: Revision): void;
  /** What is cached was found wrong: it is read anew. */
  forget(): void;
}

const againMs = 1000;
const pollMs = 100;
const threadMs = 3;

/**
 * Patroni's cache of the prefix: one range, then the events of one watch, for as long as its stream lasts. Nothing asks
 * whether it still shows the present: a member that hangs leaves a view of the past, and decisions are made by it.
 */
export function makeView(
  world: Pick<World, 'clock' | 'chance' | 'etcd'>,
  etcd: PeerEtcd,
  keys: Keys,
  changed: (kind: KeyKind) => void,
): View {
  const { clock, chance } = world;
  const cached = new Map<string, EtcdKeyValue>();
  let at = revision(0n);
  let ready = false;
  let generation = 0;
  let close = (): void => {};
  /** The watch has a thread of its own: after a pause of the whole process the loop may go on by what was there before it. */
  let thread: Promise<void> = Promise.resolve();

  function keep(key: string, value: string | null, modRevision: Revision): boolean {
    const before = cached.get(key);
    if (before !== undefined && before.modRevision > modRevision) return false;
    if (modRevision > at) at = modRevision;
    if (value === null) return cached.delete(key);
    // A watch does not tell of the lease in what this model of it reads, and nothing here asks for it.
    cached.set(key, { key, value, createRevision: before?.createRevision ?? modRevision, modRevision, lease: null });
    return before?.value !== value;
  }

  function happened({ type, key, value, modRevision }: EtcdEvent): void {
    if (keep(key, type === 'delete' ? null : value, modRevision)) changed(kindOfKey(key, keys.prefix).kind);
  }

  function forget(): void {
    ready = false;
    generation += 1;
    close();
    void fill(generation);
  }

  async function fill(mine: number): Promise<void> {
    while (mine === generation) {
      try {
        const asked = await etcd.request('range', { key: keys.prefix, rangeEnd: keys.rangeEnd }, 10_000);
        if (mine !== generation) return;
        if (asked.kind === 'done') return watch(mine, asked.answer.kvs, asked.header.revision);
      } catch (error) {
        if (!(error instanceof DcsError)) throw error;
      }
      await clock.sleep(againMs);
    }
  }

  function watch(mine: number, kvs: readonly EtcdKeyValue[], startRevision: Revision): void {
    const leader = cached.get(keys.leader)?.value;
    cached.clear();
    for (const kv of kvs) cached.set(kv.key, kv);
    at = startRevision;
    ready = true;
    if (cached.get(keys.leader)?.value !== leader) changed('leader');
    const ask = { key: keys.prefix, rangeEnd: keys.rangeEnd, startRevision };
    const stream = world.etcd.watch(etcd.endpoint(), ask, null, (message) => {
      if (mine !== generation) return;
      if (message.kind === 'events')
        thread = thread
          .then(() => clock.sleep(chance.below(threadMs)))
          .then(() => {
            if (mine === generation) for (const event of message.events) happened(event);
          });
      if (message.kind !== 'canceled' && message.kind !== 'ended') return;
      ready = false;
      void clock.sleep(againMs).then(() => mine === generation && forget());
    });
    close = stream.close;
  }

  // While it is being filled, that goes on at the new endpoint by itself.
  etcd.onSwitch(() => void (ready && forget()));
  forget();
  return {
    async cluster(budgetMs) {
      const endMs = clock.now() + budgetMs;
      while (!ready) {
        if (clock.now() >= endMs) throw new DcsError('the cache is not filled');
        await clock.sleep(Math.min(pollMs, endMs - clock.now()));
      }
      return readCluster([...cached.values()], at, keys.prefix);
    },
    wrote: (key, value, modRevision) => void keep(key, value, modRevision),
    forget: () => void (ready && forget()),
  };
}
