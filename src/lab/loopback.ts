import { spawn } from 'node:child_process';
import { chownSync, closeSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkPorts } from './forward.ts';
import type { Ground, Machine } from './ground.ts';
import type { LabPlan, MachinePlan } from './plan.ts';
import { signal, workingBelow } from './procfs.ts';
import { programRoot } from './program.ts';
import { must, toolEnv, until } from './run.ts';
import { haproxyConfig } from './texts.ts';

/**
 * The same cluster without root: a machine is a folder and a loopback address, and whatever works in that folder runs
 * on it. No cables, no disks that fill up, one file system and one network for all.
 */
export async function makeLoopback(plan: LabPlan, dir: string, say: (text: string) => void): Promise<Ground> {
  say('without namespaces: no cables to cut, no disks of their own, one address space; run as root for machines');
  await checkPorts(plan.haproxy);
  mkdirSync(join(dir, 'logs'));
  mkdirSync(join(dir, 'bin'));
  symlinkSync(process.execPath, join(dir, 'bin/node'));
  symlinkSync(join(programRoot, 'bin/matriarch'), join(dir, 'bin/matriarch'));
  const owner = process.getuid?.() === 0 ? await postgresUser() : null;
  for (const { name } of [...plan.nodes, plan.client]) {
    const folder = join(dir, 'machines', name);
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    if (owner !== null) chownSync(folder, owner.uid, owner.gid);
  }
  writeFileSync(plan.client.paths.haproxyConfig, haproxyConfig(plan));
  return {
    kind: 'loopback',
    machine: (machinePlan) => makeFolderMachine(machinePlan, dir, owner !== null),
    end: () => killBelow(join(dir, 'machines')),
  };
}

function makeFolderMachine(plan: MachinePlan, dir: string, drop: boolean): Machine {
  const folder = join(dir, 'machines', plan.name);
  let on = false;
  const noCable = async (): Promise<void> => {
    throw new Error('there are no cables without root: every machine is on the loopback');
  };
  const command = (argv: readonly string[], env: Readonly<Record<string, string>> = {}): readonly string[] => {
    const clean = {
      PATH: `${join(dir, 'bin')}:/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOME: folder,
      LANG: 'C.UTF-8',
      TERM: process.env.TERM ?? 'dumb',
      ...env,
    };
    const as = drop ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups'] : [];
    const words = Object.entries(clean).map(([key, value]) => `${key}=${value}`);
    return [...as, 'env', '-i', `--chdir=${folder}`, ...words, ...argv];
  };
  return {
    kind: 'loopback',
    plan,
    isOn: () => on,
    isCabled: () => true,
    losing: () => [],
    async powerOn() {
      on = true;
    },
    async powerOff() {
      on = false;
      await killBelow(folder);
    },
    cut: noCable,
    heal: noCable,
    lose: noCable,
    loseNothing: async () => {},
    async launch(argv, { logPath, env }) {
      const log = openSync(logPath, 'a', 0o644);
      const [program = '', ...args] = command(argv, env);
      const child = spawn(program, args, { env: toolEnv(), stdio: ['ignore', log, log], detached: true });
      child.on('error', () => {});
      child.unref();
      closeSync(log);
      // Until it works in its folder it can not be told apart from any other process.
      await until(
        () => (child.exitCode !== null || workingBelow(folder).some(({ pid }) => pid === child.pid) ? true : null),
        2000,
      );
    },
    inside: (argv, _user, env) => command(argv, env),
    onItsNetwork: (argv) => argv,
    processes: () => (on ? workingBelow(folder) : []),
    hostPath: (path) => path,
  };
}

/** Again and again: what is being killed may start something. */
async function killBelow(folder: string): Promise<void> {
  await until(() => {
    const left = workingBelow(folder);
    for (const { pid } of left) signal(pid, 'SIGKILL');
    return left.length === 0 ? true : null;
  }, 5000);
}

async function postgresUser(): Promise<{ readonly uid: number; readonly gid: number }> {
  const [uid, gid] = await Promise.all([must(['id', '-u', 'postgres']), must(['id', '-g', 'postgres'])]);
  return { uid: Number(uid), gid: Number(gid) };
}
