import type { Lapse } from '../model/history.ts';
import type { SimulatedNode } from './node.ts';
import type { PostgresWorld } from './postgres/instance.ts';

const guards = ['agent', 'guardian', 'sentinel'] as const;

/** Notes when no guard of a node runs, since all that are there stand still, and PostgreSQL is there. */
export function makeLapses(postgres: PostgresWorld, nowMs: () => number) {
  const over: Lapse[] = [];
  const since = new Map<string, Pick<Lapse, 'how' | 'fromMs'>>();
  const seen = new Map<string, number>();

  /** One that hangs before its first look knows of no deadline [seed 0x11eab]. */
  const isBlind = (node: SimulatedNode): boolean => (node.handles()?.snapshot() ?? null) === null;
  const isLapse = (node: SimulatedNode): boolean =>
    node.machine.processes.someStopped() &&
    [...postgres.servers].some(({ machine }) => machine === node.machine) &&
    guards.every((role) => node.stateOf(role) !== 'running' || (role === 'agent' && isBlind(node)));

  const ended = (node: string, { how, fromMs }: Pick<Lapse, 'how' | 'fromMs'>): Lapse => ({
    kind: 'lapse',
    node,
    how,
    fromMs,
    untilMs: nowMs(),
  });

  return {
    look(node: SimulatedNode): void {
      const { name, machine } = node;
      const version = machine.processes.version();
      const known = since.get(name);
      if (seen.get(name) === version && known === undefined) return;
      seen.set(name, version);
      const now = isLapse(node);
      if (now && known === undefined)
        since.set(name, { how: machine.suspended() ? 'suspended' : 'frozen', fromMs: nowMs() });
      if (now || known === undefined) return;
      since.delete(name);
      over.push(ended(name, known));
    },
    all: (): readonly Lapse[] => [...over, ...[...since].map(([name, one]) => ended(name, one))],
  };
}
