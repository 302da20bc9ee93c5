import { splitCommand } from '../../../codec/command.ts';
import { writeConninfo } from '../../../codec/postgres/conninfo.ts';
import type { Login, Settings } from '../../../model/settings.ts';
import type { Statement } from '../../../model/world.ts';
import { must, writePassfile } from '../configure.ts';
import { halt } from '../halt.ts';
import { launch } from '../launch.ts';
import { mark, unmark } from '../marker.ts';
import {
  cancelled,
  failed,
  type JobContext,
  type JobResult,
  type PostgresParts,
  succeeded,
  toolEnv,
} from '../parts.ts';
import { ownTarget, whyNot } from '../sessions.ts';
import { grantRewind, quietSession, roleExists, shapeRole } from '../statements.ts';
import { setAside } from './aside.ts';

const initdbLimitMs = 600_000;
const statementLimitMs = 60_000;
const postInitLimitMs = 3_600_000;
const forbidden = new Set(['pgdata', 'D', 'nosync', 'no-sync', 'pwfile', 'sync-only', 'version']);

/** initdb, first start, roles, post_init. Whatever fails leaves the half-made directory renamed, never deleted. */
export async function bootstrap(parts: PostgresParts, context: JobContext): Promise<JobResult> {
  const result = await attempt(parts, context);
  if (result.ended === 'done') return result;
  await halt(parts, { signal: new AbortController().signal }, 'immediate', { immediateAtMs: null, killAtMs: null });
  await setAside(parts, 'failed');
  await unmark(parts);
  return result;
}

async function attempt(parts: PostgresParts, context: JobContext): Promise<JobResult> {
  const settings = parts.settings();
  const { bootstrap: section, postgres } = settings.local;
  if (section === null) return failed('there is no bootstrap section');
  await mark(parts, 'initdb');
  const made = await initdb(parts, context, settings);
  if (made !== null) return made;
  const places = parts.places();
  if (settings.postgres.pgHba === null && section.pgHba.length > 0) {
    const hba = await parts.world.files.read(places.hba);
    await must(
      parts.world.files.write(
        places.hba,
        `${hba.kind === 'text' ? hba.text : ''}\n${section.pgHba.join('\n')}\n`,
        0o600,
      ),
    );
  }
  parts.step('bootstrap', 'first start', []);
  const started = await launch(parts, context, {
    role: { role: 'primary' },
    control: null,
    isFirst: true,
    limitMs: settings.postgres.startTimeoutMs,
    mayStart: () => Promise.resolve(null),
  });
  if (started.ended !== 'done') return started;
  parts.step('bootstrap', 'roles', []);
  const roles = await makeRoles(parts, settings);
  if (roles !== null) return failed(roles);
  if (section.postInit !== null) {
    parts.step('bootstrap', 'post_init', []);
    await writePassfile(parts, ownTarget(settings, '').host, postgres.port);
    const target = ownTarget(settings, '');
    const [program = '', ...args] = splitCommand(section.postInit);
    const connection = writeConninfo([
      ['dbname', target.database],
      ['user', target.user],
      ['host', target.host],
      ['port', String(target.port)],
    ]);
    const env = { ...toolEnv(places), PGOPTIONS: '-c synchronous_commit=local -c statement_timeout=0' };
    const finished = await parts.world.processes.run(
      { program, args: [...args, connection], env },
      postInitLimitMs,
      context.signal,
    );
    if (finished.kind !== 'exited' || finished.code !== 0)
      return failed(
        `post_init ${finished.kind === 'exited' ? `ended with exit code ${finished.code}: ${finished.stderr.slice(-300)}` : finished.kind}`,
      );
  }
  if (context.signal.aborted) return cancelled;
  await unmark(parts);
  return succeeded;
}

async function initdb(parts: PostgresParts, context: JobContext, settings: Settings): Promise<JobResult | null> {
  const places = parts.places();
  const { superuser } = settings.local.postgres;
  const options = settings.local.bootstrap?.initdb ?? [];
  const refused = options.find(([name]) => forbidden.has(name));
  if (refused !== undefined) return failed(`bootstrap.initdb: ${refused[0]} is not allowed: the agent sets it`);
  const passwordFile = `${places.stateDir}/initdb.pw`;
  if (superuser.password !== null) await must(parts.world.files.write(passwordFile, `${superuser.password}\n`, 0o600));
  const args = [
    '--pgdata',
    places.dataDir,
    `--username=${superuser.username}`,
    ...(superuser.password === null ? [] : [`--pwfile=${passwordFile}`]),
    ...options.map(([name, value]) => (value === null ? `--${name}` : `--${name}=${value}`)),
  ];
  parts.step('bootstrap', 'initdb', []);
  try {
    const finished = await parts.world.processes.run(
      { program: places.program('initdb'), args, env: toolEnv(places), onLine: context.progress },
      initdbLimitMs,
      context.signal,
    );
    if (finished.kind === 'cancelled') return cancelled;
    if (finished.kind === 'exited' && finished.code === 0) return null;
    return failed(`initdb ${finished.kind === 'failed' ? finished.why : finished.stderr.trim().slice(-400)}`);
  } finally {
    await parts.world.files.remove(passwordFile);
  }
}

/** Superuser, replication, rewind, and what bootstrap.users names. Null, or what went wrong; no password is ever in it. */
async function makeRoles(parts: PostgresParts, settings: Settings): Promise<string | null> {
  const { superuser, replication, rewind } = settings.local.postgres;
  const connected = await parts.world.sql.connect(ownTarget(settings, 'Patroni bootstrap'), 5_000);
  if (connected.kind !== 'connected')
    return `cannot connect to the new server: ${connected.kind === 'rejected' ? connected.message : connected.why}`;
  const { session } = connected;
  const ask = async (statement: Statement): Promise<string | boolean> => {
    const result = await session.query(statement, statementLimitMs);
    return result.kind === 'rows' ? result.rows.length > 0 : `${statement.name}: ${whyNot(result)}`;
  };
  try {
    for (const statement of quietSession) {
      const said = await ask(statement);
      if (typeof said === 'string') return said;
    }
    const wanted: { login: Pick<Login, 'username' | 'password'>; options: readonly string[] }[] = [
      { login: superuser, options: ['SUPERUSER', 'LOGIN'] },
      { login: replication, options: ['REPLICATION', 'LOGIN'] },
      ...(rewind === null ? [] : [{ login: rewind, options: ['LOGIN'] }]),
      ...(settings.local.bootstrap?.users ?? []).map((user) => ({
        login: { username: user.name, password: user.password },
        options: ['LOGIN', ...user.options],
      })),
    ];
    for (const { login, options } of wanted) {
      if (
        login.username === replication.username &&
        login.username === superuser.username &&
        options.includes('REPLICATION')
      )
        continue;
      const exists = await ask(roleExists(login.username));
      if (typeof exists === 'string') return exists;
      const said = await ask(shapeRole(login.username, exists, options, login.password));
      if (typeof said === 'string') return said;
    }
    if (rewind !== null && rewind.username !== superuser.username) {
      for (const statement of grantRewind(rewind.username)) {
        const said = await ask(statement);
        if (typeof said === 'string') return said;
      }
    }
    return null;
  } finally {
    session.close();
  }
}
