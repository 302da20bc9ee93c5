import { reachesEnd } from '../../../codec/postgres/waldump.ts';
import type { Reached } from '../../../model/job.ts';
import type { Upstream } from '../../../model/postgres.ts';
import { type Lsn, lsn, lsnOf, lsnText, type Timeline, timeline } from '../../../model/units.ts';
import { failed, type JobContext, type JobResult, type PostgresParts, toolEnv } from '../parts.ts';
import { peerTarget, runOnce } from '../sessions.ts';
import { primaryEnd } from '../statements.ts';

/**
 * A disk that lied about what is on it, or one that was put back to an earlier state, takes WAL away that standbys have. PostgreSQL
 * does not see it: whoever goes on as the primary writes other things over the same positions of the same timeline.
 */

const limitMs = 3_000;
/** The end is what a disk loses: the last of it is looked at first, whole pages, in milliseconds. */
const nearBytes = 1024n * 1024n;
const pageBytes = 8192n;
/** All that a start would read, and no more than that. */
const wholeLimitMs = 20_000;

/**
 * Why this server may not go on as the primary: a standby has more of its own timeline. Null: it may, for all that can be told. Where
 * its end is not where it should be, all from the last checkpoint on is read, as a start would: a segment that was left early looks like
 * an end, too.
 */
export async function whyBehind(
  parts: PostgresParts,
  { signal }: Pick<JobContext, 'signal'>,
  reached: Reached | undefined,
): Promise<JobResult | null> {
  if (reached === undefined) return null;
  const control = await parts.readControl();
  if (typeof control === 'string' || reached.lsn <= control.checkpoint) return null;
  const places = parts.places();
  const reachesFrom = async (from: Lsn, withinMs: number): Promise<boolean | null> => {
    const args = [
      ...['--path', `${places.dataDir}/pg_wal`, '--timeline', String(control.timeline), '--quiet'],
      ...['--start', lsnText(from), '--end', lsnText(reached.lsn)],
    ];
    const command = { program: places.program('pg_waldump'), args, env: toolEnv(places) };
    const finished = await parts.world.processes.run(command, withinMs, signal);
    return finished.kind === 'exited' ? reachesEnd(finished.code, finished.stderr) : null;
  };
  const near = ((reached.lsn - nearBytes) / pageBytes) * pageBytes;
  if (near > control.redo && (await reachesFrom(lsnOf(near), limitMs)) === true) return null;
  if ((await reachesFrom(control.redo, wholeLimitMs)) !== false) return null;
  const why = `${reached.member} has replayed ${lsnText(reached.lsn)} of timeline ${control.timeline}, and the WAL in ${places.dataDir} ends before that: its disk was rolled back`;
  return { ...failed(`not started: ${why}`), behind: reached };
}

/**
 * Where this leader writes, read from itself after whoever asks had looked how far it is: what a standby has of a timeline its primary
 * had written before. Null: it does not say, or is on another timeline, or in recovery.
 */
export async function endOfLeader(parts: PostgresParts, from: Upstream, on: Timeline): Promise<Lsn | null> {
  const settings = parts.settings();
  const { superuser, rewind } = settings.local.postgres;
  const target = peerTarget(settings, from.host, from.port, rewind ?? superuser, false);
  const asked = await runOnce(parts.world.sql, target, [primaryEnd], limitMs);
  const row = asked.kind === 'rows' ? asked.rows[0] : undefined;
  if (row?.insert_lsn == null || row.walfile == null) return null;
  return timeline(Number.parseInt(row.walfile.slice(0, 8), 16)) === on ? lsn(row.insert_lsn) : null;
}
