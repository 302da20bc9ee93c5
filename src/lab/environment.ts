import type { User } from './ground.ts';
import type { MachinePlan } from './plan.ts';
import { superuserPassword } from './texts.ts';

/** With a clean environment in which the lab's own programs come first and psql knows where to go. */
export function asUser(
  argv: readonly string[],
  user: User,
  more: Readonly<Record<string, string>> = {},
): readonly string[] {
  const env = {
    PATH: '/run/lab/bin:/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: user === 'root' ? '/root' : '/var/lib/postgresql',
    USER: user,
    LOGNAME: user,
    LANG: 'C.UTF-8',
    TERM: process.env.TERM ?? 'dumb',
    ...more,
  };
  const drop = user === 'root' ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups'];
  return [...drop, 'env', '-i', ...Object.entries(env).map(([key, value]) => `${key}=${value}`), ...argv];
}

/** For people: psql on a node speaks to that node, on the client through HAProxy. */
export const psqlEnv = (plan: MachinePlan, writesPort: number): Readonly<Record<string, string>> => ({
  PGHOST: plan.kind === 'client' ? '127.0.0.1' : plan.host,
  PGPORT: String(plan.kind === 'client' ? writesPort : 5432),
  PGUSER: 'postgres',
  PGPASSWORD: superuserPassword,
  PGDATABASE: 'postgres',
});
