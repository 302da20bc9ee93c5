import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EtcdTransport, World } from '../../src/model/world.ts';
import { makeWorld } from '../../src/world/world.ts';
import { freePort } from '../support/ports.ts';
import { type Server, serverAt } from './postgresHands.ts';

const binDir = '/usr/lib/postgresql/15/bin';
const noEtcd: EtcdTransport = {
  call: () => Promise.resolve({ kind: 'unsent', why: 'no etcd in this test' }),
  watch: () => ({ askProgress() {}, close() {} }),
  cut() {},
  resolveSrv: () => Promise.resolve([]),
};

/** Dies with this process, as each postmaster does. */
const withUs = ['/usr/bin/setpriv', '--pdeathsig', 'QUIT', '--'] as const;
const conf = [
  "listen_addresses = '127.0.0.1'",
  'max_connections = 20',
  'shared_buffers = 8MB',
  'fsync = off',
  'wal_keep_size = 256MB',
  "wal_retrieve_retry_interval = '100ms'",
  'autovacuum = off',
  'wal_level = logical',
  'hot_standby_feedback = on',
  // Pages are written by checkpoints alone: else the minimum recovery point moves when it likes.
  'bgwriter_lru_maxpages = 0',
  'bgwriter_delay = 10s',
];

/** Servers of the installed PostgreSQL in a folder of their own; `end` leaves nothing of them. */
export async function realPostgres(names: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-pg-'));
  const world: World = makeWorld({ etcd: noEtcd });
  const bystanders: number[] = [];

  async function site(name: string): Promise<Server> {
    const home = join(folder, name);
    await mkdir(home, { mode: 0o700 });
    const log = join(home, 'log');
    return serverAt({
      name,
      world,
      dataDir: join(home, 'data'),
      binDir,
      socketDir: home,
      log,
      host: '127.0.0.1',
      port: await freePort(15_000 + names.indexOf(name) * 4_000),
      launcher: withUs,
      conf,
      said: () => readFile(log, 'utf8').catch(() => ''),
      async bystander() {
        const [program, ...args] = withUs;
        const launched = await world.processes.launch({ program, args: [...args, '/bin/sleep', '60'] }, '/dev/null');
        if (launched.kind === 'failed') throw new Error(launched.why);
        bystanders.push(launched.pid);
        return launched.pid;
      },
    });
  }

  /** The table that the script writes to, and enough changed pages for a checkpoint that is spread over seconds. */
  async function prepare(server: Server): Promise<void> {
    for (const text of [
      'CREATE TABLE IF NOT EXISTS public.kv (seq bigserial, key text, value text)',
      'DROP TABLE IF EXISTS public.much',
      "CREATE TABLE public.much AS SELECT repeat('x', 7000) FROM generate_series(1, 100)",
    ]) {
      const result = await server.ask({ name: 'prepare', text });
      if (result.kind !== 'rows') throw new Error(JSON.stringify(result));
    }
  }

  const servers = await Promise.all(names.map(site));
  return {
    servers,
    prepare,
    async end(): Promise<void> {
      for (const pid of bystanders) if (world.processes.describe(pid as never) !== null) process.kill(pid, 'SIGKILL');
      for (let left = 1; left > 0; ) {
        const living = servers
          .flatMap(({ dataDir }) => world.processes.withWorkingDirectory(dataDir))
          .filter((one) => one.state !== 'dead');
        for (const one of living) world.processes.signal(one.pid, 'KILL');
        left = living.length;
        if (left > 0) await world.clock.sleep(20);
      }
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
