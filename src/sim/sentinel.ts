import type { Machine } from './machine.ts';
import type { Program, SimProcess } from './process.ts';

/** sentinel.sh: parent of the postmaster, and the last guard. It knows the deadline on disk, and looks as often as the script. */
export const sentinelProgram =
  (machine: Machine): Program =>
  (self, start) => {
    const { disk, clock, processes } = machine;
    const watchOnly = start.args[0] === '--watch';
    const [stateDir = '', dataDir = '', graceMs = '0', ...rest] = watchOnly ? start.args.slice(1) : start.args;
    const [program, ...args] = rest[0] === '--' ? rest.slice(1) : rest;
    const pidFile = `${stateDir}/sentinel.pid`;
    const textOf = (path: string): string => {
      const node = disk.get(path);
      return node?.kind === 'file' ? node.text : '';
    };
    for (const signal of ['HUP', 'INT', 'TERM'] as const) self.onSignal(signal, () => {});

    let child: SimProcess | null = null;
    if (!watchOnly && program !== undefined) {
      const body = machine.programFor(program, args);
      if (body === null) return self.exit(127);
      child = processes.spawn({
        parent: self.pid,
        executable: program,
        cwd: '/',
        start: { args, env: start.env, input: '' },
        program: body,
        onLine: self.print,
      });
      const postmaster = child;
      self.onEnd(() => postmaster.signal('QUIT')); // --pdeathsig
    }
    disk.put(pidFile, `${self.pid} ${self.startTicks}\n`, 0o600, clock.wall());

    const named = (): SimProcess | null => {
      const pid = Number(textOf(`${dataDir}/postmaster.pid`).split('\n')[0]);
      return processes.all().find((one) => one.pid === pid && one.cwd() === dataDir) ?? null;
    };
    const leftMs = (): number => {
      const [deadline, boot] = textOf(`${stateDir}/deadline`).trim().split(' ');
      const bootId = textOf('/proc/sys/kernel/random/boot_id').trim();
      const known = boot === bootId && deadline !== undefined && /^\d+$/.test(deadline);
      return known ? Number(deadline) + Number(graceMs) - clock.now() : Number.POSITIVE_INFINITY;
    };
    function strike(): void {
      const first = child ?? named();
      first?.signal('STOP');
      for (const one of processes.all()) if (one.cwd() === dataDir && one !== first && one !== self) one.signal('KILL');
      first?.signal('KILL');
    }
    /** The postmaster is gone. Its backends may go on, and began before. */
    function lookAfter(endedTicks: number): void {
      const outlived = processes
        .all()
        .some((one) => one !== self && one.cwd() === dataDir && one.startTicks < endedTicks);
      if (!outlived) {
        if (textOf(pidFile).startsWith(`${self.pid} `)) disk.remove(pidFile);
        self.exit(0);
        return;
      }
      if (leftMs() <= 0) strike();
      self.after(50, () => lookAfter(endedTicks));
    }
    let ended = false;
    function look(): void {
      if (ended) return;
      const watched = child === null ? named() : child.state() === 'dead' ? null : child;
      if (watched === null) {
        ended = true;
        lookAfter(Math.floor(clock.now() / 10));
        return;
      }
      const left = leftMs();
      if (left <= 0) strike();
      self.after(left > 4000 && child !== null ? 2000 : left > 2000 ? 1000 : left > 200 ? 200 : 50, look);
    }
    child?.onEnd(() => self.after(1, look)); // SIGCHLD
    look();
  };
