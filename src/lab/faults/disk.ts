import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import type { LabNode } from '../node.ts';
import { childrenOf, readProc, signal } from '../procfs.ts';
import { run, toolEnv, until } from '../run.ts';

/** What takes the room on a machine. */
export const filler = '/tmp/filler';

/** PostgreSQL, its WAL, etcd and /tmp share the one disk of a machine: all of them get no more room. */
export async function fillDisk(node: LabNode): Promise<void> {
  const ran = await node.exec(['sh', '-c', `cat /dev/zero >${filler}`], { limitMs: 60_000 });
  if (!/No space left/.test(ran.stderr)) throw new Error(`the disk of ${node.name} is not full: ${ran.stderr}`);
}

export function freeDisk(node: LabNode): void {
  rmSync(node.machine.hostPath(filler), { force: true });
}

/** What is done to the flushes of a machine's programs, at their system call. */
export interface SlowDisks {
  /** Every flush of etcd takes longer. */
  slow(node: LabNode, byMs: number): Promise<void>;
  hasten(node: LabNode): void;
  /**
   * No flush of PostgreSQL comes to an end: whoever flushes next stands still in it, with the lock of the WAL in its hands. A disk
   * that hangs in the kernel would hold the lab's own end up.
   */
  stall(node: LabNode): Promise<void>;
  flushAgain(node: LabNode): void;
  end(): void;
}

const flushes = 'fdatasync,fsync';
const attachLimitMs = 10_000;

export function makeSlowDisks(): SlowDisks {
  /** By node and program. */
  const tracers = new Map<string, ChildProcess>();
  const stalled = new Map<string, LabNode>();

  /** Done when all of them are traced; what they start from then on is, too. */
  async function trace(key: string, pids: readonly number[], inject: string): Promise<void> {
    if ((await run(['sh', '-c', 'command -v strace'])).code !== 0)
      throw new Error('strace is not installed: apt-get install strace');
    letGo(key);
    const flags = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${flushes}`, '-e', `inject=${flushes}:${inject}`];
    const argv = ['--pdeathsig', 'KILL', 'strace', ...flags, ...pids.flatMap((pid) => ['-p', String(pid)])];
    tracers.set(key, spawn('setpriv', argv, { env: toolEnv(), stdio: 'ignore' }));
    // One that has ended meanwhile needs no tracer.
    const held = (pid: number): boolean => isTraced(pid) || readProc(pid) === null;
    const traced = await until(() => Promise.resolve(pids.every(held) ? true : null), attachLimitMs);
    if (traced === null) throw new Error(`strace does not get hold of ${key}`);
  }
  function letGo(key: string): void {
    tracers.get(key)?.kill('SIGTERM'); // it lets go of them then; a killed one would, too
    tracers.delete(key);
  }
  function flushAgain(node: LabNode): void {
    letGo(`postgres of ${node.name}`);
    if (!stalled.delete(node.name)) return;
    for (const { pid, state, argv } of node.machine.processes())
      if (state === 'stopped' && /postgres/.test(argv[0] ?? '')) signal(pid, 'SIGCONT');
  }
  return {
    async slow(node, byMs) {
      const etcd = node.process('etcd');
      if (etcd === null) throw new Error(`etcd does not run on ${node.name}`);
      await trace(`etcd of ${node.name}`, [etcd.pid], `delay_enter=${byMs * 1_000}`);
    },
    hasten: ({ name }) => letGo(`etcd of ${name}`),
    async stall(node) {
      const postmaster = node.process('postgres');
      if (postmaster === null) throw new Error(`PostgreSQL does not run on ${node.name}`);
      const pids = [postmaster.pid, ...childrenOf(postmaster.pid).map(({ pid }) => pid)];
      stalled.set(node.name, node);
      await trace(`postgres of ${node.name}`, pids, 'signal=STOP');
    },
    flushAgain,
    end() {
      for (const node of [...stalled.values()]) flushAgain(node);
      for (const key of [...tracers.keys()]) letGo(key);
    },
  };
}

/** Something stands at its system calls. */
export function isTraced(pid: number): boolean {
  try {
    return !/^TracerPid:\s*0$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
