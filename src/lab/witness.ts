import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { History, Promotion } from '../model/history.ts';
import { reignsOf } from '../model/laws/reigns.ts';
import { readHistoryFiles } from '../traffic/historyFile.ts';
import type { Lab } from './lab.ts';
import { type Proc, signal } from './procfs.ts';
import { until } from './run.ts';

/** A writer of its own on each node, over the socket, every 10 ms: it sees what the network hides. */
export interface Witnesses {
  /** Called again after the machine's power is back: a witness ends with it. */
  start(node: string): Promise<void>;
  stop(): Promise<void>;
  /** What all of them saw, since the mark if one is given. */
  history(since?: Mark): History;
  mark(): Mark;
}

/** Where their files ended at an instant. */
export type Mark = Readonly<Record<string, number>>;

/** The folder that machines write their histories to: the host's, so that neither power nor a full disk takes them. */
export function historyFolder(lab: Lab): string {
  const folder = join(lab.dir, 'history');
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o1777);
  return folder;
}

export function makeWitnesses(lab: Lab): Witnesses {
  const folder = historyFolder(lab);
  const pathOf = (node: string): string => join(folder, `witness-${node}.jsonl`);
  const paths = (): readonly string[] => lab.nodes.map(({ name }) => pathOf(name)).filter((path) => existsSync(path));
  return {
    start(name) {
      const { machine } = lab.node(name);
      const { socketDir } = machine.plan.paths;
      const flags = ['--node', name, '--socket', socketDir, '--history', pathOf(name)];
      return machine.launch(['matriarch', 'traffic', 'monitor', ...flags], {
        user: 'postgres',
        logPath: lab.logPath(name, 'witness'),
      });
    },
    stop: () =>
      endAll(() =>
        lab.nodes
          .filter(({ machine }) => machine.isOn())
          .flatMap(({ name, machine }) => machine.processes().filter(({ argv }) => argv.includes(pathOf(name)))),
      ),
    // Without a file no witness wrote there yet.
    history: (since = {}) => readHistoryFiles(paths(), since),
    mark: () => Object.fromEntries(paths().map((path) => [path, statSync(path).size])),
  };
}

/** Those that write a history are asked to end first: what they have seen is written then. */
export async function endAll(running: () => readonly Proc[]): Promise<void> {
  for (const { pid } of running()) signal(pid, 'SIGTERM');
  const gone = await until(() => (running().length === 0 ? true : null), 5_000, 100);
  if (gone === null) for (const { pid } of running()) signal(pid, 'SIGKILL');
}

/** A new timeline was begun no later than its first acknowledged write. */
export const promotionsOf = (history: History): readonly Promotion[] =>
  reignsOf(history)
    .filter(({ timeline }) => timeline !== null && timeline > 1)
    .map(({ node, timeline, firstMs }) => ({
      kind: 'promotion',
      node,
      term: null,
      timeline,
      atMs: firstMs,
      ineligible: null,
    }));
