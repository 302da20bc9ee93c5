import type { Cluster } from '../../model/cluster.ts';
import type { Action } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import { allOf, isIn, placeholderName, sameName, writeSynchronousNames } from '../../model/synchronousNames.ts';
import { clusterOf, dueRequest, isGarbage, me } from '../judge.ts';

/** What /sync means for who may lead, and for what a primary waits for when it begins. */

export type Sync = Omit<NonNullable<Cluster['sync']>, 'modRevision'>;

export const modeOf = (seen: Observation): 'off' | 'on' | 'quorum' => seen.settings.cluster.synchronousMode;
export const isSynchronous = (seen: Observation): boolean => modeOf(seen) !== 'off';

/**
 * The last primary, and the standbys that it waited for: each of them has every commit that was acknowledged, or, in quorum
 * mode, enough of them together. Null: nobody was ever promised that, and whoever is fit may lead. Empty: the key says
 * something that nobody can read.
 */
export function electable(seen: Observation): readonly string[] | null {
  const cluster = clusterOf(seen);
  if (cluster === null || !isSynchronous(seen)) return null;
  if (cluster.sync !== null)
    return [...(cluster.sync.leader === null ? [] : [cluster.sync.leader]), ...cluster.sync.members];
  return isGarbage(cluster, 'sync') ? [] : null;
}

export function isElectable(seen: Observation, name: string): boolean {
  const names = electable(seen);
  return names === null || isIn(names, name);
}

/** This node is among those of whom /sync promises that they have every commit that was acknowledged, alone or together. */
export const answersForCommits = (seen: Observation): boolean => isIn(electable(seen) ?? [], me(seen));

/** In quorum mode the votes say who has every commit, and anybody may ask for them. */
export const mayStand = (seen: Observation, name: string): boolean => {
  const readable = clusterOf(seen)?.sync != null;
  return (modeOf(seen) === 'quorum' && readable) || isElectable(seen, name);
};

/** It has all that was acknowledged, whatever else the last primary wrote: so /sync says, or the votes that it needs. */
export const hasEveryCommit = (seen: Observation, name: string): boolean =>
  clusterOf(seen)?.sync != null && isSynchronous(seen) && mayStand(seen, name);

/** What it has beyond the standbys was never acknowledged: nobody has to wait for it. */
export const surplusIsNothing = (seen: Observation, name: string): boolean => {
  const last = isSynchronous(seen) ? (clusterOf(seen)?.sync?.leader ?? null) : null;
  return last !== null && sameName(last, name);
};

/** People take the loss upon themselves: a failover to a member by name. */
export function isForced(seen: Observation): boolean {
  const request = dueRequest(seen);
  return request !== null && request.leader === null && request.candidate === me(seen);
}

/**
 * What a new leader makes of /sync: itself, and all who might have been elected instead. It waits for all of them from its
 * first commit on, so that they stay fit to lead if it goes down again at once; whoever is not there is let go right after,
 * in order. Null: the key says so already. Where the mode has just become on it names nobody at first, for the 200 ms or so until a
 * standby is known to have all: the key could only be left out for as long at the price that whoever leads then may lack what
 * the primary has acknowledged by itself since the mode was asked for.
 */
export function claimOf(seen: Observation): Sync | null {
  const sync = clusterOf(seen)?.sync ?? null;
  if (!isSynchronous(seen) || (sync?.leader != null && sameName(sync.leader, me(seen)))) return null;
  return { leader: me(seen), members: othersElectable(seen), quorum: sync?.quorum ?? 0 };
}

/** The revision that a write to /sync compares. */
export function syncSeen(seen: Observation): Extract<Action, { kind: 'writeSync' }>['seenModRevision'] {
  const cluster = clusterOf(seen);
  if (cluster?.sync != null) return cluster.sync.modRevision;
  return cluster !== null && isGarbage(cluster, 'sync') ? 'any' : null;
}

/** Whom a primary waits for that is about to begin: all others that may be elected in its place. */
export function namesAtStart(seen: Observation): string {
  if (!isSynchronous(seen)) return '';
  const others = othersElectable(seen);
  return modeOf(seen) === 'quorum'
    ? quorumNames(seen, others, clusterOf(seen)?.sync?.quorum ?? 0)
    : namesFor(seen, others);
}

export function namesFor(seen: Observation, members: readonly string[]): string {
  if (members.length > 0) return writeSynchronousNames(allOf(members));
  return nobody(seen);
}

/** As many of these must have a commit that no election among them by this quorum can miss it. */
export function quorumNames(seen: Observation, members: readonly string[], quorum: number): string {
  const least = seen.settings.cluster.synchronousStrict ? 1 : 0;
  const count = Math.max(least, members.length - quorum);
  if (members.length === 0 || count === 0) return nobody(seen);
  return writeSynchronousNames({ method: 'any', count, names: [...members].sort() });
}

/** Strict: nobody is there, and no commit is acknowledged. */
const nobody = (seen: Observation): string => (seen.settings.cluster.synchronousStrict ? placeholderName : '');

const othersElectable = (seen: Observation): readonly string[] => {
  const names = electable(seen) ?? [];
  return names.filter(
    (name, nth) => !sameName(name, me(seen)) && names.findIndex((one) => sameName(one, name)) === nth,
  );
};
