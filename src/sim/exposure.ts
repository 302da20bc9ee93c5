import { type ReadSync, readSync } from '../codec/dcs/sync.ts';
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
  nodes: readonly SimulatedNode[],
  key: string,
) {
  const seen = new Map<string, Exposure>();
  let last: Acknowledged | null = null;
  let readAt = -1n;
  let named: (ReadSync & { readonly modRevision: bigint }) | null = null;

  function readKey(): boolean {
    const now = etcd.store.revision();
    if (now === readAt) return false;
    readAt = now;
    const found = etcd.store.range(key);
    const kv = found.kind === 'kvs' ? found.kvs[0] : undefined;
    const sync = kv === undefined ? null : readSync(kv.value);
    const before = named?.modRevision;
    named = kv === undefined || sync === null ? null : { ...sync, modRevision: kv.modRevision };
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

  /** Who lacks some of what was acknowledged, and how. */
  function lacking({ end }: Acknowledged, names: readonly string[]): readonly { name: string; why: string }[] {
    return nodes.flatMap((node) => {
      const wal = names.some((name) => sameName(name, node.name)) ? logOf(node) : null;
      if (wal === null || last === null || sameName(node.name, last.node)) return [];
      const { at: common } = forkOf(wal, last);
      if (common >= end && wal.flushed >= end) return [];
      const [shared, synced] = [common, wal.flushed].map((at) => lsnText(lsnOf(at)));
      return [{ name: node.name, why: `${node.name} has ${shared}, on disk ${synced}` }];
    });
  }

  function judge(): void {
    if (last === null || named === null) return;
    const { leader, members, quorum, modRevision } = named;
    // Who leads needs as many others as the quorum says; who led last needs none.
    const voters = lacking(last, members);
    const without = [...(voters.length > quorum ? voters : []), ...(leader === null ? [] : lacking(last, [leader]))];
    const id = `${last.node} ${modRevision}`;
    if (without.length === 0 || seen.has(id)) return;
    const whys = without.map(({ why }) => why).join('; ');
    seen.set(id, {
      kind: 'exposure',
      node: last.node,
      member: without.map(({ name }) => name).join(','),
      atMs: engine.now(),
      why: `${last.node} acknowledged up to ${lsnText(lsnOf(last.end))}, and /sync lets others be elected: ${whys}`,
    });
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
