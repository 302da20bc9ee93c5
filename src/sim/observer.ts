import type { Observed, Right } from '../model/history.ts';
import type { LeaseId } from '../model/units.ts';
import type { Engine } from './engine.ts';
import type { SimulatedEtcd } from './etcd/etcd.ts';
import type { SimulatedNode } from './node.ts';
import type { Instance, PostgresWorld } from './postgres/instance.ts';

/**
 * Watches a run from outside, after every event: who held the right to lead, and who was promoted. The laws are judged
 * over what it notes, together with what the clients hold in their hands.
 */
export interface Observer {
  observed(): readonly Observed[];
}

export function makeObserver(
  engine: Engine,
  etcd: SimulatedEtcd,
  postgres: PostgresWorld,
  nodes: () => Iterable<SimulatedNode>,
  leaderKey: string,
): Observer {
  const over: Observed[] = [];
  const held = new Map<string, Right>();
  const roles = new Map<Instance, boolean>();
  let keyAt = -1n;
  let key: {
    readonly name: string;
    readonly term: string;
    readonly lease: LeaseId | null;
    readonly sinceMs: number;
  } | null = null;
  /** The lease under each right. */
  const leases = new Map<string, LeaseId | null>();

  function readKey(): void {
    if (etcd.store.revision() === keyAt) return;
    keyAt = etcd.store.revision();
    const found = etcd.store.range(leaderKey);
    const kv = found.kind === 'kvs' ? found.kvs[0] : undefined;
    const term = String(kv?.createRevision);
    const sinceMs = key?.term === term ? key.sinceMs : engine.now();
    key = kv === undefined ? null : { name: kv.value, term, lease: kv.lease, sinceMs };
  }

  /** Deleted by hand: whoever held it may not know, and everybody else waits for the end of its lease. */
  const deletedUnder = (name: string): boolean => {
    const lease = leases.get(name) ?? null;
    return key === null && lease !== null && etcd.leases.lives(lease);
  };

  /** The key is another's, or its lease is no more: with it goes the right, were its deadline ahead. */
  function close(name: string): void {
    const one = held.get(name);
    if (one === undefined) return;
    held.delete(name);
    over.push({ ...one, untilMs: Math.max(one.fromMs, Math.min(one.untilMs, engine.now())) });
  }

  function look(): void {
    readKey();
    const nowMs = engine.now();
    for (const node of nodes()) {
      const { name, machine } = node;
      const mine = key?.name === name ? key : null;
      const one = held.get(name);
      if (one !== undefined && mine?.term !== one.term && !deletedUnder(name)) close(name);
      const deadlineMs = node.handles()?.fenceDeadlineMs() ?? null;
      if (mine === null || deadlineMs === null) continue; // its right stands until its deadline, or until the key goes
      // With a shorter ttl the deadline comes nearer, while the lease behind the key still is the long one.
      const untilMs = Math.max(machine.clock.trueMs(deadlineMs), held.get(name)?.untilMs ?? 0);
      leases.set(name, mine.lease);
      // The key is there before its holder has the answer.
      held.set(name, { kind: 'right', node: name, term: mine.term, fromMs: mine.sinceMs, untilMs });
    }
    for (const server of postgres.servers) {
      const before = roles.get(server);
      if (before === server.inRecovery) continue;
      roles.set(server, server.inRecovery);
      if (before !== true) continue;
      const { name } = server.machine;
      over.push({
        kind: 'promotion',
        node: name,
        term: key?.name === name ? key.term : null,
        timeline: server.wal.timeline,
        atMs: nowMs,
        ineligible: null,
      });
    }
  }
  engine.onStep(look);

  return { observed: () => [...over, ...held.values()] };
}
