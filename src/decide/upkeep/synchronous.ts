import type { Memory, Observation } from '../../model/observation.ts';
import type { RunningPrimary } from '../../model/postgres.ts';
import { isIn, readSynchronousNames, sameName } from '../../model/synchronousNames.ts';
import { clusterOf, iAmLeader, me, runningPrimary } from '../judge.ts';
import { type Choice, fitStandbys } from '../synchronous/choice.ts';
import { claimOf, isSynchronous, namesFor, syncSeen } from '../synchronous/standing.ts';
import type { Upkeep } from '../upkeep.ts';

/**
 * Who in /sync may lead after me, and whom PostgreSQL waits for. At every instant the first are among the second, and have
 * all that was acknowledged before they were: a name is added to PostgreSQL first, and taken from etcd first. One step a
 * look, each decided on what is there then: whoever comes after a crash between two of them goes on from there.
 */
export function synchronous(seen: Observation): Upkeep {
  const primary = runningPrimary(seen);
  const cluster = clusterOf(seen);
  if (primary === null || cluster === null || seen.held === null || !iAmLeader(seen)) return { actions: [] };
  const { term } = seen.held;
  if (!isSynchronous(seen))
    return cluster.sync === null
      ? { actions: [] }
      : { actions: [{ kind: 'writeSync', sync: null, seenModRevision: cluster.sync.modRevision, term }] };
  const claim = claimOf(seen);
  if (claim !== null) return { actions: [{ kind: 'writeSync', sync: claim, seenModRevision: syncSeen(seen), term }] };
  const { names, written } = primary.synchronous;
  // The agent before this one may have written something else, which the server has not read.
  if (written === null) return { actions: [{ kind: 'setSynchronousNames', names }], wakeInMs: readMs };
  const state = stateOf(seen, primary);
  const { listed, confirmed } = state;
  const publish = (members: readonly string[]): Upkeep => ({
    actions: [
      {
        kind: 'writeSync',
        sync: { leader: me(seen), members, quorum: 0 },
        seenModRevision: syncSeen(seen),
        term,
      },
    ],
  });
  // A write of mine that was lost sight of could still put names into the key that PostgreSQL no longer waits for.
  if (seen.dcs.kind === 'reachable' && seen.dcs.syncInDoubt === true) return publish(both(listed, confirmed));
  if (!listed.every((name) => isIn(confirmed, name))) return publish(both(listed, confirmed));
  return { ...nextStep(seen, primary, state, publish) };
}

interface State {
  /** In /sync. */
  readonly listed: readonly string[];
  /** PostgreSQL waits for each of them, and they have all that was acknowledged before it did. */
  readonly confirmed: readonly string[];
  readonly fit: readonly Choice[];
}

function stateOf(seen: Observation, primary: RunningPrimary): State {
  const listed = clusterOf(seen)?.sync?.members ?? [];
  const fit = fitStandbys(seen, primary);
  const since = seen.memory.synchrony;
  const hasAll = (name: string): boolean => {
    const one = fit.find((choice) => sameName(choice.name, name));
    return (
      one?.syncState === 'sync' &&
      since !== null &&
      since.names === primary.synchronous.names &&
      since.settledLsn !== null &&
      one.flushLsn >= since.settledLsn
    );
  };
  const confirmed = waitedFor(primary).filter((name) => isIn(listed, name) || hasAll(name));
  return { listed, confirmed, fit };
}

/** Whose confirmation every commit needs: by what the server goes by, and by what it is about to read. */
const waitedFor = ({ synchronous: { names, written } }: RunningPrimary): readonly string[] =>
  both(allNeeded(names), allNeeded(written ?? ''));

/** In a list of which not all are needed nobody has everything. */
function allNeeded(names: string): readonly string[] {
  const rule = readSynchronousNames(names);
  return rule === null || rule.count < rule.names.length || rule.names.includes('*') ? [] : rule.names;
}

const both = (names: readonly string[], others: readonly string[]): readonly string[] =>
  names.filter((name) => isIn(others, name));

/** How long a standby may be away before commits go on without any: mostly it has only begun its stream anew. */
const lonelyMs = 2_000;
/** Nothing tells of commits that hang, and those of whole applications do. */
const stillMs = 1_000;
/** Until a new standby has what it lacks, or one comes. */
const soonMs = 200;

function nextStep(
  seen: Observation,
  primary: RunningPrimary,
  { listed, confirmed, fit }: State,
  publish: (members: readonly string[]) => Upkeep,
): Upkeep {
  const { synchronousNodeCount: count, synchronousStrict: strict } = seen.settings.cluster;
  const wanted = fit.slice(0, count).map(({ name }) => name);
  const lonelyForMs = seen.nowMs - (seen.memory.synchrony?.lonelySinceMs ?? seen.nowMs);
  if (wanted.length === 0 && listed.length > 0 && (strict || lonelyForMs < lonelyMs))
    // Those that had the last commits are waited for; in strict mode for as long as it takes.
    return (strict ? setNames(primary, namesFor(seen, listed)) : null) ?? { actions: [], wakeInMs: soonMs };
  // Until those that shall be waited for are known to have everything, those that do are kept beside them.
  const ready = wanted.every((name) => isIn(confirmed, name));
  const kept = ready ? [] : fit.map(({ name }) => name).filter((name) => isIn(listed, name) && !isIn(wanted, name));
  const active = [...wanted, ...kept];
  // All of them are waited for, as things are: whoever goes can be exchanged for whoever comes in one write.
  const proven = both(active, confirmed);
  if (listed.some((name) => !isIn(active, name))) return publish(proven);
  const named = setNames(primary, namesFor(seen, active));
  if (named !== null) return named;
  if (proven.length > listed.length) return publish(proven);
  return ready && wanted.length >= count
    ? { actions: [], wakeInMs: stillMs }
    : { actions: touch(seen, primary), wakeInMs: soonMs };
}

/** Null: the server goes by it. */
function setNames({ synchronous: { names, written } }: RunningPrimary, wanted: string): Upkeep | null {
  if (written !== wanted) return { actions: [{ kind: 'setSynchronousNames', names: wanted }], wakeInMs: readMs };
  return names === wanted ? null : { actions: [], wakeInMs: readMs };
}
/** A server reads its files soon after it was told to. */
const readMs = 50;

/** In an idle cluster a standby has nothing to confirm: once for each new list. */
const touch = ({ memory, nowMs }: Observation, primary: RunningPrimary): Upkeep['actions'] =>
  memory.synchrony?.settledMs === nowMs && primary.synchronous.names !== '' ? [{ kind: 'touchWal' }] : [];

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
