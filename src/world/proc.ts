import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { type Pid, pid as pidOf, wallMs } from '../model/units.ts';
import type { ProcessInfo } from '../model/world.ts';
import { boottimeMs } from './libc.ts';

/** USER_HZ: the unit of start times in /proc. 100 wherever Node runs. */
const ticksPerS = 100;

/** What /proc says of a process; null when there is none. */
export function describe(pid: Pid): ProcessInfo | null {
  const stat = statOf(pid);
  if (stat === null) return null;
  return {
    pid,
    parent: stat.parent,
    state: stat.state,
    ...(stat.held && isKilled(pid) ? { doomed: true } : {}),
    startTicks: stat.startTicks,
    startedWallMs: wallMs(Math.round(Date.now() - boottimeMs() + (stat.startTicks * 1000) / ticksPerS)),
    executable: link(`/proc/${pid}/exe`),
    cwd: link(`/proc/${pid}/cwd`),
    commandLine: (text(`/proc/${pid}/cmdline`) ?? '').replace(/\0+$/, '').replaceAll('\0', ' '),
  };
}

/** By a walk over /proc: the kernel's own list of children may leave some out while others end. */
export const children = (parent: Pid): readonly ProcessInfo[] =>
  described(pids().filter((pid) => statOf(pid)?.parent === parent));

/** Compared as the kernel knows folders, so that links and bind mounts do not matter. */
export function withWorkingDirectory(path: string): readonly ProcessInfo[] {
  const wanted = folder(path);
  if (wanted === null) return [];
  return described(pids().filter((pid) => folder(`/proc/${pid}/cwd`) === wanted)).filter((one) => one.state !== 'dead');
}

const described = (of: readonly Pid[]): readonly ProcessInfo[] =>
  of.map(describe).filter((info): info is ProcessInfo => info !== null);

const pids = (): readonly Pid[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => pidOf(Number(name)));

interface Stat {
  readonly parent: Pid;
  readonly state: ProcessInfo['state'];
  /** In a call that no signal interrupts. */
  readonly held: boolean;
  readonly startTicks: number;
}

/** `pid (name) state parent … start …`: the name may hold anything, blanks and brackets too. */
function statOf(pid: Pid): Stat | null {
  const line = text(`/proc/${pid}/stat`);
  if (line === null) return null;
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return {
    parent: pidOf(Number(fields[1])),
    state: stateOf(fields[0]),
    held: fields[0] === 'D',
    startTicks: Number(fields[19]),
  };
}

/** SIGKILL waits for it, as for the whole process or for its first thread. */
function isKilled(pid: Pid): boolean {
  const masks = [...(text(`/proc/${pid}/status`) ?? '').matchAll(/^(?:SigPnd|ShdPnd):\s*([0-9a-f]+)$/gm)];
  return masks.some(([, mask]) => (BigInt(`0x${mask}`) & sigkill) !== 0n);
}
const sigkill = 1n << 8n;

function stateOf(letter: string | undefined): ProcessInfo['state'] {
  if (letter === 'Z' || letter === 'X' || letter === 'x') return 'dead';
  return letter === 'T' || letter === 't' ? 'stopped' : 'running';
}

function text(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function link(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function folder(path: string): string | null {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}
