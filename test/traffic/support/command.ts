import { spawn } from 'node:child_process';

/** `matriarch traffic …` as people start it: bundled, with a pipe for a screen. */
export function startTraffic(program: string, ...args: readonly string[]) {
  const child = spawn(process.execPath, [program, 'traffic', ...args], {
    env: { ...process.env, PGUSER: 'postgres' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += String(data);
  });
  child.stderr.on('data', (data) => {
    stderr += String(data);
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    output: () => stdout + stderr,
    exited,
    interrupt: () => void child.kill('SIGINT'),
    end(): Promise<number | null> {
      child.kill('SIGINT');
      return exited;
    },
  };
}
