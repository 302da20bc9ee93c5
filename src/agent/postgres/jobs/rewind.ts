import { writeConninfo } from '../../../codec/postgres/conninfo.ts';
import type { Job } from '../../../model/job.ts';
import type { Upstream } from '../../../model/postgres.ts';
import { forTool, keepalives, loginWords, setStandbySignal, writePassfile } from '../configure.ts';
import { halt } from '../halt.ts';
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
import { findPostmaster } from '../postmaster.ts';
import { archiveReady } from './archiveReady.ts';
import { crashRecovery } from './crashRecovery.ts';
import { isOfOneOrigin, leaderHistory, ownHistory } from './lineage.ts';
import { reportBefore } from './report/report.ts';
import { whyNoPrimary } from './source.ts';
import { removeHistoriesAfter } from './taken.ts';

const limitMs = 24 * 3_600_000;
/** pg_rewind checks first; from this line on the target is neither of two histories. */
const changing = /need to copy|kB copied|creating backup label|backup_label/i;

/** Takes this directory back to where the leader's history left it, and on from there. */
export async function rewind(
  parts: PostgresParts,
  context: JobContext,
  job: Extract<Job, { kind: 'rewind' }>,
): Promise<JobResult> {
  const { world } = parts;
  const places = parts.places();
  const settings = parts.settings();
  if ((await findPostmaster(world, places)) !== null) {
    const stopped = await halt(parts, context, 'fast', { immediateAtMs: null, killAtMs: null });
    if (stopped.ended !== 'done') return stopped;
  }
  await writePassfile(parts, job.from.host, job.from.port);
  const report = await reportBefore(parts, context, 'rewind', job.from);
  if (report.ends !== null) return report.ends;
  await archiveReady(parts, context);
  if (context.signal.aborted) return cancelled;
  // After what is to be archived was: what this writes is of a history that is given up.
  const notReady = await reachOwnTimeline(parts, context, job);
  if (notReady !== null) return notReady;
  const twin = await whyTwin(parts, job.from);
  if (twin !== null) return failed(`not rewound: ${twin}`);
  const refusal = await whyNot(parts, context, job);
  if (refusal !== null) return failed(`not rewound: ${refusal}`);
  const { superuser, rewind: login, pgpass, database } = settings.local.postgres;
  const source = writeConninfo([
    ['dbname', database],
    ...(await forTool(parts, loginWords(login ?? superuser, pgpass))),
    ['host', job.from.host],
    ['port', String(job.from.port)],
    ['connect_timeout', '5'],
    ...keepalives,
  ]);
  const args = [
    '--target-pgdata',
    places.dataDir,
    '--source-server',
    source,
    '--progress',
    `--config-file=${places.conf}`,
    ...(settings.postgres.recovery.restore_command === undefined ? [] : ['--restore-target-wal']),
  ];
  let changed = false;
  await mark(parts, 'rewind');
  parts.step('rewind', `pg_rewind from ${job.from.member}`, [
    ['host', job.from.host],
    ['port', job.from.port],
  ]);
  const onLine = (line: string): void => {
    changed ||= changing.test(line);
    context.progress(line.trim().slice(-120));
  };
  const finished = await world.processes.run(
    { program: places.program('pg_rewind'), args, env: toolEnv(places), onLine },
    limitMs,
    context.signal,
  );
  if (finished.kind === 'exited' && finished.code === 0 && !changed && endsBeforeFork(finished)) {
    await unmark(parts);
    return failed(
      `pg_rewind from ${job.from.member} found nothing to rewind, and what is in ${places.dataDir} is no beginning of that history: a disk was rolled back. It takes a fresh copy (reinit)`,
    );
  }
  if (finished.kind === 'exited' && finished.code === 0) {
    await setStandbySignal(parts, true);
    const control = changed ? null : await parts.readControl();
    if (control !== null && typeof control !== 'string') await removeHistoriesAfter(parts, control.timeline);
    await report.done('rewound');
    await unmark(parts);
    parts.step('rewind', 'rewound', [
      ['said', finished.stderr.trim().split('\n').slice(0, 3).join(' | ').slice(0, 300)],
    ]);
    return succeeded;
  }
  if (!changed) await unmark(parts);
  if (finished.kind === 'cancelled') return cancelled;
  return failed(
    `pg_rewind from ${job.from.member}: ${finished.kind === 'failed' ? finished.why : finished.stderr.trim().slice(-500)}`,
  );
}

/** Its history is given up for that of a primary of this cluster, of which this directory is, or it is not. Null: it may be. */
async function whyNot(
  parts: PostgresParts,
  context: JobContext,
  { from, premise }: Extract<Job, { kind: 'rewind' }>,
): Promise<string | null> {
  const control = await parts.readControl();
  const mine = typeof control === 'string' ? null : control.systemId;
  const systemId = premise.systemId ?? mine;
  if (mine !== null && mine !== systemId)
    return `this data directory is of another cluster (system identifier ${mine}, not ${systemId}): move it away`;
  return (await context.premise(premise)) ?? (await whyNoPrimary(parts, from, systemId));
}

/**
 * Whoever ends before the fork is a beginning of the other history, it says by positions. This one was a primary that ended there, and
 * the other has something else behind it: where it is asked, that was found.
 */
const endsBeforeFork = ({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): boolean =>
  /no rewind required/.test(stdout + stderr) && !/on the same timeline/.test(stdout + stderr);

/** pg_rewind takes two timelines of one number for one, and finds nothing to do. Null: these are not such. */
async function whyTwin(parts: PostgresParts, from: Upstream): Promise<string | null> {
  const control = await parts.readControl();
  const theirs = await leaderHistory(parts, from);
  if (typeof control === 'string' || typeof theirs === 'string' || theirs.timeline !== control.timeline) return null;
  if (theirs.earlier.length === 0 || isOfOneOrigin(await ownHistory(parts, control.timeline), theirs)) return null;
  return `timeline ${control.timeline} of ${from.member} is another than this node's of the same number, which pg_rewind takes for one: it takes a fresh copy (reinit)`;
}

/**
 * The last checkpoint of a server that died right after its promotion is of the timeline before. pg_rewind before 16 takes that one
 * for the server's, and finds no record where the other history forks off. A single-user server recovers it to its end, and leaves
 * a checkpoint there: this history is given up in any case. Null: it may be rewound.
 */
async function reachOwnTimeline(
  parts: PostgresParts,
  context: JobContext,
  job: Extract<Job, { kind: 'rewind' }>,
): Promise<JobResult | null> {
  const control = await parts.readControl();
  if (typeof control === 'string' || control.minRecoveryEndTimeline <= control.timeline) return null;
  const refusal = await whyNot(parts, context, job);
  if (refusal !== null) return failed(`not rewound: ${refusal}`);
  parts.step('rewind', 'recovers to the end of its own timeline first', [
    ['timeline', control.minRecoveryEndTimeline],
    ['timelineOfLastCheckpoint', control.timeline],
  ]);
  const recovered = await crashRecovery(parts, context);
  return recovered.ended === 'done' ? null : recovered;
}
