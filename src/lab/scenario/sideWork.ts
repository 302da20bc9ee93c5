import { readFileSync, rmSync } from 'node:fs';
import type { Lab } from '../lab.ts';
import { signal } from '../procfs.ts';
import { sqlOn } from '../psql.ts';
import { until } from '../run.ts';
import type { SideWork } from './evidence.ts';

/** What the client does beside the four that are measured, in the background; transactions and dumps are asked for in the end. */

/** By it sessions are found on a server that has not noticed the end of their client. */
const sessions = 'side work';
const clientEnv = { PGUSER: 'postgres', PGPASSWORD: 'vagrant', PGDATABASE: 'postgres', PGAPPNAME: sessions };
const hostOf = (lab: Lab, node: string): readonly string[] => ['-h', lab.node(node).machine.plan.address, '-p', '5432'];

function launch(lab: Lab, name: string, argv: readonly string[]): Promise<void> {
  return lab.client.machine.launch(argv, { user: 'postgres', logPath: lab.logPath('client', name), env: clientEnv });
}

export interface SideWorks {
  /** Its two rows are the first and the last thing that it does. */
  transaction(node: string, forMs: number): Promise<void>;
  /** Its reader rests for so long first: pg_dump, and the server, have to wait for it then. */
  dump(node: string, readAfterMs: number): Promise<void>;
  /** What became of all of it, by who leads now. What is under way still is given a moment, then ended. */
  outcomes(leader: string): Promise<readonly SideWork[]>;
  end(): void;
}

interface Begun {
  readonly kind: SideWork['kind'];
  readonly node: string;
  /** Of its log, in its rows, and among the words of each of its commands. */
  readonly name: string;
}

/** How long something may go on when all else is over. */
const endLimitMs = 10_000;

export function makeSideWorks(lab: Lab, run: string): SideWorks {
  const begun: Begun[] = [];
  const fileOf = (name: string): string => `/tmp/${name}.sql`;
  const logOf = ({ name }: Begun): string => readText(lab.logPath('client', name));

  function begin(kind: Begun['kind'], node: string): string {
    const name = `${run.replace(/[^\w-]/g, '_')}-${kind}-${begun.length + 1}`;
    begun.push({ kind, node, name });
    return name;
  }
  /** Its end is the last line of its log. */
  function start(name: string, node: string, script: string, argv: readonly string[]): Promise<void> {
    const [program = '', ...words] = argv;
    const database = ['-d', `dbname=postgres application_name='${sessions} ${name}'`];
    const told = `set -o pipefail; ${script}; echo "ended with $? at $(date +%s%3N)"`;
    return launch(lab, name, ['bash', '-c', told, name, program, ...hostOf(lab, node), ...database, ...words]);
  }
  async function outcomeOf(one: Begun, leader: string): Promise<SideWork> {
    const log = logOf(one);
    const rest = { node: one.node, ended: endOf(log), said: lastWords(log) };
    if (one.kind === 'transaction') {
      const rows = await sqlOn(lab, leader, `select count(*) from held_open where work = '${one.name}'`);
      return { kind: 'transaction', ...rest, committed: /^COMMIT$/m.test(log), rows: Number(rows) };
    }
    const file = fileOf(one.name);
    const complete = isWhole(readText(lab.client.machine.hostPath(file)));
    return {
      kind: 'dump',
      ...rest,
      complete,
      refused: rest.ended?.code === 0 ? await refusal(lab, leader, file) : null,
    };
  }
  function end(): void {
    const isOfIt = (word: string): boolean => begun.some(({ name }) => word.includes(name));
    for (const { pid, argv } of lab.client.machine.processes()) if (argv.some(isOfIt)) signal(pid, 'SIGKILL');
  }
  return {
    async transaction(node, forMs) {
      await sqlOn(lab, node, heldOpen);
      const name = begin('transaction', node);
      const row = `insert into held_open values ('${name}')`;
      const statements = ['begin', row, `select pg_sleep(${forMs / 1_000})`, row, 'commit'];
      const words = ['-X', '-v', 'ON_ERROR_STOP=1', ...statements.flatMap((one) => ['-c', one])];
      await start(name, node, '"$@"', ['psql', ...words]);
    },
    dump(node, readAfterMs) {
      const name = begin('dump', node);
      const script = `"$@" | { sleep ${readAfterMs / 1_000}; cat >${fileOf(name)}; }`;
      return start(name, node, script, ['pg_dump']);
    },
    async outcomes(leader) {
      if (begun.length === 0) return [];
      await until(() => (begun.every((one) => endOf(logOf(one)) !== null) ? true : null), endLimitMs, 100);
      end();
      await sqlOn(lab, leader, heldOpen); // where its making was lost, nothing is in it
      const all: SideWork[] = [];
      for (const one of begun) all.push(await outcomeOf(one, leader));
      return all;
    },
    end() {
      end();
      for (const { name } of begun) rmSync(lab.client.machine.hostPath(fileOf(name)), { force: true });
    },
  };
}

/** Below the last line that says something stand at most some comments. */
export const isWhole = (dump: string): boolean => /^-- PostgreSQL database dump complete$/m.test(dump.slice(-300));

const heldOpen = 'create table if not exists held_open (work text)';

/** What is said against a dump that is put into a database of its own; null: nothing. */
async function refusal(lab: Lab, leader: string, file: string): Promise<string | null> {
  const onClient = async (program: string, ...words: readonly string[]): Promise<string | null> => {
    const argv = [program, ...hostOf(lab, leader), ...words];
    const ran = await lab.client.exec(argv, { user: 'postgres', env: clientEnv, limitMs: 60_000 });
    return ran.code === 0 ? null : `${program}: ${ran.stderr.trim()}`;
  };
  const scratch = 'restored';
  try {
    const made = await onClient('createdb', scratch);
    return (
      made ?? (await onClient('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d', scratch, '-f', file))
    );
  } finally {
    await onClient('dropdb', '--if-exists', '--force', scratch);
  }
}

function endOf(log: string): SideWork['ended'] {
  const [, code, atMs] = /^ended with (\d+) at (\d+)$/m.exec(log) ?? [];
  return code === undefined ? null : { code: Number(code), atMs: Number(atMs) };
}

/** The first error, since others follow from it; else the last line. */
function lastWords(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('ended with '));
  return (lines.find((line) => /\b(?:PANIC|FATAL|ERROR|error): /.test(line)) ?? lines.at(-1) ?? '').trim();
}

/** Empty: it is not there yet. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const pgbenchSessions = 8;

/** Done when its tables are there. */
export async function startPgbench(lab: Lab, node: string, forMs: number): Promise<void> {
  const made = await lab.client.exec(['pgbench', '--initialize', '--quiet', ...hostOf(lab, node)], {
    user: 'postgres',
    env: clientEnv,
    limitMs: 60_000,
  });
  if (made.code !== 0) throw new Error(`pgbench could not make its tables on ${node}: ${made.stderr.trim()}`);
  const howMuch = ['--client', String(pgbenchSessions), '--time', String(Math.ceil(forMs / 1_000))];
  return launch(lab, 'pgbench', ['pgbench', '--no-vacuum', ...howMuch, ...hostOf(lab, node)]);
}

/** What these may have left in the database: the next scenario shall not find its copies slower for it. */
export const clearSideWork = (lab: Lab, leader: string): Promise<string> =>
  sqlOn(
    lab,
    leader,
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name like '${sessions}%';
     drop table if exists ballast, held_open, pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers`,
  );

/** Rows of about a kilobyte each, that do not compress. */
export async function load(lab: Lab, leader: string, mb: number): Promise<void> {
  const text = "(select string_agg(md5(random()::text || part || made.n), '') from generate_series(1, 30) part)";
  await sqlOn(
    lab,
    leader,
    `create table if not exists ballast (n int, text text);
     insert into ballast select made.n, ${text} from generate_series(1, ${mb * 1_000}) as made(n)`,
    120_000,
  );
}
