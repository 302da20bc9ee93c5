import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type Pid, pid as pidOf } from '../model/units.ts';
import type { Command, Finished } from '../model/world.ts';
import { whyOf } from './failure.ts';
import { children } from './proc.ts';

/** Of each stream the last so many characters are kept. */
const keptChars = 256 * 1024;
/** After the end of a tool: how long something that it left behind may keep its output open. */
const lingerMs = 500;

/** Runs a tool to its end; the signal and the limit kill it with everything it started. */
export function run(command: Command, limitMs: number, signal?: AbortSignal): Promise<Finished> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve({ kind: 'cancelled' });
    let child: ChildProcessWithoutNullStreams;
    try {
      child = spawn(command.program, command.args, {
        detached: true, // a group of its own, to be killed as one
        stdio: 'pipe',
        cwd: command.cwd ?? '/',
        env: command.inherit === true ? { ...process.env, ...command.env } : (command.env ?? {}),
      });
    } catch (error) {
      return resolve({ kind: 'failed', why: whyOf(error) }); // such as arguments with a NUL in them
    }
    const stdout = collect(child.stdout, command.onLine);
    const stderr = collect(child.stderr, command.onLine);
    child.stdin.on('error', () => undefined); // a tool need not read what it is given
    child.stdin.end(command.input ?? '');

    let cancelled = false;
    const cancel = (): void => {
      cancelled = true;
      if (child.pid !== undefined) killTree(pidOf(child.pid));
    };
    const timer = setTimeout(cancel, limitMs);
    signal?.addEventListener('abort', cancel);

    const finish = (finished: Finished): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(cancelled ? { kind: 'cancelled' } : finished);
    };
    child.once('error', (error) => {
      if (child.pid === undefined) finish({ kind: 'failed', why: whyOf(error) });
    });
    child.once('exit', (code, name) => {
      const end = (): void =>
        finish(
          name === null
            ? { kind: 'exited', code: code ?? 0, stdout: stdout(), stderr: stderr() }
            : { kind: 'killed', signal: name, stderr: stderr() },
        );
      const linger = setTimeout(end, cancelled ? 0 : lingerMs);
      child.once('close', () => {
        clearTimeout(linger);
        end();
      });
    });
  });
}

function collect(stream: Readable, onLine: ((line: string) => void) | undefined): () => string {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text += chunk;
    if (text.length > 2 * keptChars) text = text.slice(-keptChars);
  });
  // `error` would otherwise end this process.
  stream.on('error', () => undefined);
  if (onLine !== undefined) createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', onLine);
  return () => text.slice(-keptChars);
}

/** Each is stopped before its children are listed, so that none can slip away by a fork. */
function killTree(root: Pid): void {
  const tree: Pid[] = [];
  const gather = (pid: Pid): void => {
    kill(pid, 'SIGSTOP');
    tree.push(pid);
    for (const child of children(pid)) gather(child.pid);
  };
  gather(root);
  for (const pid of tree) kill(pid, 'SIGKILL');
  kill(-root, 'SIGKILL'); // who was handed to another parent stays in the group
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone already
  }
}
