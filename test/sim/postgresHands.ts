import { readProbe } from '../../src/agent/postgres/probe.ts';
import { checkpoint, probe } from '../../src/agent/postgres/statements.ts';
import { readControldata } from '../../src/codec/postgres/controldata.ts';
import { historyFileName, readHistoryFile, timelineOfHistoryFile } from '../../src/codec/postgres/historyFile.ts';
import { readPostmasterPid } from '../../src/codec/postgres/postmasterPid.ts';
import { endOfShutdownCheckpoint } from '../../src/codec/postgres/waldump.ts';
import type { ControlData, RunningPrimary, RunningStandby, TimelineEnd } from '../../src/model/postgres.ts';
import { type Lsn, lsnText, type Pid } from '../../src/model/units.ts';
import type { Finished, ProcessInfo, SqlResult, SqlSession, Statement, World } from '../../src/model/world.ts';

/** Where one server of the script lives: on a simulated machine, or in a folder of this one. */
export interface Site {
  /** Also its application_name. */
  readonly name: string;
  readonly world: World;
  readonly dataDir: string;
  readonly binDir: string;
  readonly socketDir: string;
  readonly log: string;
  /** Where the others find it. */
  readonly host: string;
  readonly port: number;
  /** Comes before the postmaster's own command line. */
  readonly launcher: readonly string[];
  /** Its own lines for postgresql.conf. */
  readonly conf: readonly string[];
  /** What was said so far, of everything that ran here. */
  said(): Promise<string>;
  /** Some process that is no PostgreSQL. */
  bystander(): Promise<Pid>;
}

export interface Upstream {
  readonly of: { readonly host: string; readonly port: number };
  readonly slot?: string;
}
export type Running = RunningPrimary | RunningStandby;
export type Server = ReturnType<typeof serverAt>;

/** Long enough for a busy machine: nothing that holds waits for it. */
const limitMs = 15_000;

/** One server, and what can be done to it: by the functions of World alone, as the agent does it. */
export function serverAt(site: Site) {
  const { world, dataDir } = site;
  const { clock, files, processes } = world;
  const env = { LC_ALL: 'C', LANG: 'C', PATH: '/usr/bin:/bin' };
  const program = (name: string): string => `${site.binDir}/${name}`;
  const file = (name: string): string => `${dataDir}/${name}`;
  let mark = 0;

  async function until<T>(what: string, look: () => Promise<T | null>): Promise<T> {
    for (const endMs = clock.now() + limitMs; ; ) {
      const found = await look();
      if (found !== null) return found;
      if (clock.now() > endMs)
        throw new Error(`${site.name}: ${what} did not come.\n${(await site.said()).slice(-3000)}`);
      await clock.sleep(20);
    }
  }

  const run = (name: string, args: readonly string[], signal?: AbortSignal, onLine?: (line: string) => void) =>
    processes.run({ program: program(name), args, env, ...(onLine && { onLine }) }, 30_000, signal);
  const has = async (name: string): Promise<boolean> => (await files.stat(file(name))).kind === 'file';

  async function control(): Promise<ControlData | null> {
    const finished = await run('pg_controldata', [dataDir]);
    return finished.kind === 'exited' && finished.code === 0 ? readControldata(finished.stdout) : null;
  }

  /** The living postmaster of the pid file, and what the file says of it. */
  async function postmaster(): Promise<{ readonly info: ProcessInfo; readonly status: string } | null> {
    const read = await files.read(file('postmaster.pid'));
    const found = read.kind === 'text' ? readPostmasterPid(read.text) : null;
    const info = found === null ? null : processes.describe(found.pid);
    if (found === null || info === null || info.state === 'dead' || info.cwd !== dataDir) return null;
    return { info, status: found.status ?? '' };
  }

  const alive = async (): Promise<ProcessInfo> => (await until('a postmaster', postmaster)).info;
  const signal = async (name: 'TERM' | 'INT' | 'QUIT' | 'KILL' | 'HUP' | 'USR1'): Promise<void> => {
    processes.signal((await alive()).pid, name);
  };
  const gone = (): Promise<true> =>
    until('the end of all its processes', async () =>
      processes.withWorkingDirectory(dataDir).some((one) => one.state !== 'dead') ? null : true,
    );

  const connect = (options: { readonly replication?: boolean } = {}) =>
    world.sql.connect(
      {
        host: site.socketDir,
        port: site.port,
        user: 'postgres',
        password: null,
        database: 'postgres',
        ssl: {},
        applicationName: 'script',
        ...options,
      },
      3_000,
    );
  async function ask(statement: Statement, options: { readonly replication?: boolean } = {}): Promise<SqlResult> {
    const connected = await connect(options);
    if (connected.kind === 'rejected') return { kind: 'error', sqlState: connected.sqlState, message: '' };
    if (connected.kind === 'unreachable') return { kind: 'lost', why: 'unreachable' };
    const result = await connected.session.query(statement, 10_000);
    connected.session.close();
    return result;
  }

  async function look(): Promise<Running | null> {
    const found = await postmaster();
    const result = found === null ? null : await ask(probe);
    const row = result?.kind === 'rows' ? result.rows[0] : undefined;
    const known = row === undefined ? null : await control();
    return found === null || row === undefined || known === null
      ? null
      : readProbe(row, found.info.pid, known, null, {});
  }
  async function histories(): Promise<readonly number[]> {
    const listed = await files.list(file('pg_wal'));
    const names = listed.kind === 'entries' ? listed.names : [];
    return names.map(timelineOfHistoryFile).filter((id) => id !== null);
  }

  return {
    ...site,
    until,
    run,
    has,
    control,
    postmaster,
    signal,
    gone,
    connect,
    ask,
    look,
    histories,
    /** Only what is said from now on is heard. */
    listen: async (): Promise<void> => {
      mark = (await site.said()).length;
    },
    heard: async (words: RegExp): Promise<boolean> => words.test((await site.said()).slice(mark)),
    put: (name: string, text: string) => files.write(file(name), text, 0o600),
    drop: (name: string) => files.remove(name === '' ? dataDir : file(name)),

    configure: (upstream: Upstream | null) =>
      files.write(
        file('postgresql.conf'),
        [
          ...site.conf,
          `port = ${site.port}`,
          `unix_socket_directories = '${site.socketDir}'`,
          ...(upstream === null
            ? []
            : [
                `primary_conninfo = 'host=${upstream.of.host} port=${upstream.of.port} user=postgres application_name=${site.name}'`,
                `primary_slot_name = '${upstream.slot ?? ''}'`,
              ]),
          '',
        ].join('\n'),
        0o600,
      ),

    /** How the start went: the pid file's word for open, or that it ended. */
    async start(): Promise<string> {
      const [first = '', ...args] = [...site.launcher, program('postgres'), '-D', dataDir];
      const launched = await processes.launch({ program: first, args, env, cwd: '/' }, site.log);
      if (launched.kind === 'failed') return launched.why;
      return until('the end of the start', async () => {
        const info = processes.describe(launched.pid);
        if (info === null || info.state === 'dead') return 'ended';
        const found = await postmaster();
        return found?.info.pid === launched.pid && /ready|standby/.test(found.status) ? found.status : null;
      });
    },
    async stop(how: 'TERM' | 'INT' | 'QUIT' | 'KILL'): Promise<void> {
      const { pid } = await alive();
      processes.signal(pid, how);
      await gone();
      // Until its parent has heard of its end, the next server takes it for one that lives.
      await until('the end of its pid', async () => (processes.describe(pid) === null ? true : null));
    },
    async single(): Promise<string> {
      return exitOf(await run('postgres', ['--single', '-D', dataDir, 'template1']));
    },

    write: (value: string) =>
      ask({
        name: 'sim.write',
        text: 'INSERT INTO public.kv (key, value) VALUES ($1, $2)',
        values: ['k', value],
      }).then(classOf),
    async read(): Promise<string> {
      const text = 'SELECT value FROM public.kv WHERE key = $1 ORDER BY seq';
      const result = await ask({ name: 'sim.read', text, values: ['k'] });
      return result.kind === 'rows' ? result.rows.map((row) => row.value).join() : classOf(result);
    },
    checkpoint: () => ask(checkpoint).then(classOf),
    async history(timeline: number): Promise<readonly TimelineEnd[]> {
      const read = await files.read(file(`pg_wal/${historyFileName(timeline)}`));
      return read.kind === 'text' ? readHistoryFile(read.text) : [];
    },
    /** Where the WAL of a server that was stopped cleanly ends. */
    async shutdownEnd(): Promise<Lsn | null> {
      const known = await control();
      if (known === null) return null;
      const timeline = ['--timeline', String(known.timeline)];
      const from = ['--path', file('pg_wal'), '--start', lsnText(known.checkpoint), '--limit', '2'];
      const finished = await run('pg_waldump', [...from, ...timeline]);
      return finished.kind === 'exited'
        ? endOfShutdownCheckpoint(finished.stdout, finished.stderr, known.checkpoint)
        : null;
    },

    // ---- what is waited for
    streaming: (timeline: number): Promise<RunningStandby> =>
      until(`streaming on timeline ${timeline}`, async () => {
        const seen = await look();
        const streams = seen?.role === 'standby' && seen.receiver?.status === 'streaming';
        return streams && seen.receiver?.timeline === timeline ? seen : null;
      }),
    reached: (position: Lsn): Promise<RunningStandby> =>
      until(`a replay up to ${lsnText(position)}`, async () => {
        const seen = await look();
        return seen?.role === 'standby' && seen.replayedLsn >= position ? seen : null;
      }),
    primary: (): Promise<RunningPrimary> =>
      until('the end of recovery', async () => {
        const seen = await look();
        return seen?.role === 'primary' ? seen : null;
      }),
    async session(): Promise<SqlSession> {
      const connected = await connect();
      if (connected.kind !== 'connected') throw new Error(`${site.name}: ${connected.kind}`);
      return connected.session;
    },
  };
}

export const classOf = (result: SqlResult): string => (result.kind === 'error' ? result.sqlState : result.kind);
export const exitOf = (finished: Finished): string =>
  finished.kind === 'exited' ? `exit ${finished.code}` : finished.kind;
export const relation = (a: bigint | null | undefined, b: bigint | null | undefined): string => {
  if (a == null || b == null) return 'unknown';
  if (a === b) return '=';
  return a < b ? '<' : '>';
};
