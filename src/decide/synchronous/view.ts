import type { Observation } from '../../model/observation.ts';
import type { RunningPrimary } from '../../model/postgres.ts';
import { isIn } from '../../model/synchronousNames.ts';
import { clusterOf, me } from '../judge.ts';
import type { Upkeep } from '../upkeep.ts';
import { type Choice, fitStandbys } from './choice.ts';
import { isSynchronous, type Sync, syncSeen } from './standing.ts';

/** What the leader's steps in synchronous mode are decided on, and what they are made of. */
export interface View {
  readonly seen: Observation;
  readonly primary: RunningPrimary;
  readonly sync: Sync;
  readonly fit: readonly Choice[];
  /** Listed by PostgreSQL for long enough, and with all that was acknowledged before. */
  readonly proven: readonly string[];
}

export function viewOf(seen: Observation, primary: RunningPrimary): View {
  const sync = clusterOf(seen)?.sync ?? { leader: me(seen), members: [], quorum: 0 };
  const fit = fitStandbys(seen, primary);
  const since = seen.memory.synchrony;
  const settledLsn = since?.names === primary.synchronous.names ? since.settledLsn : null;
  const proven = fit.filter(
    ({ syncState, flushLsn }) =>
      (syncState === 'sync' || syncState === 'quorum') && settledLsn !== null && flushLsn >= settledLsn,
  );
  return { seen, primary, sync, fit, proven: proven.map(({ name }) => name) };
}

export const both = (names: readonly string[], others: readonly string[]): readonly string[] =>
  names.filter((name) => isIn(others, name));

/** A write of mine to /sync that was lost sight of may still arrive: another one ends that. */
export const isInDoubt = ({ dcs }: Observation): boolean => dcs.kind === 'reachable' && dcs.syncInDoubt === true;

export const write = (seen: Observation, sync: Sync | null): Upkeep =>
  seen.held === null
    ? { actions: [] }
    : { actions: [{ kind: 'writeSync', sync, seenModRevision: syncSeen(seen), term: seen.held.term }] };

/**
 * Before a server starts anew with the list that /sync asks for now: a write that was lost sight of could add a name to it
 * afterwards, and nobody would wait for that one.
 */
export function settled(seen: Observation): Upkeep['actions'] {
  const sync = clusterOf(seen)?.sync ?? null;
  if (sync === null || !isSynchronous(seen) || !isInDoubt(seen)) return [];
  const { leader, members, quorum } = sync;
  return write(seen, { leader, members, quorum }).actions;
}

/** Null: the server goes by it. */
export function setNames({ seen, primary }: View, wanted: string): Upkeep | null {
  const { names, written } = primary.synchronous;
  if (written !== wanted) return { actions: [{ kind: 'setSynchronousNames', names: wanted }], wakeInMs: readMs };
  if (names === wanted) return null;
  const { synchrony } = seen.memory;
  const unreadMs = seen.nowMs - (synchrony?.unreadSinceMs ?? seen.nowMs);
  if (synchrony === null || unreadMs < againMs) return { actions: [], wakeInMs: readMs };
  // Something stronger says otherwise, as ALTER SYSTEM does, or the signal was lost.
  return {
    actions: [{ kind: 'setSynchronousNames', names: wanted, again: true }],
    memory: { synchrony: { ...synchrony, unreadSinceMs: seen.nowMs } },
    wakeInMs: againMs,
  };
}
/** What is not taken in by then is written and signalled again. */
const againMs = 1_000;
/** A server reads its files soon after it was told to. */
export const readMs = 50;

/** How long all standbys may be away before commits go on without any: mostly a stream has only begun anew. */
const lonelyMs = 2_000;

/** Nobody is there to wait for, and the last ones are waited for still; in strict mode for as long as it takes. */
export function isWaitingForLast({ seen, fit, sync }: View): boolean {
  if (fit.length > 0 || sync.members.length === 0) return false;
  const forMs = seen.nowMs - (seen.memory.synchrony?.lonelySinceMs ?? seen.nowMs);
  return seen.settings.cluster.synchronousStrict || forMs < lonelyMs;
}

/** Strict mode keeps clients waiting where nobody is there: when that lasts, it is said, once. */
export function withWarning({ seen, fit, sync }: View, step: Upkeep): Upkeep {
  const synchrony = step.memory?.synchrony ?? seen.memory.synchrony;
  const forMs = seen.nowMs - (synchrony?.lonelySinceMs ?? seen.nowMs);
  const isStrict = seen.settings.cluster.synchronousStrict;
  if (!isStrict || fit.length > 0 || synchrony == null || synchrony.lonelyTold === true || forMs < lonelyMs)
    return step;
  const missing = sync.members.length > 0 ? sync.members.join(', ') : 'a standby';
  const text = `strict synchronous mode: no standby streams that may be waited for, and no commit ends before ${missing} is back`;
  return {
    ...step,
    actions: [...step.actions, { kind: 'tell', level: 'warning', text }],
    memory: { ...step.memory, synchrony: { ...synchrony, lonelyTold: true } },
  };
}

/** Nothing tells of commits that hang, and those of whole applications do. */
const stillMs = 1_000;
/** Until a new standby has what it lacks, or one comes. */
export const soonMs = 200;

/** Nothing to do now. */
export function rest({ seen, primary }: View, isComplete: boolean): Upkeep {
  if (isComplete) return { actions: [], wakeInMs: stillMs };
  // In an idle cluster a standby has nothing to confirm: once for each new list.
  const isNew = seen.memory.synchrony?.settledMs === seen.nowMs && primary.synchronous.names !== '';
  return { actions: isNew ? [{ kind: 'touchWal' }] : [], wakeInMs: soonMs };
}
