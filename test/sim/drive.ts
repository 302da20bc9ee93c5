import { pid } from '../../src/model/units.ts';
import type { EtcdTransport } from '../../src/model/world.ts';
import { makeChance } from '../../src/sim/chance.ts';
import { type Engine, makeEngine } from '../../src/sim/engine.ts';
import { makeEtcd, type SimulatedEtcd } from '../../src/sim/etcd/etcd.ts';
import { makeSimulatedTransport } from '../../src/sim/etcd/transport.ts';
import { type Machine, makeMachine } from '../../src/sim/machine.ts';
import { makeNetwork, type Network } from '../../src/sim/network.ts';
import type { SimProcess } from '../../src/sim/process.ts';

/** Lets virtual time run until the promise settles. */
export async function drive<T>(engine: Engine, work: Promise<T>, limitMs = 600_000): Promise<T> {
  let settled = false;
  const noted = work.finally(() => {
    settled = true;
  });
  noted.catch(() => {}); // told below
  await engine.run(engine.now() + limitMs, () => settled);
  if (!settled) throw new Error(`nothing came of it in ${limitMs} virtual ms`);
  return noted;
}

/** A process that does nothing by itself: the place from which a test uses the world. */
export function idleProcess(machine: Machine): SimProcess {
  return machine.processes.spawn({
    parent: pid(1),
    executable: 'client',
    start: { args: [], env: {}, input: '' },
    cwd: '/',
    program: () => {},
  });
}

export interface EtcdLab {
  readonly engine: Engine;
  readonly network: Network;
  readonly etcd: SimulatedEtcd;
  readonly client: SimProcess;
  readonly transport: EtcdTransport;
  sleep(ms: number): Promise<void>;
}

/** Three etcd members on e1..e3, and a client on a machine of its own. */
export function etcdLab(seed: number): EtcdLab {
  const engine = makeEngine();
  const chance = makeChance(seed);
  const names = ['e1', 'e2', 'e3', 'client'];
  const network = makeNetwork(engine, chance.fork('network'), () => names);
  const machines = names.map((name) => makeMachine(engine, chance.fork(name), name, { rate: 1, bootedMs: 5000 }));
  const etcd = makeEtcd(engine, chance.fork('etcd'), network, machines.slice(0, 3));
  for (const machine of machines.slice(0, 3)) etcd.start(machine.name);
  const home = machines[3];
  if (home === undefined) throw new Error('no client machine');
  const client = idleProcess(home);
  return {
    engine,
    network,
    etcd,
    client,
    transport: makeSimulatedTransport(etcd, network, home, client),
    sleep: (ms) => new Promise((resolve) => client.after(ms, resolve)),
  };
}
