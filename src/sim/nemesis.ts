import { disarmAll } from './ambush.ts';
import type { SimulatedCluster } from './cluster.ts';
import type { Fault } from './fault.ts';
import { putBack } from './faultsOfHand.ts';
import { removeTags } from './faultsOfPeople.ts';

export interface NemesisOptions {
  readonly faults: readonly Fault[];
  readonly forMs: number;
  /** Mean time between two faults. */
  readonly everyMs: number;
  readonly lastsMs: readonly [low: number, high: number];
}

/** A fault as it struck: enough to let it strike again. Times are those of the run. */
export interface Strike {
  /** Names its chance: what it draws does not hang on which other faults strike. */
  readonly index: number;
  readonly fault: string;
  readonly node: string;
  readonly atMs: number;
  /** Null: it lasts until all is healed. */
  readonly mendMs: number | null;
}

/** Faults at random for a while, each mended in the end. What struck is added to the list that it gives. */
export function unleash(cluster: SimulatedCluster, options: NemesisOptions): readonly Strike[] {
  const chance = cluster.chance.fork('nemesis');
  const endMs = cluster.engine.now() + options.forMs;
  const struck: Strike[] = [];

  function next(): void {
    const atMs = cluster.engine.now() + chance.between(0.2, 1.8) * options.everyMs;
    if (atMs < endMs) cluster.engine.at(atMs, one);
  }
  function one(): void {
    const fault = chance.pick(options.faults);
    // The primary more often than the others: that is where faults hurt.
    const primary = cluster.primary();
    const node = primary !== null && chance.happens(0.4) ? primary : chance.pick([...cluster.nodes.keys()]);
    const atMs = cluster.engine.now();
    const mendMs = atMs + chance.between(...options.lastsMs);
    if (isUp(cluster, node)) {
      const mended = mendMs < endMs ? mendMs : null;
      const struckNow: Strike = { index: struck.length, fault: fault.name, node, atMs, mendMs: mended };
      struck.push(struckNow);
      strike(cluster, fault, struckNow);
    }
    next();
  }
  next();
  return struck;
}

/** The very strikes of another run, or some of them. */
export function repeat(cluster: SimulatedCluster, faults: readonly Fault[], strikes: readonly Strike[]): void {
  for (const one of strikes) {
    const fault = faults.find(({ name }) => name === one.fault);
    if (fault === undefined) throw new Error(`no fault is called ${one.fault}`);
    cluster.engine.at(one.atMs, () => strike(cluster, fault, one));
  }
}

function strike(cluster: SimulatedCluster, fault: Fault, { index, node, mendMs }: Strike): void {
  if (!isUp(cluster, node)) return;
  cluster.tell(node, `fault: ${fault.name}`);
  fault.strike(cluster, node, cluster.chance.fork(`strike ${index}`));
  if (mendMs !== null) cluster.engine.at(mendMs, () => mend(cluster, fault, node));
}

function isUp(cluster: SimulatedCluster, node: string): boolean {
  const { machine } = cluster.node(node);
  return machine.powered() && !machine.suspended();
}

function mend(cluster: SimulatedCluster, fault: Fault, node: string): void {
  const { machine } = cluster.node(node);
  if (machine.suspended() && fault.name !== 'suspended') {
    machine.whenAwake(() => mend(cluster, fault, node)); // nobody can do anything on it now
    return;
  }
  const ofPower = fault.name === 'power cut' || fault.name === 'machine replaced';
  if (machine.powered() === ofPower) return; // another fault, or another mending, came between
  cluster.tell(node, `mended: ${fault.name}`);
  fault.mend(cluster, node);
}

/** Everything that may have been broken is whole again, and every program runs. */
export function healAll(cluster: SimulatedCluster): void {
  cluster.tell('all', 'healed');
  disarmAll(cluster);
  cluster.network.heal();
  cluster.etcd.shutOut.clear();
  cluster.etcd.stuck.clearTraps();
  cluster.etcd.stuck.letGo(() => cluster.chance.between(0, 20_000));
  cluster.network.tune({ delayMs: [0.1, 0.6], loss: 0 });
  putBack(cluster);
  for (const node of cluster.nodes.values()) {
    const { name, machine } = node;
    node.restartAgentAfterMs = 1000;
    machine.fsyncMs = 0.1;
    machine.diskHangs = false;
    machine.flushStalls = false;
    // Ours resume it themselves; who paused the replay of a Patroni does.
    const server = cluster.server(name);
    if (node.runs === 'patroni' && server?.replayStands === 'paused') server.replayStands = null;
    if (machine.suspended()) cluster.wake(name);
    if (!machine.powered()) {
      removeTags(cluster, name);
      cluster.powerOn(name);
      continue;
    }
    for (const one of machine.processes.all()) one.signal('CONT');
    removeTags(cluster, name);
    cluster.etcd.thaw(name);
    cluster.etcd.start(name);
    cluster.agent(name).start();
  }
}
