import type { Confirmation } from '../model/history.ts';
import type { Engine } from './engine.ts';
import type { SimulatedNode } from './node.ts';
import type { PostgresWorld } from './postgres/instance.ts';

/**
 * Law 5: whoever said that it has withdrawn confirms nothing more, until it has said something else. What an agent said stands also
 * after its death: it was heard.
 */
export function makeConfirmations(engine: Engine, postgres: PostgresWorld, nodes: () => Iterable<SimulatedNode>) {
  const saidMs = new Map<string, number>();
  const broken = new Map<string, Confirmation>();

  postgres.confirming = ({ machine: { name } }, host): void => {
    const since = saidMs.get(name);
    if (since === undefined || broken.has(`${name} ${since}`)) return;
    broken.set(`${name} ${since}`, {
      kind: 'confirmation',
      node: name,
      to: host,
      saidMs: since,
      atMs: engine.now(),
    });
  };

  return {
    /** After each event. */
    look(): void {
      for (const { name, handles } of nodes()) {
        const snapshot = handles()?.snapshot() ?? null;
        if (snapshot === null) continue;
        if (snapshot.withdrawn !== true) saidMs.delete(name);
        else if (!saidMs.has(name)) saidMs.set(name, engine.now());
      }
    },
    all: (): readonly Confirmation[] => [...broken.values()],
  };
}
