import { splitCommand } from '../../codec/command.ts';
import type { Job, StopBudget } from '../../model/job.ts';
import type { ControlData, LocalPostgres } from '../../model/postgres.ts';
import { type InstantMs, later } from '../../model/units.ts';
import { halt } from './halt.ts';
import { bootstrap } from './jobs/bootstrap.ts';
import { clone } from './jobs/clone.ts';
import { copySlots } from './jobs/copySlots.ts';
import { crashRecovery } from './jobs/crashRecovery.ts';
import { divergenceFrom } from './jobs/divergence.ts';
import { follow } from './jobs/follow.ts';
import { promote } from './jobs/promote.ts';
import { removeData } from './jobs/remove.ts';
import { rewind } from './jobs/rewind.ts';
import { whyBehind } from './jobs/rolledBack.ts';
import { forgetTimelines, removeAstray, removeStandIns } from './jobs/taken.ts';
import { clearOrphans, launch } from './launch.ts';
import {
  aborted,
  cancelled,
  failed,
  type JobContext,
  type JobResult,
  type PostgresParts,
  succeeded,
  toolEnv,
} from './parts.ts';
import { findPostmaster } from './postmaster.ts';
import { makeSenders } from './senders.ts';
import { ownTarget, runOnce, whyNot } from './sessions.ts';
import { checkpoint } from './statements.ts';

const checkpointLimitMs = 3_600_000;
const hookLimitMs = 60_000;

/** One job, its steps in order. Each irreversible step has asked for its premise right before. */
export async function perform(
  parts: PostgresParts,
  job: Job,
  context: JobContext,
  look: () => Promise<LocalPostgres>,
): Promise<JobResult> {
  switch (job.kind) {
    case 'bootstrap':
      return bootstrap(parts, context);
    case 'clone':
      return clone(parts, context, job);
    case 'startPrimary': {
      const behind = await whyBehind(parts, context, job.mustReach);
      if (behind !== null) return behind;
      return launch(parts, context, {
        role: { role: 'primary', synchronousNames: job.synchronousNames ?? '' },
        control: null,
        limitMs: job.limitMs,
        mayStart: () => context.premise(job.premise),
      });
    }
    case 'startStandby':
      return startStandby(parts, context, job.upstream, look);
    case 'follow':
      return follow(parts, context, job);
    case 'stop': {
      const stopped = await stop(parts, context, job, look);
      if (stopped.ended === 'done') await forgetTimelines(parts, job.forgets ?? []);
      return stopped;
    }
    case 'restart': {
      await checkpointNow(parts, context);
      if (context.signal.aborted) return cancelled;
      const stopped = await halt(parts, context, 'fast', restartBudget(parts));
      if (stopped.ended !== 'done') return stopped;
      if (job.as === 'standby') return startStandby(parts, context, job.upstream, look);
      return launch(parts, context, {
        role: { role: 'primary', synchronousNames: job.synchronousNames ?? '' },
        control: null,
        limitMs: job.limitMs,
        mayStart: () => context.premise(job.premise),
      });
    }
    case 'promote':
      return promote(parts, context, job);
    case 'checkpoint':
      return checkpointNow(parts, context);
    case 'rewind':
      return rewind(parts, context, job);
    case 'checkDivergence': {
      const asked = look().then((seen) => divergenceFrom(parts, job, seen));
      const divergence = await Promise.race([asked, aborted(context)]);
      return divergence === null ? cancelled : { ...succeeded, divergence };
    }
    case 'copySlots':
      return copySlots(parts, context, job, {
        look,
        start: () => startStandby(parts, context, job.upstream, look),
      });
    case 'crashRecovery':
      return crashRecovery(parts, context);
    case 'clearOrphans':
      await clearOrphans(parts);
      return succeeded;
    case 'removeData':
      return removeData(parts, context, job);
    default:
      return job satisfies never;
  }
}

/** What comes before the stop itself, a checkpoint and the operator's hook, does not count for its budget. */
async function stop(
  parts: PostgresParts,
  context: JobContext,
  job: Extract<Job, { kind: 'stop' }>,
  look: () => Promise<LocalPostgres>,
): Promise<JobResult> {
  const { clock } = parts.world;
  const beganMs = clock.now();
  if (job.checkpointFirst) await checkpointNow(parts, context);
  await beforeStop(parts, job.mode, context);
  const tookMs = job.checkpointFirst ? clock.now() - beganMs : 0;
  const postponed = (atMs: InstantMs | null): InstantMs | null => (atMs === null ? null : later(atMs, tookMs));
  const budget = { immediateAtMs: postponed(job.budget.immediateAtMs), killAtMs: postponed(job.budget.killAtMs) };
  const senders = job.successors === undefined ? null : makeSenders(parts, await look(), job.successors);
  if (job.thawBeforeMs !== undefined && clock.now() < job.thawBeforeMs) await thaw(parts);
  return halt(parts, context, job.mode, budget, senders);
}

/**
 * Nobody stops in order who is stopped by a signal. It is told first, so that the stop is what it does next; and the stop itself
 * is under the lease, with all guards behind it.
 */
async function thaw(parts: PostgresParts): Promise<void> {
  const { processes } = parts.world;
  const postmaster = await findPostmaster(parts.world, parts.places());
  if (postmaster === null) return;
  const { pid } = postmaster.info;
  processes.signal(pid, 'INT');
  const frozen = [postmaster.info, ...processes.children(pid)].filter(({ state }) => state === 'stopped');
  for (const one of frozen) processes.signal(one.pid, 'CONT');
  if (frozen.length > 0) parts.step('stop', 'thawed', [['processes', frozen.length]]);
}

/** As long as pg_ctl would wait. A restart that does not get further than its stop would keep the lease for ever. */
function restartBudget(parts: PostgresParts): StopBudget {
  const immediateAtMs = later(parts.world.clock.now(), parts.settings().postgres.startTimeoutMs);
  return { immediateAtMs, killAtMs: later(immediateAtMs, 5_000) };
}

async function startStandby(
  parts: PostgresParts,
  context: JobContext,
  upstream: Extract<Job, { kind: 'startStandby' }>['upstream'],
  look: () => Promise<LocalPostgres>,
): Promise<JobResult> {
  await removeStandIns(parts);
  const seen = await look();
  const control: ControlData | null = seen.kind === 'stopped' ? seen.control : null;
  if (seen.kind === 'stopped' && !seen.backupLabel) await removeAstray(parts, seen.control);
  return launch(parts, context, {
    role: { role: 'standby', upstream },
    control,
    limitMs: parts.settings().postgres.startTimeoutMs,
    mayStart: () => Promise.resolve(null),
  });
}

async function checkpointNow(parts: PostgresParts, context: JobContext): Promise<JobResult> {
  const asked = runOnce(
    parts.world.sql,
    ownTarget(parts.settings(), 'Patroni checkpoint'),
    [checkpoint],
    checkpointLimitMs,
  );
  const result = await Promise.race([asked, aborted(context)]);
  if (result === null) return cancelled;
  return result.kind === 'rows' ? succeeded : failed(`CHECKPOINT: ${whyNot(result)}`);
}

/** The operator's hook before a stop: waited for, and without a veto. A stop in haste does not wait for anybody. */
async function beforeStop(parts: PostgresParts, mode: 'fast' | 'immediate', context: JobContext): Promise<void> {
  const command = parts.settings().postgres.beforeStop;
  if (command === null || mode === 'immediate') return;
  const [program = '', ...args] = splitCommand(command);
  await parts.world.processes.run({ program, args, env: toolEnv(parts.places()) }, hookLimitMs, context.signal);
}
