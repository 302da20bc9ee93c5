import type { Machine } from '../machine.ts';
import type { SimulatedNode } from '../node.ts';
import type { Program, SimProcess } from '../process.ts';
import { byRole, firstOf } from '../roles.ts';
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
  let servesSinceMs: number | null = null;
  const program: Program = (self) => {
    servesSinceMs = null;
    self.onEnd((ending) => {
      trace(machine.name, `patroni ended: ${ending.kind === 'killed' ? ending.signal : `exit ${ending.code}`}`);
      const afterMs = node.restartAgentAfterMs;
      if (afterMs !== null && machine.powered()) machine.engine.after(afterMs, node.startAgent);
    });
    void runPeer(self, makeWorld(surroundings, machine, self), settings, {
      serve(answer) {
        servesSinceMs = machine.engine.now();
        surroundings.http.serve(`${machine.name}:${settings.restPort}`, self, answer);
      },
      trace: (text) => trace(machine.name, `patroni: ${text}`),
    });
  };
  machine.install('patroni', program);
  machine.disk.makeDirectory('/var/lib/postgresql/15', 0o700, machine.clock.wall());

  const find = (role: Parameters<SimulatedNode['signal']>[0]): SimProcess | undefined => {
    if (role === 'agent') return machine.processes.all().find((one) => one.executable() === patroniPath);
    return role === 'postgres' ? firstOf(machine, postgresPath) : undefined;
  };
  const node: SimulatedNode = {
    name: machine.name,
    runs: 'patroni',
    machine,
    journal: [],
    handles: () => null,
    edit: noFile,
    file: noFile,
    restartAgentAfterMs: 1000,
    answersSinceMs() {
      const runsSinceMs = node.runningSinceMs('agent');
      return runsSinceMs === null || servesSinceMs === null ? null : Math.max(runsSinceMs, servesSinceMs);
    },
    ...byRole(machine, { executable: patroniPath, program, mayStart: () => find('agent') === undefined }, find),
  };
  return node;
}

function noFile(): never {
  throw new Error('the file of a simulated Patroni is not edited');
}
