import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ground } from './ground.ts';
import { exited, ready, startInit } from './init.ts';
import { makeMachine } from './machine.ts';
import type { LabPlan } from './plan.ts';
import { childrenOf, signal } from './procfs.ts';
import { delay, must } from './run.ts';
import { groundScript, machineScript } from './scripts.ts';
import { haproxyConfig, hostsFile } from './texts.ts';

/**
 * One PID namespace holds all machines, one mount namespace their disks, one network namespace their bridge. All of it
 * hangs on one process that the kernel kills with the process that keeps the lab: no mount, interface or process of
 * the lab is ever the host's, so none can be left behind.
 */
export async function makeNamespaces(
  plan: LabPlan,
  dir: string,
  tell: {
    readonly say: (text: string) => void;
    readonly began: (pid: number) => void;
    readonly stillWanted: () => void;
  },
): Promise<Ground> {
  for (const { name } of [...plan.nodes, plan.client]) {
    for (const folder of ['disks', 'logs', ...['run', 'dev', 'etc'].map((part) => `machines/${name}/${part}`)]) {
      mkdirSync(join(dir, folder), { recursive: true, mode: 0o755 });
    }
    mkdirSync(join(dir, 'disks', name), { recursive: true });
    await makeDisk(join(dir, 'disks', `${name}.img`), plan.diskMb);
    writeFileSync(join(dir, 'machines', name, 'hosts'), hostsFile(plan));
    writeFileSync(join(dir, 'machines', name, 'hostname'), `${name}\n`);
    for (const file of ['hosts', 'hostname', 'etc'])
      chmodSync(join(dir, 'machines', name, file), file === 'etc' ? 0o755 : 0o644);
  }
  writeFileSync(join(dir, 'machines', plan.client.name, 'etc', 'haproxy.cfg'), haproxyConfig(plan));

  for (const [file, text] of [
    ['ground.sh', groundScript],
    ['machine.sh', machineScript],
  ] as const) {
    writeFileSync(join(dir, file), text, { mode: 0o644 });
  }

  tell.stillWanted();
  const unshare = ['unshare', '--mount', '--net', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'];
  const env = { LAB: dir, DISK_MB: String(plan.diskMb) };
  const child = startInit(['setpriv', '--pdeathsig', 'KILL', ...unshare, 'sh', join(dir, 'ground.sh')], env);
  if (child.pid !== undefined) tell.began(child.pid);
  const lines = await ready(child, 'the ground of the lab');
  if (lines.includes('memory')) tell.say('no loop devices here: the disks are made of memory');
  const holder = child.pid ?? 0;
  const init = childrenOf(holder)[0]?.pid;
  if (init === undefined) throw new Error('the ground of the lab ended at once');
  const powered = new Set<ChildProcess>([child]);
  return {
    kind: 'namespaces',
    machine: (machinePlan) => makeMachine(machinePlan, { dir, groundInit: init, powered }),
    async end() {
      signal(holder, 'SIGKILL');
      await Promise.race([Promise.all([...powered].map(exited)), delay(5000)]);
    },
  };
}

async function makeDisk(image: string, sizeMb: number): Promise<void> {
  writeFileSync(image, '', { mode: 0o600 });
  truncateSync(image, sizeMb * 1024 * 1024);
  // No journal: the page cache survives a cut of a machine's power here, so nothing is ever recovered.
  await must(['mkfs.ext4', '-q', '-F', '-m', '0', '-O', '^has_journal', '-E', 'lazy_itable_init=1,nodiscard', image]);
}
