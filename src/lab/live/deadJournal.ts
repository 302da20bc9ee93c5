import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { stateDirOf } from '../../codec/config/rest.ts';
import { happeningOf } from '../../codec/rest/happening.ts';
import type { Happening } from '../../model/live.ts';
import { entriesOf } from '../events.ts';
import type { Machine } from '../ground.ts';
import { inOurTime } from '../ourTime.ts';

const lastBytes = 200_000;

/** The end of what an agent wrote down, read from its machine's disk: for one that is dead, or without power. */
export function readDeadJournal({ plan, hostPath }: Machine): readonly Happening[] {
  const path = `${hostPath(stateDirOf(undefined, plan.paths.dataDir))}/journal.jsonl`;
  return entriesOf(endOf(path))
    .flatMap((entry) => happeningOf(plan.name, entry) ?? [])
    .map(inOurTime);
}

function endOf(path: string): string | null {
  try {
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      const buffer = Buffer.alloc(Math.min(size, lastBytes));
      readSync(file, buffer, 0, buffer.length, size - buffer.length);
      return buffer.toString('utf8');
    } finally {
      closeSync(file);
    }
  } catch {
    return null; // it never had one
  }
}
