import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { basename, join } from 'node:path';
import { asUser } from './environment.ts';
import { type Direction, lossRules } from './faults/network.ts';
import type { Machine } from './ground.ts';
import { exited, ready, startInit } from './init.ts';
import type { MachinePlan } from './plan.ts';
import { childrenOf, inPidNamespaceOf, signal } from './procfs.ts';
import { programRoot } from './program.ts';
import { must, run, toolEnv, until } from './run.ts';

export interface MachineGround {
  readonly dir: string;
  readonly groundInit: number;
  /** The processes of the host whose end tells that a machine has ended. */
  readonly powered: Set<ChildProcess>;
}

/** One machine: its own network, mount, IPC, UTS and PID namespace, all ending with its process 1. */
export function makeMachine(plan: MachinePlan, ground: MachineGround): Machine {
  const { name } = plan;
  const onBridge = ['nsenter', '--target', String(ground.groundInit), '--net', 'ip'];
  let power: { readonly child: ChildProcess; readonly init: number } | null = null;
  let cabled = true;
  let losing: readonly Direction[] = [];

  function init(): number {
    if (power === null) throw new Error(`the power of ${name} is off`);
    return power.init;
  }
  async function plugIn(pid: number): Promise<void> {
    await run([...onBridge, 'link', 'delete', name]); // of a life before, when the kernel is still taking it down
    // A machine keeps its hardware address over a loss of power: the others have it in their tables.
    const hardware = `02:00:${plan.address
      .split('.')
      .map((byte) => Number(byte).toString(16).padStart(2, '0'))
      .join(':')}`;
    const inside = ['name', 'eth0', 'address', hardware, 'netns', String(pid)];
    await must([...onBridge, 'link', 'add', name, 'type', 'veth', 'peer', ...inside]);
    await must([...onBridge, 'link', 'set', name, 'master', 'br0', 'addrgenmode', 'none']);
    const own = ['nsenter', '--target', String(pid), '--net', 'ip'];
    await must([...own, 'address', 'add', `${plan.address}/24`, 'dev', 'eth0']);
    await must([...own, 'link', 'set', 'eth0', 'addrgenmode', 'none', 'up']);
    await plug(cabled ? 'up' : 'down');
  }
  async function plug(side: 'up' | 'down'): Promise<void> {
    cabled = side === 'up';
    if (power === null) return;
    await must([...onBridge, 'link', 'set', name, side]);
    // The kernel tells the bridge of a carrier a little later, up to a second: until then nothing gets through.
    if (side === 'up') await until(carries, 3_000);
  }
  async function carries(): Promise<true | null> {
    const shown = await must([...onBridge, '-brief', 'link', 'show', 'dev', name]);
    return / UP /.test(shown) ? true : null;
  }
  const enter = (kinds: readonly string[]): readonly string[] => ['nsenter', '--target', String(init()), ...kinds];
  const enterAll = (): readonly string[] => enter(['--mount', '--net', '--uts', '--ipc', '--pid', '--wdns=/', '--']);

  const onItsNetwork = (argv: readonly string[]): readonly string[] => [...enter(['--net', '--']), ...argv];

  return {
    kind: 'namespaces',
    plan,
    isOn: () => power !== null,
    isCabled: () => cabled,
    losing: () => (power === null ? [] : losing),
    async powerOn() {
      if (power !== null) return;
      const intoGround = ['nsenter', '--target', String(ground.groundInit), '--mount', '--net', '--pid', '--'];
      const kinds = ['--mount', '--net', '--uts', '--ipc', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'];
      const env = { LAB: ground.dir, NAME: name, PROGRAM: programRoot, NODE: process.execPath };
      const child = startInit([...intoGround, 'unshare', ...kinds, 'sh', join(ground.dir, 'machine.sh')], env);
      ground.powered.add(child);
      child.once('exit', () => ground.powered.delete(child));
      await ready(child, `machine ${name}`);
      // nsenter → unshare → process 1 of the machine
      const unshare = childrenOf(child.pid ?? 0)[0];
      const pid = unshare === undefined ? undefined : childrenOf(unshare.pid)[0]?.pid;
      if (pid === undefined) throw new Error(`machine ${name} ended at once`);
      power = { child, init: pid };
      losing = []; // the rules went with the network that they stood in
      child.once('exit', () => {
        if (power?.child === child) power = null;
      });
      await plugIn(pid);
    },
    async powerOff() {
      if (power === null) return;
      const { child, init: pid } = power;
      const gone = exited(child);
      signal(pid, 'SIGKILL');
      await gone; // the kernel lets process 1 go only after everything else in its PID namespace
      power = null;
      await run([...onBridge, 'link', 'delete', name]);
    },
    cut: () => plug('down'),
    heal: () => plug('up'),
    async lose(direction) {
      if (losing.includes(direction)) return;
      await must(onItsNetwork(['nft', '-f', '-']), { input: lossRules(direction) });
      losing = [...losing, direction];
    },
    async loseNothing() {
      if (power !== null && losing.length > 0) await must(onItsNetwork(['nft', 'delete', 'table', 'ip', 'lab']));
      losing = [];
    },
    async launch(argv, { user, logPath, env }) {
      const log = openSync(logPath, 'a', 0o644);
      const command = asUser(argv, user, env);
      const [program = '', ...args] = [...enterAll(), 'sh', '-c', 'setsid "$@" &', 'launch', ...command];
      const child = spawn(program, args, { env: toolEnv(), stdio: ['ignore', log, log], detached: true });
      closeSync(log);
      await new Promise<void>((done, fail) => {
        child.once('error', fail);
        child.once('exit', (code) =>
          code === 0 ? done() : fail(new Error(`${argv[0]} could not be started on ${name}`)),
        );
      });
    },
    // The signal: a command whose caller is gone (Ctrl-C, a limit) ends too.
    inside: (argv, user, env) => [...enterAll(), 'setpriv', '--pdeathsig', 'KILL', ...asUser(argv, user, env)],
    onItsNetwork,
    processes: () => (power === null ? [] : inPidNamespaceOf(power.init)),
    hostPath(path) {
      const disk = `/proc/${ground.groundInit}/root${join(ground.dir, 'disks', name)}`;
      if (path.startsWith('/var/lib/postgresql'))
        return `${disk}/postgresql${path.slice('/var/lib/postgresql'.length)}`;
      if (path.startsWith('/var/lib/etcd')) return `${disk}/etcd${path.slice('/var/lib/etcd'.length)}`;
      if (path.startsWith('/etc/postgresql')) return join(ground.dir, 'machines', name, 'etc', basename(path));
      if (path.startsWith('/tmp')) return `${disk}${path}`;
      return path;
    },
  };
}
