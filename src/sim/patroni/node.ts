import { pid } from '../../model/units.ts';
import type { Machine } from '../machine.ts';
import type { SimulatedNode } from '../node.ts';
import type { Program, SimProcess } from '../process.ts';
import { makeWorld, type Surroundings } from '../world.ts';
import { runPeer } from './program.ts';
import type { PeerSettings } from './settings.ts';

export interface PeerNodeParts {
  readonly machine: Machine;
  readonly settings: PeerSettings;
  readonly surroundings: Surroundings;
  readonly trace: (machine: string, text: string) => void;
}

const patroniPath = '/usr/bin/patroni';

/** A database node on which a Patroni runs: no guardian, no sentinel, no deadline. */
export function makePeerNode({ machine, settings, surroundings, trace }: PeerNodeParts): SimulatedNode {
  const postgresPath = `${settings.binDir}/postgres`;
  const program: Program = (self) => {
    self.onEnd((ending) => {
      trace(machine.name, `patroni ended: ${ending.kind === 'killed' ? ending.signal : `exit ${ending.code}`}`);
      const afterMs = node.restartAgentAfterMs;
      if (afterMs !== null && machine.powered()) machine.engine.after(afterMs, node.startAgent);
    });
    void runPeer(self, makeWorld(surroundings, machine, self), settings, {
      serve: (answer) => surroundings.http.serve(`${machine.name}:${settings.restPort}`, self, answer),
      trace: (text) => trace(machine.name, `patroni: ${text}`),
    });
  };
  machine.install('patroni', program);
  machine.disk.makeDirectory('/var/lib/postgresql/15', 0o700, machine.clock.wall());

  const all = (): readonly SimProcess[] => machine.processes.all();
  const isChild = (one: SimProcess): boolean =>
    all().some((other) => other.pid === one.parent() && other.executable() === one.executable());
  const find = (role: Parameters<SimulatedNode['signal']>[0]): SimProcess | undefined => {
    if (role === 'agent') return all().find((one) => one.executable() === patroniPath);
    if (role !== 'postgres') return undefined;
    return all().find((one) => one.executable() === postgresPath && !isChild(one));
  };

  const node: SimulatedNode = {
    name: machine.name,
    runs: 'patroni',
    machine,
    journal: [],
    handles: () => null,
    restartAgentAfterMs: 1000,
    startAgent() {
      if (!machine.powered() || find('agent') !== undefined) return;
      machine.processes.spawn({
        parent: pid(1),
        executable: patroniPath,
        start: { args: [], env: {}, input: '' },
        cwd: '/',
        program,
      });
    },
    runningSinceMs: (role) => find(role)?.runningSinceMs() ?? null,
    stateOf(role) {
      const state = find(role)?.state();
      return state === undefined || state === 'dead' ? null : state;
    },
    signal(role, signal) {
      const target = find(role);
      target?.signal(signal);
      return target !== undefined;
    },
  };
  return node;
}
