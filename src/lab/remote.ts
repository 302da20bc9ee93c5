import { spawn } from 'node:child_process';
import { askLab } from './control.ts';
import type { Progress } from './keep.ts';
import { clean, type FoundLab, findLabs, look, removePlace } from './place.ts';
import { isAlive, signal } from './procfs.ts';
import { labCommandLine } from './program.ts';
import { until } from './run.ts';

/** The lab that a command means: the named one, or the only one that runs. */
export function findRunning(dir: string | undefined): FoundLab {
  const running = (dir === undefined ? findLabs() : [look(dir)]).filter((lab) => lab.running);
  const [only, other] = running;
  if (only === undefined)
    throw new Error(`no lab is running${dir === undefined ? '' : ` in ${dir}`}: start one with "matriarch lab up"`);
  if (other !== undefined)
    throw new Error(`several labs are running, name one with --dir: ${running.map((lab) => lab.dir).join(', ')}`);
  return only;
}

/** Ends a lab, also one whose keeper is dead or does not answer; what was found to end. */
export async function takeDown(dir: string | undefined, say: (line: string) => void): Promise<readonly string[]> {
  const labs = dir === undefined ? findLabs() : [look(dir)];
  const running = labs.filter((lab) => lab.running);
  if (dir === undefined && running.length > 1) findRunning(dir); // throws: which one?
  for (const lab of labs) {
    if (lab.running) await endRunning(lab, say);
    else if (lab.state !== null) await clean(lab, say);
  }
  return labs.filter(({ state }) => state !== null).map((lab) => lab.dir);
}

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
