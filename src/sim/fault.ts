import type { SeededChance } from './chance.ts';
import type { SimulatedCluster } from './words.ts';

/** One fault: what it does to which node, and how it ends. Asks of people are among them: they come at bad times, too. */
export interface Fault {
  readonly name: string;
  strike(cluster: SimulatedCluster, node: string, chance: SeededChance): void;
  mend(cluster: SimulatedCluster, node: string): void;
}

export const nothing = (): void => {};
export const others = (cluster: SimulatedCluster, node: string): readonly string[] =>
  [...cluster.nodes.keys()].filter((name) => name !== node);
