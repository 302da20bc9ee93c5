import { pid } from '../model/units.ts';
import type { Machine } from './machine.ts';
import type { SimulatedNode } from './node.ts';
import type { Program, SimProcess } from './process.ts';

type ByRole = Pick<SimulatedNode, 'startAgent' | 'runningSinceMs' | 'stateOf' | 'signal'>;

/** A node's processes by what they are, whatever agent runs on it. `mayStart`: no agent runs there. */
export function byRole(
  machine: Machine,
  agent: { readonly executable: string; readonly program: Program; mayStart(): boolean },
  find: (role: Parameters<SimulatedNode['signal']>[0]) => SimProcess | undefined,
): ByRole {
  function startAgent(): void {
    if (!agent.mayStart() || !machine.powered()) return;
    if (machine.suspended()) {
      machine.whenAwake(startAgent);
      return;
    }
    machine.processes.spawn({
      parent: pid(1),
      executable: agent.executable,
      start: { args: [], env: {}, input: '' },
      cwd: '/',
      program: agent.program,
    });
  }
  return {
    startAgent,
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
}

/** Of one program the first process: not what it forked. */
export const firstOf = (machine: Machine, executable: string): SimProcess | undefined => {
  const all = machine.processes.all();
  const isFork = (one: SimProcess): boolean =>
    all.some((other) => other.pid === one.parent() && other.executable() === executable);
  return all.find((one) => one.executable() === executable && !isFork(one));
};
