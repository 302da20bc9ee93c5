import { type Job, stillRuns } from '../../../model/job.ts';
import { mark, readMark, unmark } from '../marker.ts';
import { failed, type JobContext, type JobResult, type PostgresParts, succeeded } from '../parts.ts';
import { findPostmaster, orphansOf } from '../postmaster.ts';
import { setAside } from './aside.ts';
import { emptyData } from './emptyData.ts';
import { emptyClaimed } from './outside.ts';
import { endPending, reportBefore } from './report/report.ts';
import { whyNotGivenUp } from './source.ts';
import { endStrays } from './strays.ts';

/**
 * Makes room for a copy. What may be the only copy is renamed, not deleted; emptied is what our own failed work made, and
 * what an operator or a setting gave up (`force`), with a leader of the same system identifier known.
 */
export async function removeData(
  parts: PostgresParts,
  context: JobContext,
  job: Extract<Job, { kind: 'removeData' }>,
): Promise<JobResult> {
  const { world } = parts;
  const { dataDir } = parts.places();
  if ((await findPostmaster(world, parts.places())) !== null || orphansOf(world, parts.places()).length > 0)
    return failed(stillRuns);
  const stray = await endStrays(parts);
  if (stray !== null) return failed(stray);
  const isGoingOn = (await readMark(parts))?.left === 'removal';
  const report = job.force && job.leader !== null ? await reportBefore(parts, context, 'removal', job.leader) : null;
  if (report !== null && report.ends !== null) return report.ends;
  const refusal = (await context.premise(job.premise)) ?? (await whyNotGivenUp(parts, job, job.leader));
  if (refusal !== null) return failed(refusal);
  if (!job.force) {
    const aside = await setAside(parts, 'old');
    parts.step('removeData', 'set aside', [['to', aside]]);
    await endPending(parts, aside === null ? 'nothing was left' : `not carried out to its end: set aside as ${aside}`);
  } else {
    const listing = await world.files.list(dataDir);
    if (listing.kind === 'unreadable') return failed(`${dataDir}: ${listing.why}`);
    await emptyClaimed(parts);
    // Killed half way, it must not be taken for data: neither for its own, nor for that of somebody who put it there.
    if (job.leader !== null) await mark(parts, 'removal');
    await emptyData(parts);
    parts.step('removeData', 'emptied', [['why', job.why]]);
    await report?.done('removed');
    if (isGoingOn) await endPending(parts, 'removed');
  }
  await unmark(parts);
  return succeeded;
}
