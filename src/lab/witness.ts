import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { History, Promotion } from '../model/history.ts';
import { reignsOf } from '../model/laws/reigns.ts';
import { readHistoryFiles } from '../traffic/historyFile.ts';
import type { Lab } from './lab.ts';

/** A writer of its own on each node, over the socket, every 10 ms: it sees what the network hides. */
export interface Witnesses {
  /** Called again after the machine's power is back: a witness ends with it. */
  start(node: string): Promise<void>;
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
    // Without a file no witness wrote there yet.
    history: (since = {}) => readHistoryFiles(paths(), since),
    mark: () => Object.fromEntries(paths().map((path) => [path, statSync(path).size])),
  };
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
