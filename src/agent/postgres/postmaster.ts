import { type PostmasterPid, readPostmasterPid } from '../../codec/postgres/postmasterPid.ts';
import type { Pid } from '../../model/units.ts';
import type { ProcessInfo, World } from '../../model/world.ts';
import type { Places } from './places.ts';

export interface Postmaster {
  readonly info: ProcessInfo;
  readonly file: PostmasterPid;
}

const startToleranceMs = 3_000;
export const isServer = (path: string | null): boolean =>
  path === null || /\/(postgres|postmaster)( \(deleted\))?$/.test(path);

/**
 * The living postmaster that postmaster.pid names. A pid is reused sooner than one thinks: it counts when it began within
 * 3 s of what the file says, or is a postgres executable that works in the data directory.
 */
export async function findPostmaster(
  world: Pick<World, 'files' | 'processes'>,
  places: Places,
): Promise<Postmaster | null> {
  const read = await world.files.read(places.pidFile);
  const file = read.kind === 'text' ? readPostmasterPid(read.text) : null;
  if (file === null || file.pid === world.processes.myPid) return null;
  const info = world.processes.describe(file.pid);
  if (info === null || info.state === 'dead') return null;
  const sameStart =
    Math.abs(info.startedWallMs - file.startedS * 1_000) <= startToleranceMs && isServer(info.executable);
  const sameWork =
    info.executable !== null && isServer(info.executable) && (info.cwd === null || info.cwd === places.dataDir);
  return sameStart || sameWork ? { info, file } : null;
}

/** PostgreSQL processes that work in the data directory without being, or belonging to, this postmaster. */
export const orphansOf = (world: Pick<World, 'processes'>, places: Places): readonly Pid[] =>
  world.processes
    .withWorkingDirectory(places.dataDir)
    .filter(
      (info) =>
        info.state !== 'dead' &&
        info.executable !== null &&
        isServer(info.executable) &&
        info.pid !== world.processes.myPid,
    )
    .map(({ pid }) => pid);

/** Of those, who may still do something: the others are killed, and held by the kernel until their disk answers. */
export const orphansAtLarge = (world: Pick<World, 'processes'>, places: Places): readonly Pid[] =>
  orphansOf(world, places).filter((one) => world.processes.describe(one)?.doomed !== true);

/** Nothing of it may live on: stopped first so that it starts nothing new, its children killed, then itself. */
export function killWhole(world: Pick<World, 'processes'>, postmaster: ProcessInfo): void {
  world.processes.signal(postmaster.pid, 'STOP');
  for (const child of world.processes.children(postmaster.pid)) world.processes.signal(child.pid, 'KILL');
  world.processes.signal(postmaster.pid, 'KILL');
}

/** Settles when the process is gone. */
export const gone = (world: Pick<World, 'processes'>, info: ProcessInfo): Promise<void> =>
  new Promise((resolve) => {
    world.processes.watchExit(info.pid, info.startTicks, resolve);
  });
