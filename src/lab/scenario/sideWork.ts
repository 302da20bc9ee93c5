import type { Lab } from '../lab.ts';
import { sqlOn } from '../psql.ts';

/** What the client does beside the four that are measured: in the background, its end is in the logs of the client. */

const clientEnv = { PGUSER: 'postgres', PGPASSWORD: 'vagrant', PGDATABASE: 'postgres' };

function launch(lab: Lab, name: string, argv: readonly string[]): Promise<void> {
  return lab.client.machine.launch(argv, { user: 'postgres', logPath: lab.logPath('client', name), env: clientEnv });
}
const hostOf = (lab: Lab, node: string): readonly string[] => ['-h', lab.node(node).machine.plan.address, '-p', '5432'];

export function openTransaction(lab: Lab, node: string, forMs: number): Promise<void> {
  const text = [
    'begin',
    'create table if not exists held_open (n int)',
    'insert into held_open values (1)',
    `select pg_sleep(${forMs / 1_000})`,
    'commit',
  ];
  const statements = text.flatMap((one) => ['-c', one]);
  return launch(lab, 'transaction', ['psql', '-X', ...hostOf(lab, node), ...statements]);
}

export const startDump = (lab: Lab, node: string): Promise<void> =>
  launch(lab, 'pg_dump', ['pg_dump', ...hostOf(lab, node), '-f', '/dev/null', 'postgres']);

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
    `drop table if exists ballast, held_open, pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers`,
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
