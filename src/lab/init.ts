import { type ChildProcess, spawn } from 'node:child_process';
import { toolEnv } from './run.ts';

/** In a session of its own: Ctrl-C is for the process that keeps the lab, not for the machines. */
export function startInit(argv: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  const [program = '', ...args] = argv;
  return spawn(program, args, { env: { ...toolEnv(), ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
}

/** The lines before "ready"; throws what it said on stderr when it ends first. */
export function ready(child: ChildProcess, what: string, limitMs = 15_000): Promise<readonly string[]> {
  return new Promise((settle, fail) => {
    let stdout = '';
    let stderr = '';
    const timer = setTimeout(() => fail(new Error(`${what} was not ready after ${limitMs} ms: ${stderr}`)), limitMs);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (!stdout.includes('ready\n')) return;
      clearTimeout(timer);
      settle(stdout.split('\n'));
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', fail);
    child.once('close', (code) => {
      clearTimeout(timer);
      fail(new Error(`${what} ended with ${code}: ${stderr.trim()}`));
    });
  });
}

export function exited(child: ChildProcess): Promise<void> {
  return new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) done();
    else child.once('exit', () => done());
  });
}
