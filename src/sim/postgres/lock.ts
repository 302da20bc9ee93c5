import { pid } from '../../model/units.ts';
import type { Machine } from '../machine.ts';
import type { SimProcess } from '../process.ts';
import type { DataDir } from './dataDir.ts';

/** Why no server may start on this directory, in PostgreSQL's words; null: none works there, nor what one left behind. */
export function whyHeld({ processes }: Machine, dir: DataDir, self: SimProcess): string | null {
  const named = Math.abs(Number.parseInt(dir.text('postmaster.pid') ?? '', 10));
  const holder = Number.isInteger(named) && named > 1 ? processes.find(pid(named)) : null;
  // It does not ask what lives under that number.
  if (holder !== null && holder !== self && holder.pid !== self.parent())
    return `lock file "postmaster.pid" already exists (pid ${named})`;
  // Its own working directory is another still: whoever has this one is a left-over.
  if (processes.all().some((one) => one.cwd() === dir.path && one !== self))
    return 'pre-existing shared memory block is still in use';
  return null;
}
