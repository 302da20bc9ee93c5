import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { pid as pidOf } from '../model/units.ts';
import type { Processes } from '../model/world.ts';
import { whyOf } from './failure.ts';
import { watchExit } from './pidfd.ts';
import { children, describe, withWorkingDirectory } from './proc.ts';
import { run } from './run.ts';

export function makeProcesses(): Processes {
  return {
    myPid: pidOf(process.pid),
    run,
    launch,
    describe,
    children,
    withWorkingDirectory,
    signal(pid, signal) {
      try {
        return process.kill(pid, `SIG${signal}`);
      } catch {
        return false;
      }
    },
    watchExit,
  };
}

/** In a session of its own, with a log file for its output and no pipe to us: our end is not its end. */
const launch: Processes['launch'] = (command, logPath) =>
  new Promise((resolve) => {
    let log: number;
    try {
      log = openSync(logPath, 'a', 0o600);
    } catch (error) {
      return resolve({ kind: 'failed', why: whyOf(error) });
    }
    const child = spawn(command.program, command.args, {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: command.cwd ?? '/',
      env: command.env ?? {},
    });
    closeSync(log);
    child.once('error', (error) => resolve({ kind: 'failed', why: whyOf(error) }));
    child.once('spawn', () => {
      child.unref();
      resolve(
        child.pid === undefined ? { kind: 'failed', why: 'no pid' } : { kind: 'launched', pid: pidOf(child.pid) },
      );
    });
  });
