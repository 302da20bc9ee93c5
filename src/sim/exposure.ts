import { readSync } from '../codec/dcs/sync.ts';
import type { Exposure } from '../model/history.ts';
import { sameName } from '../model/synchronousNames.ts';
import { lsnOf, lsnText } from '../model/units.ts';
import type { Engine } from './engine.ts';
import type { SimulatedEtcd } from './etcd/etcd.ts';
import type { SimulatedNode } from './node.ts';
import { dataDirAt, mixedMark } from './postgres/dataDir.ts';
import type { Instance, PostgresWorld } from './postgres/instance.ts';
import { forkOf, type Wal } from './postgres/wal.ts';
import { places } from './settings.ts';

/** A log as far as it was acknowledged to somebody. */
type Acknowledged = Wal & { readonly node: string };

/**
 * Law 2 in synchronous mode, at every instant: whoever /sync lets be elected has on its disk all that was acknowledged, or
 * it could be lost by one more failure. Judged with each acknowledgement, and with each change of the key.
 */
export function makeExposure(
  engine: Engine,
  etcd: SimulatedEtcd,
  postgres: PostgresWorld,
  nodes: () => Iterable<SimulatedNode>,
  key: string,
) {
  const seen = new Map<string, Exposure>();
  let last: Acknowledged | null = null;
  let readAt = -1n;
  let named: { readonly modRevision: bigint; readonly names: readonly string[] } | null = null;

  function readKey(): boolean {
    const now = etcd.store.revision();
    if (now === readAt) return false;
    readAt = now;
    const found = etcd.store.range(key);
    const kv = found.kind === 'kvs' ? found.kvs[0] : undefined;
    const sync = kv === undefined ? null : readSync(kv.value);
    const before = named?.modRevision;
    const names = sync === null ? [] : [...(sync.leader === null ? [] : [sync.leader]), ...sync.members];
    named = kv === undefined || sync === null ? null : { modRevision: kv.modRevision, names };
    return named?.modRevision !== before;
  }

  /** What a node would come up with as a standby; null: it has no data, or no whole copy, and cannot be elected. */
  function logOf({ name, machine }: SimulatedNode): Wal | null {
    const running = [...postgres.servers].find((one) => one.machine.name === name);
    if (running !== undefined) return running.wal;
    const dir = dataDirAt(machine, places.dataDir);
    const half = machine.disk.get(`${places.stateDir}/job.json`)?.kind === 'file' || dir.has(mixedMark);
    return half || dir.control() === null ? null : dir.wal();
  }

  function judge(): void {
    if (last === null || named === null) return;
    for (const node of nodes()) {
      if (sameName(node.name, last.node) || !named.names.some((name) => sameName(name, node.name))) continue;
      const wal = logOf(node);
      if (wal === null) continue;
      const { at: common } = forkOf(wal, last);
      const id = `${last.node} ${node.name} ${named.modRevision}`;
      if ((common >= last.end && wal.flushed >= last.end) || seen.has(id)) continue;
      const [lacks, shared, synced] = [last.end, common, wal.flushed].map((at) => lsnText(lsnOf(at)));
      seen.set(id, {
        kind: 'exposure',
        node: last.node,
        member: node.name,
        atMs: engine.now(),
        why: `${last.node} acknowledged up to ${lacks}; ${node.name}, whom /sync lets be elected, has ${shared}, on disk ${synced}`,
      });
    }
  }

  postgres.acknowledged = ({ machine, wal }: Instance, upTo: bigint): void => {
    const { timeline, history } = wal;
    last = { node: machine.name, timeline, history, records: [], end: upTo, flushed: upTo };
    readKey();
    judge();
  };

  return {
    /** After each event. */
    look(): void {
      if (readKey()) judge();
    },
    all: (): readonly Exposure[] => [...seen.values()],
  };
}
