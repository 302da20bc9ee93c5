import { writeConninfo } from '../../../codec/postgres/conninfo.ts';
import type { Job } from '../../../model/job.ts';
import { keepalives, loginWords, must, setStandbySignal, writePassfile } from '../configure.ts';
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
export async function clone(
  parts: PostgresParts,
  context: JobContext,
  job: Extract<Job, { kind: 'clone' }>,
): Promise<JobResult> {
  const { world } = parts;
  const places = parts.places();
  const settings = parts.settings();
  const refusal = await context.premise(job.premise);
  if (refusal !== null) return failed(refusal);
  const listing = await world.files.list(places.dataDir);
  if (listing.kind === 'unreadable') return failed(`${places.dataDir}: ${listing.why}`);
  const names = listing.kind === 'entries' ? listing.names : [];
  if (names.some((name) => !name.startsWith('.') && !isKept(name)))
    return failed(`${places.dataDir} is not empty: nothing is copied over existing data`);
  await writePassfile(parts, job.from.host, job.from.port);
  const given = settings.postgres.basebackup.filter(([name]) => !forbidden.has(name));
  const claimed = await claimOutside(parts, job.from, given);
  if (typeof claimed === 'string') return failed(claimed);
  await mark(parts, 'basebackup', claimed);
  const target = stagingFor(places.dataDir, names);
  const { replication, database, pgpass } = settings.local.postgres;
  const dsn = writeConninfo([
    ['dbname', database],
    ...loginWords(replication, pgpass),
    ['host', job.from.host],
    ['port', String(job.from.port)],
    // Not the member's own name: its walsender would confirm commits in the name of a standby that is not there yet.
    ['application_name', `pg_basebackup ${settings.local.name}`],
    ['connect_timeout', '5'],
    ...keepalives,
  ]);
  const args = [
    '--pgdata',
    target,
    '--wal-method=stream',
    '--dbname',
    dsn,
    '--progress',
    '--no-password',
    // Waiting for the primary's next checkpoint would leave the cluster a standby short for minutes.
    ...(given.some(([name]) => name === 'checkpoint') ? [] : ['--checkpoint=fast']),
    ...given.map(([name, value]) => (value === null ? `--${name}` : `--${name}=${value}`)),
  ];
  parts.step('clone', `pg_basebackup from ${job.from.member}`, [
    ['host', job.from.host],
    ['port', job.from.port],
  ]);
  const finished = await world.processes.run(
    {
      program: places.program('pg_basebackup'),
      args,
      env: toolEnv(places),
      onLine: (line) => context.progress(line.trim().slice(-120)),
    },
    limitMs,
    context.signal,
  );
  if (finished.kind !== 'exited' || finished.code !== 0) {
    // pg_basebackup empties what it made when it fails by itself; what was killed is found by its mark.
    if (finished.kind === 'exited') await clearOwnLeavings(parts);
    if (finished.kind === 'cancelled') return cancelled;
    return failed(
      `pg_basebackup from ${job.from.member}: ${finished.kind === 'failed' ? finished.why : finished.stderr.trim().slice(-400)}`,
    );
  }
  await unstage(parts, target);
  await setStandbySignal(parts, true);
  await unmark(parts);
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
