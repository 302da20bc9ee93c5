import { spawn } from 'node:child_process';
import { askLab } from './control.ts';
import type { Progress } from './keep.ts';
import { clean, type FoundLab, findLabs, look, removePlace } from './place.ts';
import { isAlive, signal } from './procfs.ts';
import { labCommandLine } from './program.ts';
import { until } from './run.ts';

/** The lab that a command means: the named one, or the only one that runs and takes orders. */
export function findRunning(dir: string | undefined): FoundLab {
  return whichTakesOrders(dir === undefined ? findLabs() : [look(dir)], dir);
}

/** Ends a lab, also one whose keeper is dead or does not answer; what was found to end. */
export async function takeDown(wanted: Wanted, say: (line: string) => void): Promise<readonly string[]> {
  const { dir } = wanted;
  const { ended, spared } = whichToEnd(dir === undefined ? findLabs() : [look(dir)], wanted);
  for (const lab of ended) {
    if (lab.running) await endRunning(lab, say);
    else await clean(lab, say);
  }
  for (const lab of spared) say(`${ofARun(lab)}: it is left alone`);
  return ended.map((lab) => lab.dir);
}

export interface Wanted {
  readonly dir: string | undefined;
  /** Also one that nobody named, and that a run, a bench or a test keeps for itself. */
  readonly evenARun: boolean;
}

const isOfARun = ({ state }: FoundLab): boolean => state?.keptBy === 'run';
const ofARun = ({ dir, state }: FoundLab): string =>
  `the lab in ${dir} is kept by "lab run", a bench or a test (process ${state?.holder.pid})`;

/** Throws where there is none, or more than one. */
export function whichTakesOrders(labs: readonly FoundLab[], dir: string | undefined): FoundLab {
  const running = labs.filter((lab) => lab.running);
  const [only, ...others] = running.filter((lab) => !isOfARun(lab));
  const [run] = running;
  if (only === undefined && run !== undefined) throw new Error(`${ofARun(run)}: it takes no orders`);
  if (only === undefined)
    throw new Error(`no lab is running${dir === undefined ? '' : ` in ${dir}`}: start one with "matriarch lab up"`);
  if (others.length > 0) throw new Error(severalWhy([only, ...others]));
  return only;
}

/** A lab that somebody else's run plays in is spared, unless it is meant by name or on purpose. What dead labs left goes. */
export function whichToEnd(
  labs: readonly FoundLab[],
  { dir, evenARun }: Wanted,
): { readonly ended: readonly FoundLab[]; readonly spared: readonly FoundLab[] } {
  const running = labs.filter((lab) => lab.running);
  const spared = dir === undefined && !evenARun ? running.filter(isOfARun) : [];
  const meant = running.filter((lab) => !spared.includes(lab));
  const [run] = spared;
  if (meant.length === 0 && run !== undefined)
    throw new Error(`${ofARun(run)}: end it with --dir ${run.dir}, or with --even-a-run`);
  if (meant.length > 1) throw new Error(severalWhy(meant));
  return { ended: labs.filter((lab) => lab.state !== null && !spared.includes(lab)), spared };
}

const severalWhy = (labs: readonly FoundLab[]): string =>
  `several labs are running, name one with --dir: ${labs.map((lab) => lab.dir).join(', ')}`;

async function endRunning(lab: FoundLab, say: (line: string) => void): Promise<void> {
  const holder = lab.state?.holder;
  if (holder === undefined) return;
  const gone = (limitMs: number): Promise<true | null> => until(() => (isAlive(holder) ? null : true), limitMs);
  await askLab(lab.dir, { kind: 'down' }, 5000).catch(() => signal(holder.pid, 'SIGTERM'));
  if ((await gone(15_000)) !== null) return;
  say(`the process that keeps the lab (${holder.pid}) does not end: killing it`);
  signal(holder.pid, 'SIGKILL');
  await gone(5000);
  if (look(lab.dir).state === null) await removePlace(lab.dir);
  else await clean(look(lab.dir), say);
}

/** Starts a lab that outlives this command; comes back when it is healthy. Exit code. */
export function startDetached(args: readonly string[], say: (line: string) => void): Promise<number> {
  const [program = '', ...rest] = [...labCommandLine(), 'up', '--background', ...args];
  const child = spawn(program, rest, { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  return new Promise((settle) => {
    let failed: string | null = null;
    child.on('message', (progress: Progress) => {
      if (progress.kind === 'says') say(progress.line);
      if (progress.kind === 'failed') failed = progress.why;
      if (progress.kind !== 'up') return;
      if (progress.pageUrl !== null) say(`in a browser: ${progress.pageUrl}`);
      say(`up in ${progress.dir}; "matriarch lab status" shows it, "matriarch lab down" ends it`);
      child.unref();
      settle(0);
    });
    child.once('error', (error) => {
      say(error.message);
      settle(1);
    });
    child.once('exit', () => {
      say(failed === null ? 'ended before it was healthy' : failed);
      settle(1);
    });
  });
}
