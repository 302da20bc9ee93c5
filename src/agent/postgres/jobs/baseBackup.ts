import { writeConninfo } from '../../../codec/postgres/conninfo.ts';
import type { Upstream } from '../../../model/postgres.ts';
import { forTool, keepalives, loginWords, must } from '../configure.ts';
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
import { isKept, stagingFor, unstage } from './aside.ts';
import { claimOutside, emptyClaimed } from './outside.ts';
import { workplace } from './strays.ts';
import { watchSource } from './watchSource.ts';

const limitMs = 7 * 24 * 3_600_000;
const forbidden = new Set([
  'pgdata',
  'D',
  'format',
  'wal-method',
  'xlog-method',
  'gzip',
  'version',
  'dbname',
  'host',
  'port',
  'username',
  'password',
]);

/** pg_basebackup from a running member into an empty directory. */
export async function baseBackup(parts: PostgresParts, context: JobContext, from: Upstream): Promise<JobResult> {
  const { world } = parts;
  const places = parts.places();
  const settings = parts.settings();
  const listing = await world.files.list(places.dataDir);
  const names = listing.kind === 'entries' ? listing.names : [];
  const given = settings.postgres.basebackup.filter(([name]) => !forbidden.has(name));
  const claimed = await claimOutside(parts, from, given);
  if (typeof claimed === 'string') return failed(claimed);
  await mark(parts, 'basebackup', { claimed });
  const target = stagingFor(places.dataDir, names);
  const { replication, database, pgpass } = settings.local.postgres;
  const dsn = writeConninfo([
    ['dbname', database],
    ...(await forTool(parts, loginWords(replication, pgpass))),
    ['host', from.host],
    ['port', String(from.port)],
    // Not the member's own name: its walsender would confirm commits in the name of a standby that is not there yet.
    ['application_name', `pg_basebackup ${settings.local.name}`],
    ['connect_timeout', '5'],
    ...keepalives,
  ]);
  const has = (option: string): boolean => given.some(([name]) => name === option);
  const args = [
    '--pgdata',
    target,
    '--wal-method=stream',
    '--dbname',
    dsn,
    '--progress',
    // Whether it waits for its source, or for the disk here, is told in words alone.
    ...(has('verbose') ? [] : ['--verbose']),
    '--no-password',
    // Waiting for the primary's next checkpoint would leave the cluster a standby short for minutes.
    ...(has('checkpoint') ? [] : ['--checkpoint=fast']),
    ...given.map(([name, value]) => (value === null ? `--${name}` : `--${name}=${value}`)),
  ];
  parts.step('clone', `pg_basebackup from ${from.member}`, [
    ['host', from.host],
    ['port', from.port],
  ]);
  const source = watchSource(parts, context, from);
  const onLine = (line: string): void => {
    source.heard(line);
    context.progress(line.trim().slice(-120));
  };
  // One that outlives this agent, over a source that went silent, would empty what the next agent copies when it fails at last.
  const cwd = await workplace(parts);
  const command = { program: places.program('pg_basebackup'), args, env: toolEnv(places), cwd, onLine };
  const finished = await world.processes.run(command, limitMs, source.signal);
  source.end();
  if (finished.kind !== 'exited' || finished.code !== 0) {
    // pg_basebackup empties what it made when it fails by itself; what was killed is found by its mark.
    if (finished.kind === 'exited') await clearOwnLeavings(parts);
    const silent = source.givenUp();
    if (silent !== null && !context.signal.aborted) return failed(`pg_basebackup from ${from.member}: ${silent}`);
    if (finished.kind === 'cancelled') return cancelled;
    return failed(
      `pg_basebackup from ${from.member}: ${finished.kind === 'failed' ? finished.why : finished.stderr.trim().slice(-400)}`,
    );
  }
  await unstage(parts, target);
  return succeeded;
}

async function clearOwnLeavings(parts: PostgresParts): Promise<void> {
  const places = parts.places();
  const listing = await parts.world.files.list(places.dataDir);
  if (listing.kind === 'entries' && listing.names.some((name) => !isKept(name))) return;
  await emptyClaimed(parts);
  // pg_basebackup does not wait for the disk when it cleans up: without its mark nobody would know what comes back.
  await must(parts.world.files.sync(places.dataDir));
  await unmark(parts);
}
