import type { Memory, Observation } from '../../model/observation.ts';
import { clusterOf, iAmLeader, runningPrimary } from '../judge.ts';
import { fitStandbys } from '../synchronous/choice.ts';
import { priorityStep } from '../synchronous/priority.ts';
import { quorumStep } from '../synchronous/quorum.ts';
import { claimOf, isSynchronous, modeOf } from '../synchronous/standing.ts';
import { readMs, viewOf, write } from '../synchronous/view.ts';
import type { Upkeep } from '../upkeep.ts';

/**
 * Who in /sync may lead after me, and whom PostgreSQL waits for. At every instant whoever may be elected has all that was
 * acknowledged. One step a look, each decided on what is there then: whoever comes after a crash between two of them goes
 * on from there.
 */
export function synchronous(seen: Observation): Upkeep {
  const primary = runningPrimary(seen);
  const cluster = clusterOf(seen);
  if (primary === null || cluster === null || seen.held === null || !iAmLeader(seen)) return { actions: [] };
  if (!isSynchronous(seen)) return cluster.sync === null ? { actions: [] } : write(seen, null);
  const claim = claimOf(seen);
  if (claim !== null) return write(seen, claim);
  const { names, written } = primary.synchronous;
  // The agent before this one may have written something else, which the server has not read.
  if (written === null) return { actions: [{ kind: 'setSynchronousNames', names }], wakeInMs: readMs };
  const view = viewOf(seen, primary);
  return modeOf(seen) === 'quorum' ? quorumStep(view) : priorityStep(view);
}

/** For walsenders and backends to take in a list that a new session sees already. */
const settleMs = 200;

/** Remembered whatever else is decided: since when PostgreSQL waits as it does, and how far it was when that was sure. */
export function synchronyMemory(seen: Observation): Memory['synchrony'] {
  const primary = runningPrimary(seen);
  if (primary === null || !isSynchronous(seen)) return null;
  const { names, written, inForce } = primary.synchronous;
  const known = seen.memory.synchrony;
  const before =
    known?.names === names && names === written
      ? known
      : { names, sinceMs: seen.nowMs, settledLsn: null, settledMs: null, lonelySinceMs: null };
  const lonely = fitStandbys(seen, primary).length === 0;
  const lonelySinceMs = lonely ? (known?.lonelySinceMs ?? seen.nowMs) : null;
  if (before.settledLsn !== null || !inForce || seen.nowMs - before.sinceMs < settleMs)
    return { ...before, lonelySinceMs };
  return { ...before, lonelySinceMs, settledLsn: primary.flushLsn, settledMs: seen.nowMs };
}
