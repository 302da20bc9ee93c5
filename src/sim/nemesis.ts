import type { SimulatedCluster } from './cluster.ts';
import type { Fault } from './faults.ts';

export interface NemesisOptions {
  readonly faults: readonly Fault[];
  readonly forMs: number;
  /** Mean time between two faults. */
  readonly everyMs: number;
  readonly lastsMs: readonly [low: number, high: number];
}

/** Faults at random for a while, each mended in the end. Gives the faults by name, for the run's account. */
export function unleash(
  cluster: SimulatedCluster,
  options: NemesisOptions,
): { readonly injected: Map<string, number> } {
  const chance = cluster.chance.fork('nemesis');
  const injected = new Map<string, number>();
  const endMs = cluster.engine.now() + options.forMs;

  function next(): void {
    const atMs = cluster.engine.now() + chance.between(0.2, 1.8) * options.everyMs;
    if (atMs < endMs) cluster.engine.at(atMs, strike);
  }
  function strike(): void {
    const fault = chance.pick(options.faults);
    // The primary more often than the others: that is where faults hurt.
    const primary = cluster.primary();
    const node = primary !== null && chance.happens(0.4) ? primary : chance.pick([...cluster.nodes.keys()]);
    if (cluster.node(node).machine.powered()) {
      cluster.tell(node, `fault: ${fault.name}`);
      injected.set(fault.name, (injected.get(fault.name) ?? 0) + 1);
      fault.strike(cluster, node, chance);
      const mendMs = cluster.engine.now() + chance.between(...options.lastsMs);
      if (mendMs < endMs) cluster.engine.at(mendMs, () => mend(fault, node));
    }
    next();
  }
  function mend(fault: Fault, node: string): void {
    const { machine } = cluster.node(node);
    const ofPower = fault.name === 'power cut' || fault.name === 'machine replaced';
    if (machine.powered() === ofPower) return; // another fault, or another mending, came between
    cluster.tell(node, `mended: ${fault.name}`);
    fault.mend(cluster, node);
  }
  next();
  return { injected };
}

/** Everything that may have been broken is whole again, and every program runs. */
export function healAll(cluster: SimulatedCluster): void {
  cluster.tell('all', 'healed');
  cluster.network.heal();
  cluster.network.tune({ delayMs: [0.1, 0.6], loss: 0 });
  for (const node of cluster.nodes.values()) {
    const { name, machine } = node;
    node.restartAgentAfterMs = 1000;
    machine.fsyncMs = 0.1;
    if (!machine.powered()) {
      cluster.powerOn(name);
      continue;
    }
    for (const one of machine.processes.all()) one.signal('CONT');
    cluster.etcd.thaw(name);
    cluster.etcd.start(name);
    cluster.agent(name).start();
  }
}
