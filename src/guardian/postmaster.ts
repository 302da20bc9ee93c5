import { toldFile, writeTold } from '../codec/guard.ts';
import type { ControlData } from '../model/postgres.ts';
import { type Pid, pid as pidOf } from '../model/units.ts';
import type { Processes, ProcessInfo, World } from '../model/world.ts';
import type { Quick } from './quick.ts';

/** How far the start that postmaster.pid tells may lie from the one the kernel knows. */
const startToleranceMs = 3_000;
const controldataLimitMs = 900;

interface Running {
  readonly postmaster: ProcessInfo | null;
  readonly others: readonly ProcessInfo[];
}

/**
 * Every PostgreSQL process on the data directory. The walk over all processes costs some ms; the pid file alone does not,
 * but the disk it lies on may hang: then the walk tells.
 */
export async function runningOn(
  world: Pick<World, 'files' | 'processes'>,
  quick: Quick,
  dataDir: string,
  notThese: readonly Pid[],
  thorough: boolean,
): Promise<Running> {
  const file = await quick(() => world.files.read(`${dataDir}/postmaster.pid`));
  if (file === null) return walked(world.processes.withWorkingDirectory(dataDir), notThese);
  const named = file.kind === 'text' ? readPidFile(file.text) : null;
  const found = named === null ? null : world.processes.describe(named.pid);
  const candidate = found === null || found.state === 'dead' || notThese.includes(found.pid) ? null : found;
  if (candidate === null && !thorough) return { postmaster: null, others: [] };

  const here = world.processes.withWorkingDirectory(dataDir).filter(({ pid }) => !notThese.includes(pid));
  const postmaster =
    candidate !== null && named !== null && isPostmaster(candidate, named.startedWallMs, here) ? candidate : null;
  return { postmaster, others: here.filter((one) => isPostgres(one) && one.pid !== postmaster?.pid) };
}

/** Without the file: of PostgreSQL's processes there, the one that no other of them has started. */
function walked(here: readonly ProcessInfo[], notThese: readonly Pid[]): Running {
  const all = here.filter((one) => isPostgres(one) && !notThese.includes(one.pid));
  const postmaster = all.find((one) => all.some(({ parent }) => parent === one.pid)) ?? null;
  return { postmaster, others: all.filter((one) => one !== postmaster) };
}

/** P-3: the process that the file means starts when the file says, or else looks like PostgreSQL and works there. */
function isPostmaster(info: ProcessInfo, startedWallMs: number | null, here: readonly ProcessInfo[]): boolean {
  if (startedWallMs !== null && Math.abs(info.startedWallMs - startedWallMs) <= startToleranceMs) return true;
  return isPostgres(info) && (info.cwd === null || here.some(({ pid }) => pid === info.pid));
}

const isPostgres = ({ executable }: ProcessInfo): boolean =>
  executable !== null && /(^|\/)(postgres|postmaster)( \(deleted\))?$/.test(executable);

/** Pid on the first line (negative: a single-user server), start on the third, in seconds. */
export function readPidFile(text: string): { readonly pid: Pid; readonly startedWallMs: number | null } | null {
  const [first = '', , third = ''] = text.split('\n');
  const number = Math.abs(Number(first.trim()));
  if (!Number.isSafeInteger(number) || number < 2) return null;
  const startedS = Number(third.trim());
  return { pid: pidOf(number), startedWallMs: startedS > 0 ? startedS * 1000 : null };
}

/**
 * Whether this postmaster was told to become the primary. One that hangs, or whose recovery does, still may, however long
 * ago that was; a disk that does not say counts as yes.
 */
export async function wasTold(
  files: World['files'],
  quick: Quick,
  stateDir: string,
  postmaster: ProcessInfo,
): Promise<boolean> {
  const file = await quick(() => files.read(toldFile(stateDir)));
  return file === null || file.kind === 'unreadable' || (file.kind === 'text' && file.text === writeTold(postmaster));
}

/** "Database cluster state" as pg_controldata says it; null: no answer. */
export async function controlState(
  processes: Pick<Processes, 'run'>,
  program: string,
  dataDir: string,
): Promise<ControlData['state'] | null> {
  const ended = await processes.run({ program, args: [dataDir], env: { LC_ALL: 'C' } }, controldataLimitMs);
  if (ended.kind !== 'exited' || ended.code !== 0) return null;
  const said = /^Database cluster state:\s*(.+)$/m.exec(ended.stdout)?.[1]?.trim();
  return states.find((state) => state === said) ?? 'unknown';
}

const states: readonly ControlData['state'][] = [
  'starting up',
  'shut down',
  'shut down in recovery',
  'shutting down',
  'in crash recovery',
  'in archive recovery',
  'in production',
];
