import type { World } from '../../src/model/world.ts';
import { makeChance } from '../../src/sim/chance.ts';
import { makeEngine } from '../../src/sim/engine.ts';
import { makeEtcd } from '../../src/sim/etcd/etcd.ts';
import { makeHttpRoutes } from '../../src/sim/http.ts';
import { type Machine, makeMachine } from '../../src/sim/machine.ts';
import { makeNetwork } from '../../src/sim/network.ts';
import { makePostgresWorld } from '../../src/sim/postgres/instance.ts';
import { installPrograms } from '../../src/sim/programs.ts';
import { places } from '../../src/sim/settings.ts';
import { makeWorld } from '../../src/sim/world.ts';
import { idleProcess } from './drive.ts';

/** Three machines with PostgreSQL installed and nobody who manages it. */
export function postgresLab(seed: number) {
  const names = ['a', 'b', 'c'];
  const engine = makeEngine();
  const chance = makeChance(seed);
  const network = makeNetwork(engine, chance.fork('network'), () => names);
  const machines = names.map((name) => makeMachine(engine, chance.fork(name), name, { rate: 1, bootedMs: 0 }));
  const trace: string[] = [];
  const postgres = makePostgresWorld(engine, network, chance.fork('postgres'), machines, (machine, text) =>
    trace.push(`${engine.now().toFixed(1)} ${machine} ${text}`),
  );
  const shared = {
    network,
    postgres,
    etcd: makeEtcd(engine, chance, network, machines),
    http: makeHttpRoutes(machines),
  };
  const on = (machine: Machine) => ({ machine, world: makeWorld(shared, machine, idleProcess(machine)) });
  for (const machine of machines) installPrograms(machine, postgres);
  const [a, b, c] = machines.map(on);
  if (a === undefined || b === undefined || c === undefined) throw new Error('three machines');
  /** The World of one more process there. */
  const process = (name: 'a' | 'b'): World => on(name === 'a' ? a.machine : b.machine).world;
  return { engine, network, postgres, a, b, c, trace, process };
}

export const run = async (world: World, program: string, ...args: string[]): Promise<string> => {
  const ended = await world.processes.run({ program: `${places.binDir}/${program}`, args }, 60_000);
  return ended.kind === 'exited' ? `${ended.code} ${ended.stdout}` : ended.kind;
};

/** Launches a postmaster, and waits until its pid file says that it is up. */
export async function start(
  world: World,
  argv: readonly string[] = [`${places.binDir}/postgres`, '-D', places.dataDir],
): Promise<void> {
  const [program = '', ...args] = argv;
  await world.processes.launch({ program, args }, '/tmp/log');
  for (;;) {
    const pid = await world.files.read(`${places.dataDir}/postmaster.pid`);
    if (pid.kind === 'text' && /^(ready|standby)/.test(pid.text.split('\n')[7] ?? '')) return;
    await world.clock.sleep(20);
  }
}
