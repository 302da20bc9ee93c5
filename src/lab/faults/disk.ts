import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import type { LabNode } from '../node.ts';
import { run, toolEnv } from '../run.ts';

const filler = '/tmp/filler';

/** PostgreSQL, its WAL, etcd and /tmp share the one disk of a machine: all of them get no more room. */
export async function fillDisk(node: LabNode): Promise<void> {
  const ran = await node.exec(['sh', '-c', `cat /dev/zero >${filler}`], { limitMs: 60_000 });
  if (!/No space left/.test(ran.stderr)) throw new Error(`the disk of ${node.name} is not full: ${ran.stderr}`);
}

export function freeDisk(node: LabNode): void {
  rmSync(node.machine.hostPath(filler), { force: true });
}

/** Every flush of etcd on a machine takes longer, held up at its system call. */
export interface SlowDisks {
  slow(node: LabNode, byMs: number): Promise<void>;
  hasten(node: LabNode): void;
  end(): void;
}

export function makeSlowDisks(): SlowDisks {
  const tracers = new Map<string, ChildProcess>();
  function hasten(name: string): void {
    tracers.get(name)?.kill('SIGTERM'); // it lets go of etcd then; a killed one would, too
    tracers.delete(name);
  }
  return {
    async slow(node, byMs) {
      const etcd = node.process('etcd');
      if (etcd === null) throw new Error(`etcd does not run on ${node.name}`);
      if ((await run(['sh', '-c', 'command -v strace'])).code !== 0)
        throw new Error('strace is not installed: apt-get install strace');
      hasten(node.name);
      const flushes = 'fdatasync,fsync';
      const flags = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${flushes}`];
      const inject = ['-e', `inject=${flushes}:delay_enter=${byMs * 1_000}`];
      const argv = ['--pdeathsig', 'KILL', 'strace', ...flags, ...inject, '-p', String(etcd.pid)];
      tracers.set(node.name, spawn('setpriv', argv, { env: toolEnv(), stdio: 'ignore' }));
    },
    hasten: ({ name }) => hasten(name),
    end() {
      for (const name of tracers.keys()) hasten(name);
    },
  };
}
