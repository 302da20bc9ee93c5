import { type SpawnOptions, spawn } from 'node:child_process';

export interface Ran {
  /** Null: killed by a signal, by the limit, or never started. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly limitMs?: number;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Tools of the system live in /usr/sbin, which is not on everybody's path. */
const toolPath = (): string => `${process.env.PATH ?? '/usr/bin:/bin'}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`;

export const toolEnv = (): NodeJS.ProcessEnv => ({ ...process.env, PATH: toolPath(), LC_ALL: 'C.UTF-8' });

/** Runs a program to its end. How it ended is a value; only `must` throws. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [program = '', ...args] = argv;
  const spawnOptions: SpawnOptions = {
    env: options.env ?? toolEnv(),
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...at(options.cwd),
  };
  return new Promise((settle) => {
    const child = spawn(program, args, spawnOptions);
    let stdout = '';
    let stderr = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), options.limitMs ?? 15_000);
    const end = (code: number | null): void => {
      clearTimeout(timer);
      settle({ code, stdout, stderr });
    };
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    // Without input there is no pipe: bash takes one for a network login, and reads the user's .bashrc.
    child.stdin?.on('error', () => {}); // the program may end without reading its input
    child.stdin?.end(options.input);
    child.once('error', (error) => {
      stderr += error.message;
      end(null);
    });
    child.once('close', end);
  });
}

const at = (cwd: string | undefined): { readonly cwd?: string } => (cwd === undefined ? {} : { cwd });

/** Runs what has to succeed. */
export async function must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(argv, options);
  if (code === 0) return stdout;
  const how = code === null ? 'was killed or could not start' : `ended with ${code}`;
  throw new Error(`"${argv.join(' ')}" ${how}: ${(stderr || stdout).trim()}`);
}

/** Throws the signal's reason as soon as there is one. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    signal?.throwIfAborted();
    const giveUp = (): void => {
      clearTimeout(timer);
      fail(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', giveUp);
      done();
    }, ms);
    signal?.addEventListener('abort', giveUp, { once: true });
  });
}

/** Looks every few ms until something is there; null when the limit passed. Throws the signal's reason. */
export async function until<T>(
  look: () => T | null | Promise<T | null>,
  limitMs: number,
  stepMs = 20,
  signal?: AbortSignal,
): Promise<T | null> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > endMs) return null;
    await delay(stepMs, signal);
  }
}
