import { readProc } from './procfs.ts';

/** Everything that ends the process that keeps a lab, as one promise. */
export interface Ending {
  readonly ended: Promise<string>;
  end(why: string): void;
}

export function makeEnding(): Ending {
  let end: (why: string) => void = () => {};
  const ended = new Promise<string>((settle) => {
    end = settle;
  });
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => end(name));
  // A terminal that is gone: output fails before or instead of SIGHUP.
  process.stdout.on('error', () => end('its output was closed'));
  process.stderr.on('error', () => end('its output was closed'));
  watchNpm(() => end('npm is gone'));
  return { ended, end };
}

/** `npm run lab` killed by -9 leaves this process behind, with nobody to press Ctrl-C: it ends by itself then. */
function watchNpm(gone: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const shell = readProc(process.ppid);
  const npm = shell === null ? null : readProc(shell.parent);
  if (npm === null || !npm.name.startsWith('npm') || shell === null) return;
  const timer = setInterval(() => {
    const alive = [shell, npm].every(({ pid, startTicks }) => readProc(pid)?.startTicks === startTicks);
    if (alive) return;
    clearInterval(timer);
    gone();
  }, 500);
  timer.unref();
}
