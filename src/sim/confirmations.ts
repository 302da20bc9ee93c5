import type { Snapshot } from '../model/agent.ts';
import type { Confirmation } from '../model/history.ts';
import type { Engine } from './engine.ts';
import type { SimulatedNode } from './node.ts';
import type { PostgresWorld } from './postgres/instance.ts';

/**
 * Law 5: whoever said that it has withdrawn confirms nothing more to whoever led before, until it has seen that one lead again, or
 * promised to it: then all others have, too, and nobody is elected.
 * What an agent said stands also after its death, and after it has said something else: it was heard.
 */
export function makeConfirmations(engine: Engine, postgres: PostgresWorld, nodes: readonly SimulatedNode[]) {
  /** `holder`: who led before; null: its agent never saw anybody lead. */
  const said = new Map<string, { readonly atMs: number; readonly holder: string | null }>();
  const broken = new Map<string, Confirmation>();
  /** What each agent last said: judged once. */
  const judged = new Map<string, Snapshot>();

  postgres.confirming = ({ machine: { name } }, host): void => {
    const word = said.get(name);
    if (word === undefined || (word.holder !== null && word.holder !== host)) return;
    // A standby that relays waits for nobody, and tells nobody's clients anything.
    if ([...postgres.servers].some(({ machine, inRecovery }) => machine.name === host && inRecovery)) return;
    const id = `${name} ${word.atMs}`;
    if (!broken.has(id))
      broken.set(id, { kind: 'confirmation', node: name, to: host, saidMs: word.atMs, atMs: engine.now() });
  };

  return {
    /** After each event. */
    look(): void {
      for (const { name, handles } of nodes) {
        const snapshot = handles()?.snapshot() ?? null;
        if (snapshot === null || judged.get(name) === snapshot) continue;
        judged.set(name, snapshot);
        const { dcs, failsafe, nowMs } = snapshot.seen;
        const promised = failsafe.promised !== null && failsafe.promised.untilMs > nowMs ? failsafe.promised.to : null;
        const before = said.get(name);
        if (snapshot.withdrawn === true) {
          const holder = dcs.kind === 'reachable' ? (dcs.vacancy?.last.name ?? null) : null;
          if (before === undefined) said.set(name, { atMs: engine.now(), holder });
          continue;
        }
        const leader = dcs.kind === 'reachable' ? dcs.cluster.leader : null;
        const goesOn = [leader?.name, promised].filter((one) => one != null);
        if (before !== undefined && goesOn.some((one) => before.holder === null || before.holder === one))
          said.delete(name);
      }
    },
    all: (): readonly Confirmation[] => [...broken.values()],
  };
}
