import type { Memory, Observation } from '../../model/observation.ts';
import type { RunningPrimary } from '../../model/postgres.ts';
import { isIn, readSynchronousNames } from '../../model/synchronousNames.ts';
import { clusterOf, iAmLeader, runningPrimary } from '../judge.ts';
import { isSafeUnder } from '../synchronous/ballot.ts';
import { fitStandbys } from '../synchronous/choice.ts';
import { allNeeded, priorityStep } from '../synchronous/priority.ts';
import { quorumStep } from '../synchronous/quorum.ts';
import { claimOf, isSynchronous, modeOf, type Sync } from '../synchronous/standing.ts';
import { both, readMs, viewOf, withWarning, write } from '../synchronous/view.ts';
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
  const { names, written } = primary.synchronous;
  // The agent before this one may have written something else, which the server has not read.
  if (written === null) return { actions: [{ kind: 'setSynchronousNames', names }], wakeInMs: readMs };
  const claim = claimOf(seen);
  if (claim !== null) return write(seen, keptBy(primary, claim, modeOf(seen)));
  const view = viewOf(seen, primary);
  const step = modeOf(seen) === 'quorum' ? quorumStep(view) : priorityStep(view);
  return withWarning(view, isAtWork(seen) ? withoutPromises(step, view.sync) : step);
}

/** What is claimed must be kept by what the server goes by, whoever put that there. */
function keptBy({ synchronous: { names, written } }: RunningPrimary, claim: Sync, mode: string): Sync {
  const lists = [names, written ?? ''];
  if (mode !== 'quorum') return { ...claim, members: lists.map(allNeeded).reduce(both, claim.members) };
  const ballot = { voters: claim.members, quorum: claim.quorum };
  const isKept = lists.every((list) => isSafeUnder(ballot, readSynchronousNames(list)));
  return isKept ? claim : { ...claim, members: [], quorum: 0 };
}

/** A job may start the server anew, with the list that it was decided with. */
const isAtWork = ({ jobs }: Observation): boolean => jobs.kind === 'busy' && jobs.job.kind !== 'checkpoint';

/** Nobody more may be elected, nor anybody with fewer votes. */
function withoutPromises(step: Upkeep, now: Sync): Upkeep {
  const isLess = ({ members, quorum }: Sync): boolean =>
    members.every((name) => isIn(now.members, name)) && (members.length === 0 || quorum >= now.quorum);
  const actions = step.actions.filter(
    (action) => action.kind !== 'writeSync' || action.sync === null || isLess(action.sync),
  );
  return { ...step, actions };
}

/** For walsenders and backends to take in a list that a new session sees already. */
const settleMs = 200;

/** Remembered whatever else is decided: since when PostgreSQL waits as it does, and how far it was when that was sure. */
export function synchronyMemory(seen: Observation): Memory['synchrony'] {
  const primary = runningPrimary(seen);
  if (primary === null || !isSynchronous(seen)) return null;
  const { names, written, inForce } = primary.synchronous;
  const known = seen.memory.synchrony;
  const isRead = names === written;
  const before =
    known?.names === names && isRead
      ? known
      : { names, sinceMs: seen.nowMs, settledLsn: null, settledMs: null, unreadSinceMs: null, lonelySinceMs: null };
  const unreadSinceMs = isRead ? null : (known?.unreadSinceMs ?? seen.nowMs);
  const lonely = fitStandbys(seen, primary).length === 0;
  const lonelySinceMs = lonely ? (known?.lonelySinceMs ?? seen.nowMs) : null;
  const lonelyTold = lonely && known?.lonelyTold === true;
  if (before.settledLsn !== null || !inForce || seen.nowMs - before.sinceMs < settleMs)
    return { ...before, unreadSinceMs, lonelySinceMs, lonelyTold };
  return { ...before, unreadSinceMs, lonelySinceMs, lonelyTold, settledLsn: primary.flushLsn, settledMs: seen.nowMs };
}

/** Remembered while the server is down, for a start in place that can ask nobody what /sync says. */
export function wentByMemory(seen: Observation): Memory['wentBy'] {
  const { held, memory } = seen;
  const primary = runningPrimary(seen);
  if (held === null || !isSynchronous(seen)) return null;
  if (primary === null || primary.synchronous.names !== primary.synchronous.written)
    return memory.wentBy?.term === held.term ? memory.wentBy : null;
  return { term: held.term, names: primary.synchronous.names };
}
