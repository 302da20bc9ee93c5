import type { SeededChance } from './chance.ts';
import type { SimulatedCluster } from './cluster.ts';

/** One fault: what it does to which node, and how it ends. */
interface Fault {
  readonly name: string;
  strike(cluster: SimulatedCluster, node: string, chance: SeededChance): void;
  mend(cluster: SimulatedCluster, node: string): void;
}

const nothing = (): void => {};

const faults: readonly Fault[] = [
  { name: 'postmaster killed', strike: (c, n) => c.postgres(n).kill(), mend: nothing },
  { name: 'agent killed', strike: (c, n) => c.agent(n).kill(), mend: nothing },
  {
    name: 'agent down',
    strike: (c, n) => c.agent(n).kill({ restartAfterMs: null }),
    mend(c, n) {
      c.node(n).restartAgentAfterMs = 1000;
      c.agent(n).start();
    },
  },
  { name: 'agent frozen', strike: (c, n) => c.agent(n).freeze(), mend: (c, n) => c.agent(n).thaw() },
  { name: 'guardian killed', strike: (c, n) => c.guardian(n).kill(), mend: nothing },
  {
    name: 'agent and guardian killed',
    strike(c, n) {
      c.agent(n).kill();
      c.guardian(n).kill();
    },
    mend: nothing,
  },
  {
    name: 'agent and guardian frozen',
    strike(c, n) {
      c.agent(n).freeze();
      c.guardian(n).freeze();
    },
    mend(c, n) {
      c.agent(n).thaw();
      c.guardian(n).thaw();
    },
  },
  { name: 'isolated', strike: (c, n) => c.network.isolate(n), mend: (c) => c.network.heal() },
  {
    name: 'one-way cut',
    strike(c, n, chance) {
      const other = chance.pick([...c.nodes.keys()].filter((name) => name !== n));
      if (chance.happens(0.5)) c.network.cut(n, other);
      else c.network.cut(other, n);
    },
    mend: (c) => c.network.heal(),
  },
  { name: 'power cut', strike: (c, n) => c.powerOff(n), mend: (c, n) => c.powerOn(n) },
  { name: 'etcd killed', strike: (c, n) => c.etcd.kill(n), mend: (c, n) => c.etcd.start(n) },
  { name: 'etcd frozen', strike: (c, n) => c.etcd.freeze(n), mend: (c, n) => c.etcd.thaw(n) },
];

export interface NemesisOptions {
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
    const fault = chance.pick(faults);
    const node = chance.pick([...cluster.nodes.keys()]);
    if (cluster.node(node).machine.powered()) {
      cluster.tell(node, `fault: ${fault.name}`);
      injected.set(fault.name, (injected.get(fault.name) ?? 0) + 1);
      fault.strike(cluster, node, chance);
      cluster.engine.after(chance.between(...options.lastsMs), () => {
        if (!cluster.node(node).machine.powered() && fault.name !== 'power cut') return;
        cluster.tell(node, `mended: ${fault.name}`);
        fault.mend(cluster, node);
      });
    }
    next();
  }
  next();
  return { injected };
}
