import type { AgentHandles } from '../model/agent.ts';
import type { Observed, Right } from '../model/history.ts';
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

interface Held {
  right: Right;
  /** The agent that was last seen to hold it: one that begins anew does not know of it yet, and so does not give it up. */
  by: AgentHandles;
  /** Last instant at which the leader key in etcd was this reign's. */
  keyMs: number;
}

export function makeObserver(
  engine: Engine,
  etcd: SimulatedEtcd,
  postgres: PostgresWorld,
  nodes: () => Iterable<SimulatedNode>,
  leaderKey: string,
): Observer {
  const over: Observed[] = [];
  const held = new Map<string, Held>();
  const roles = new Map<Instance, boolean>();
  let keyAt = -1n;
  let key: { readonly name: string; readonly term: string } | null = null;

  function readKey(): void {
    if (etcd.store.revision() === keyAt) return;
    keyAt = etcd.store.revision();
    const found = etcd.store.range(leaderKey);
    const kv = found.kind === 'kvs' ? found.kvs[0] : undefined;
    key = kv === undefined ? null : { name: kv.value, term: String(kv.createRevision) };
  }

  function close(name: string): void {
    const one = held.get(name);
    if (one === undefined) return;
    held.delete(name);
    // Given up at the latest when the key was: the release is done in etcd before its answer comes back.
    over.push({ ...one.right, untilMs: Math.max(one.right.fromMs, Math.min(one.right.untilMs, one.keyMs)) });
  }

  function look(): void {
    readKey();
    const nowMs = engine.now();
    for (const node of nodes()) {
      const { name, machine } = node;
      const mine = key?.name === name ? key.term : null;
      const one = held.get(name);
      if (one !== undefined && mine === one.right.term) one.keyMs = nowMs;
      const handles = node.handles();
      if (handles === null) continue; // its last right stands until its deadline
      const deadlineMs = handles.fenceDeadlineMs();
      if (deadlineMs === null) {
        if (one?.by === handles) close(name);
        continue;
      }
      if (one !== undefined && mine !== null && mine !== one.right.term) close(name);
      const known = held.get(name);
      if (known === undefined) {
        if (mine === null) continue;
        const right: Right = {
          kind: 'right',
          node: name,
          term: mine,
          fromMs: nowMs,
          untilMs: machine.clock.trueMs(deadlineMs),
        };
        held.set(name, { right, keyMs: nowMs, by: handles });
        continue;
      }
      known.by = handles;
      const untilMs = machine.clock.trueMs(deadlineMs);
      if (untilMs !== known.right.untilMs) known.right = { ...known.right, untilMs };
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

  return { observed: () => [...over, ...[...held.values()].map((one) => one.right)] };
}
