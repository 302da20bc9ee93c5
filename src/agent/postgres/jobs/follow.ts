import type { Job } from '../../../model/job.ts';
import { later, type Pid, pid as pidOf } from '../../../model/units.ts';
import { failed, type JobContext, type JobResult, type PostgresParts, succeeded } from '../parts.ts';
import { findPostmaster } from '../postmaster.ts';
import { reload } from '../reload.ts';
import { ownTarget, runOnce } from '../sessions.ts';
import { walReceiver } from '../statements.ts';
import { removeStandIns } from './taken.ts';

const askLimitMs = 1_000;
/** Within milliseconds a reload ends the receiver. A server whose replay stands still comes to it much later, if at all. */
const receiverEndsMs = 100;
const lookMs = 5;

/** From PostgreSQL 14 on every change of upstream is a matter of a reload. `upstream` null: it receives from nobody. */
export async function follow(
  parts: PostgresParts,
  context: JobContext,
  { upstream, endReceiver: ends = false }: Extract<Job, { kind: 'follow' }>,
): Promise<JobResult> {
  await removeStandIns(parts);
  const postmaster = await findPostmaster(parts.world, parts.places());
  if (postmaster === null) return failed('PostgreSQL does not run');
  await reload(parts, postmaster.info.pid, { role: 'standby', upstream }, null, true);
  if (upstream === null && ends) await endReceiver(parts, context, postmaster.info.pid);
  return succeeded;
}

/**
 * Whoever replays ends the receiver when it comes to ask for more. Held up by a query, a pause or a delay that it was told to
 * keep, it does not come, and the receiver goes on confirming. Told to end, it flushes what it has, and is not started again:
 * there is nobody to receive from.
 */
async function endReceiver(parts: PostgresParts, context: JobContext, postmaster: Pid): Promise<void> {
  const { clock, processes, sql } = parts.world;
  const found = await runOnce(sql, ownTarget(parts.settings(), 'Patroni'), [walReceiver], askLimitMs);
  const pid = found.kind === 'rows' ? Number(found.rows[0]?.pid ?? 0) : 0;
  const receiver = processes.children(postmaster).find((child) => child.pid === pidOf(pid));
  if (receiver === undefined) return;
  const lives = (): boolean => {
    const now = processes.describe(receiver.pid);
    return now !== null && now.startTicks === receiver.startTicks && now.state !== 'dead';
  };
  const untilMs = later(clock.now(), receiverEndsMs);
  while (lives() && clock.now() < untilMs && !context.signal.aborted) await clock.sleep(lookMs, context.signal);
  if (!lives() || context.signal.aborted) return;
  processes.signal(receiver.pid, 'TERM');
  parts.step('follow', 'the walreceiver is ended: replay stands still', [['pid', receiver.pid]]);
}
