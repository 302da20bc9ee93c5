import { readFileSync } from 'node:fs';
import { stateDirOf } from '../../codec/config/rest.ts';
import type { Entry } from '../../model/decision.ts';
import { boottimeMs } from '../../world/libc.ts';
import type { Lab } from '../lab.ts';
import type { JournalSeen } from './evidence.ts';

/** What agents wrote into their journals on disk since an instant; nothing of agents that keep none. */
export function readJournals(lab: Lab, sinceMs: number): readonly JournalSeen[] {
  const bootedMs = Date.now() - boottimeMs();
  return lab.nodes.flatMap(({ name, machine }) => {
    const path = machine.hostPath(`${stateDirOf(undefined, machine.plan.paths.dataDir)}/journal.jsonl`);
    return [`${path}.1`, path]
      .flatMap(linesOf)
      .flatMap(entryOf)
      .map((entry): JournalSeen => ({ node: name, atMs: bootedMs + entry.atMs, entry }))
      .filter(({ atMs }) => atMs >= sinceMs);
  });
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return []; // no such journal
  }
}

function entryOf(line: string): readonly Entry[] {
  try {
    const entry: Entry = JSON.parse(line);
    return typeof entry.atMs === 'number' ? [entry] : [];
  } catch {
    return []; // half a line, of an agent that was killed
  }
}
