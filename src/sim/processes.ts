import { wallMs } from '../model/units.ts';
import type { Command, Finished, Processes, ProcessInfo } from '../model/world.ts';
import type { Machine } from './machine.ts';
import type { Ending, SimProcess } from './process.ts';

const finishedBy = (ending: Ending, text: string): Finished =>
  ending.kind === 'exited'
    ? { kind: 'exited', code: ending.code, stdout: text, stderr: ending.code === 0 ? '' : text }
    : { kind: 'killed', signal: `SIG${ending.signal}`, stderr: text };

/** Other processes as one process of the machine sees and uses them. */
export function makeProcesses(machine: Machine, self: SimProcess): Processes {
  const { processes: table, disk, clock } = machine;

  function spawn(command: Command, parent: SimProcess['pid'], onLine: (line: string) => void): SimProcess | null {
    const program = machine.programFor(command.program, command.args);
    if (program === null) return null;
    return table.spawn({
      parent,
      executable: command.program,
      cwd: command.cwd ?? '/',
      start: { args: command.args, env: command.env ?? {}, input: command.input ?? '' },
      program,
      onLine,
    });
  }

  const treeOf = (root: SimProcess): readonly SimProcess[] => [
    root,
    ...table
      .all()
      .filter((one) => one.parent() === root.pid)
      .flatMap(treeOf),
  ];

  function run(command: Command, limitMs: number, signal?: AbortSignal): Promise<Finished> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve({ kind: 'cancelled' });
      const lines: string[] = [];
      let over = false;
      // One event later, as a real program: it cannot have ended before its caller has waited for it.
      self.after(0.5, () => {
        let cancelled = false;
        const child = spawn(command, self.pid, (line) => {
          // Its reader is gone, and so it dies of SIGPIPE: at its next word, until which it goes on.
          if (self.state() === 'dead') return child?.signal('KILL');
          lines.push(line);
          if (command.onLine !== undefined) self.deliver(() => command.onLine?.(line));
        });
        if (child === null) return resolve({ kind: 'failed', why: `spawn ${command.program} ENOENT` });
        const cancel = (): void => {
          if (over) return;
          cancelled = true;
          for (const one of treeOf(child)) one.signal('KILL');
        };
        const finish = (finished: Finished): void => {
          over = true;
          self.after(0.2, () => resolve(cancelled ? { kind: 'cancelled' } : finished));
        };
        const text = (): string => lines.map((line) => `${line}\n`).join('');
        const ended = child.ending();
        if (ended !== null) finish(finishedBy(ended, text()));
        else child.onEnd((ending) => finish(finishedBy(ending, text())));
        signal?.addEventListener('abort', cancel);
        self.after(limitMs, cancel);
      });
    });
  }

  const infoOf = (one: SimProcess): ProcessInfo => ({
    pid: one.pid,
    parent: one.parent(),
    state: one.state(),
    startTicks: one.startTicks,
    startedWallMs: wallMs(one.startedWallMs),
    executable: one.executable(),
    cwd: one.cwd(),
    commandLine: one.commandLine(),
  });
  const info = (one: SimProcess | null): ProcessInfo | null => (one === null ? null : infoOf(one));

  return {
    myPid: self.pid,
    run,
    launch(command, logPath) {
      return new Promise((resolve) => {
        self.after(1, () => {
          const child = spawn(command, self.pid, (line) => {
            const log = disk.get(logPath);
            disk.put(logPath, `${log?.kind === 'file' ? log.text.slice(-65_536) : ''}${line}\n`, 0o600, clock.wall());
          });
          resolve(
            child === null
              ? { kind: 'failed', why: `spawn ${command.program} ENOENT` }
              : { kind: 'launched', pid: child.pid },
          );
        });
      });
    },
    describe: (pid) => info(table.find(pid)),
    children: (pid) =>
      table
        .all()
        .filter((one) => one.parent() === pid)
        .map(infoOf),
    withWorkingDirectory: (path) =>
      table
        .all()
        .filter((one) => one.cwd() === path)
        .map(infoOf),
    signal(pid, signal) {
      const target = table.find(pid);
      if (target === null) return false;
      target.signal(signal);
      return true;
    },
    watchExit(pid, startTicks, exited) {
      const target = table.find(pid);
      const tell = (): void => void self.after(0.3, () => watching && exited());
      let watching = true;
      const forget = target !== null && target.startTicks === startTicks ? target.onEnd(tell) : null;
      if (forget === null) tell();
      return () => {
        watching = false;
        forget?.();
      };
    },
  };
}
