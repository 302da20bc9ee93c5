import type { StopBudget } from '../../model/job.ts';
import type { InstantMs } from '../../model/units.ts';
import { cancelled, failed, type JobContext, type JobResult, type PostgresParts } from './parts.ts';
import { findPostmaster, gone, killWhole, orphansAtLarge, orphansOf } from './postmaster.ts';
import type { Senders } from './senders.ts';

type Stage = 'fast' | 'immediate' | 'kill';
const signalOf = { fast: 'INT', immediate: 'QUIT' } as const;
/** A postmaster that is stopped by a signal hears no other: it is not waited for. */
const frozenLimitMs = 2_000;
/** Between two looks at what holds the stop up. */
const paceMs = 50;

/**
 * Stops the server: fast, then immediate, then kill, each at its instant. It is over when nothing is left of it that could answer
 * anybody: on a disk that hangs the kernel keeps the killed.
 */
export async function halt(
  parts: PostgresParts,
  context: Pick<JobContext, 'signal'>,
  mode: 'fast' | 'immediate',
  budget: StopBudget,
  senders: Senders | null = null,
): Promise<JobResult> {
  const { world } = parts;
  const { clock, processes } = world;
  const postmaster = await findPostmaster(world, parts.places());
  if (postmaster === null) return ended(parts, mode);
  parts.expectStop();
  const { info } = postmaster;
  let over = false;
  const exited = gone(world, info).then(() => {
    over = true;
  });
  let stage: Stage = mode;
  let frozenSinceMs: InstantMs | null = null;
  processes.signal(info.pid, signalOf[mode]);
  while (!over) {
    const nextMs = stage === 'fast' ? budget.immediateAtMs : stage === 'immediate' ? budget.killAtMs : clock.now() + 50;
    const leftMs = nextMs === null ? 1_000 : Math.max(0, Math.min(1_000, nextMs - clock.now()));
    await Promise.race([exited, clock.sleep(senders !== null && stage === 'fast' ? Math.min(paceMs, leftMs) : leftMs)]);
    if (over) break;
    if (stage === 'kill' && processes.describe(info.pid)?.doomed === true) break;
    if (context.signal.aborted && stage === 'fast') return cancelled; // it goes on stopping; nobody waits for it
    if (stage === 'fast') await senders?.hasten(info);
    const frozen = processes.describe(info.pid)?.state === 'stopped';
    frozenSinceMs = frozen ? (frozenSinceMs ?? clock.now()) : null;
    const deaf = stage !== 'kill' && frozenSinceMs !== null && clock.now() - frozenSinceMs >= frozenLimitMs;
    if (!deaf && (nextMs === null || clock.now() < nextMs)) continue;
    const before: Stage = stage;
    if (stage === 'fast' && !deaf) {
      stage = 'immediate';
      processes.signal(info.pid, 'QUIT');
    } else {
      stage = 'kill';
      killWhole(world, info); // again and again: nobody may be left that began meanwhile
    }
    if (stage !== before) parts.step('stop', stage, deaf ? [['why', 'the postmaster is frozen']] : []);
  }
  return ended(parts, stage);
}

/** The postmaster is gone; a busy backend may outlive it, and could go on answering its client. */
async function ended(parts: PostgresParts, reached: Stage): Promise<JobResult> {
  const { world } = parts;
  let stage: Stage = reached;
  for (let tries = 0; tries < 200; tries += 1) {
    const left = orphansOf(world, parts.places());
    if (left.length === 0) return { ended: 'done', error: null, divergence: null, stage };
    if (tries >= 10) {
      stage = 'kill';
      for (const one of left) world.processes.signal(one, 'KILL');
    }
    await world.clock.sleep(10);
  }
  if (orphansAtLarge(world, parts.places()).length === 0) {
    parts.step('stop', 'the rest is killed, and held by the kernel', [
      ['pids', orphansOf(world, parts.places()).join(',')],
    ]);
    return { ended: 'done', error: null, divergence: null, stage: 'kill' };
  }
  return failed(`processes of the stopped server do not end: ${orphansOf(world, parts.places()).join(', ')}`);
}
