import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process as /proc shows it. */
export interface Proc {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly state: 'running' | 'stopped' | 'dead';
  /** Clock ticks since boot: with the pid, an identity. */
  readonly startTicks: number;
  readonly argv: readonly string[];
}

export function readProc(pid: number): Proc | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name stands in parentheses and may hold anything, parentheses too.
    const close = stat.lastIndexOf(')');
    const fields = stat.slice(close + 2).split(' ');
    const letter = fields[0] ?? 'X';
    return {
      pid,
      parent: Number(fields[1]),
      name: stat.slice(stat.indexOf('(') + 1, close),
      state: 'ZX'.includes(letter) ? 'dead' : 'Tt'.includes(letter) ? 'stopped' : 'running',
      startTicks: Number(fields[19]),
      argv: readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1),
    };
  } catch {
    return null; // gone in between
  }
}

/** Every thread of it stands still: a signal to stop reaches them one after the other. Also true when it is gone. */
export function standsStill(pid: number): boolean {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.every((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
      return 'TtZX'.includes(stat.slice(stat.lastIndexOf(')') + 2)[0] ?? 'X');
    });
  } catch {
    return readProc(pid) === null; // a thread that ended in between: look again
  }
}

export const allPids = (): readonly number[] => readdirSync('/proc').map(Number).filter(Number.isInteger);

export function childrenOf(pid: number): readonly Proc[] {
  return allPids()
    .map(readProc)
    .filter((proc) => proc !== null)
    .filter((proc) => proc.parent === pid);
}

/** Its children, their children and so on. */
export function descendantsOf(pid: number): readonly Proc[] {
  const all = allPids()
    .map(readProc)
    .filter((proc) => proc !== null);
  const below = (parent: number): readonly Proc[] =>
    all.filter((proc) => proc.parent === parent).flatMap((proc) => [proc, ...below(proc.pid)]);
  return below(pid);
}

/** Everything alive in the same PID namespace as `init`, itself included. */
export function inPidNamespaceOf(init: number): readonly Proc[] {
  const space = namespaceOf(init, 'pid');
  if (space === null) return [];
  return [...spaces()]
    .filter(([, its]) => its === space)
    .map(([pid]) => readProc(pid))
    .filter((proc) => proc !== null)
    .filter((proc) => proc.state !== 'dead');
}

/** Read once for all machines that are looked at in the same breath: the whole of /proc is what costs. */
function spaces(): ReadonlyMap<number, string | null> {
  if (known !== null) return known;
  known = new Map(allPids().map((pid) => [pid, namespaceOf(pid, 'pid')]));
  queueMicrotask(() => {
    known = null;
  });
  return known;
}
let known: ReadonlyMap<number, string | null> | null = null;

export function namespaceOf(pid: number, kind: 'pid' | 'net' | 'mnt' | 'user'): string | null {
  return linkOf(`/proc/${pid}/ns/${kind}`);
}

/**
 * Everything whose working directory is in or below a folder: how a machine without a namespace knows its own. Guards work
 * nowhere, so that they keep no disk from being unmounted; what they watch over is named in their command line.
 */
export function workingBelow(folder: string): readonly Proc[] {
  const isBelow = (path: string): boolean => `${path}/`.startsWith(`${folder}/`);
  return allPids()
    .map(readProc)
    .filter((proc) => proc !== null)
    .filter(({ pid, argv }) => isBelow(linkOf(`/proc/${pid}/cwd`) ?? '') || (isGuard(argv) && argv.some(isBelow)))
    .filter((proc) => proc.state !== 'dead');
}

const isGuard = (argv: readonly string[]): boolean =>
  argv.some((word) => /(^|\/)(guardian\.js|sentinel\.sh)$/.test(word));

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

export interface Identity {
  readonly pid: number;
  readonly startTicks: number;
}

export function identityOf(pid: number): Identity | null {
  const proc = readProc(pid);
  return proc === null ? null : { pid, startTicks: proc.startTicks };
}

/** Pids are used again: alive means the same start as well. */
export function isAlive(identity: Identity): boolean {
  const proc = readProc(identity.pid);
  return proc !== null && proc.state !== 'dead' && proc.startTicks === identity.startTicks;
}

export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
