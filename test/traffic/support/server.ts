import { execFileSync } from 'node:child_process';
import { appendFileSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SqlTarget } from '../../../src/model/world.ts';

const bin = '/usr/lib/postgresql/15/bin';
const isRoot = process.getuid?.() === 0;

/** PostgreSQL refuses to run as root. */
function asPostgres(program: string, ...args: string[]): string {
  const command = [`${bin}/${program}`, ...args];
  const [first = '', ...rest] = isRoot ? ['runuser', '-u', 'postgres', '--', ...command] : command;
  return execFileSync(first, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
}

export interface Server {
  readonly port: number;
  readonly target: SqlTarget;
  readonly socketTarget: SqlTarget;
  start(): void;
  stop(mode: 'fast' | 'immediate'): void;
  promote(): void;
  remove(): void;
}

/** A real PostgreSQL in a folder of its own; `of`: a standby streaming from that one. */
export async function makeServer(of: Server | null): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'matriarch-traffic-'));
  if (isRoot) chownSync(folder, ...idsOfPostgres());
  const dataDir = join(folder, 'data');
  const port = await freePort();
  if (of === null) asPostgres('initdb', '-D', dataDir, '-U', 'postgres', '--auth=trust', '--no-sync');
  else
    asPostgres(
      'pg_basebackup',
      '-D',
      dataDir,
      '-R',
      '-c',
      'fast',
      '-h',
      '127.0.0.1',
      '-p',
      String(of.port),
      '-U',
      'postgres',
      '--no-sync',
    );
  appendFileSync(
    join(dataDir, 'postgresql.conf'),
    `port = ${port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '${folder}'\nfsync = off\nshared_buffers = 16MB\nmax_connections = 20\n`,
  );
  const login = { port, user: 'postgres', password: null, database: 'postgres', ssl: {}, applicationName: 'test' };
  const ctl = (...args: string[]): string =>
    asPostgres('pg_ctl', '-D', dataDir, '-w', '-l', join(folder, 'log'), ...args);
  return {
    port,
    target: { ...login, host: '127.0.0.1' },
    socketTarget: { ...login, host: folder },
    start: () => void ctl('start'),
    stop: (mode) => void ctl('stop', '-m', mode),
    promote: () => void ctl('promote'),
    remove() {
      try {
        ctl('stop', '-m', 'immediate');
      } catch {
        // it does not run
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function idsOfPostgres(): [number, number] {
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return [id('-u'), id('-g')];
}

/** Below the range from which the kernel takes ports of outgoing connections. */
async function freePort(): Promise<number> {
  for (let port = 21_000 + (process.pid % 400) * 20; ; port++) {
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}
