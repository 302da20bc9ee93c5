import { readSynchronousNames } from '../../model/synchronousNames.ts';
import { me } from '../judge.ts';
import type { Upkeep } from '../upkeep.ts';
import { type Ballot, bestBallot, isSafeUnder, isSameBallot } from './ballot.ts';
import { quorumNames } from './standing.ts';
import { isInDoubt, isWaitingForLast, rest, setNames, soonMs, type View, write } from './view.ts';

/**
 * `synchronous_mode: quorum`: all fit standbys are listed, and a commit waits for as many of them as asked for; /sync says how
 * many must be heard by whoever wants to lead. What is safe under the list in force, and under the one that shall come, is
 * written to /sync first; then comes the list; then what that one allows.
 */
export function quorumStep(view: View): Upkeep {
  const { seen, primary, sync, proven } = view;
  const { names, written } = primary.synchronous;
  const { synchronousNodeCount: count, synchronousStrict: strict } = seen.settings.cluster;
  const now: Ballot = { voters: sync.members, quorum: sync.quorum };
  const present = [names, written ?? ''];
  const publish = ({ voters, quorum }: Ballot): Upkeep => write(seen, { leader: me(seen), members: voters, quorum });
  const best = (lists: readonly string[], among: readonly string[]): Ballot =>
    bestBallot({ now, proven, lists }, among);
  if (isInDoubt(seen) || !present.every((list) => isSafeUnder(now, readSynchronousNames(list))))
    return publish(best(present, now.voters));
  if (isWaitingForLast(view)) {
    const last = quorumNames(seen, now.voters, now.quorum);
    return (strict ? setNames(view, last) : null) ?? { actions: [], wakeInMs: soonMs };
  }
  const wanted = votersOf(view, count);
  const list = quorumNames(seen, wanted, wanted.length - Math.min(count, wanted.length));
  if (written !== list && !isSafeUnder(now, readSynchronousNames(list)))
    return publish(best([...present, list], wanted));
  const named = setNames(view, list);
  if (named !== null) return named;
  const proposed = best([list], wanted);
  // Nobody is proven yet: as long as the present ballot is kept by the list, it is better than none.
  const next = proposed.voters.length === 0 && wanted.length > 0 ? now : proposed;
  if (!isSameBallot(next, now)) return publish(next);
  return rest(view, wanted.length >= count && next.quorum <= wanted.length - count);
}

/** All that are fit; those that must not lead only while there are too few others. */
function votersOf({ fit }: View, count: number): readonly string[] {
  const able = fit.filter(({ nofailover }) => !nofailover);
  const others = fit.filter(({ nofailover }) => nofailover).slice(0, Math.max(0, count - able.length));
  return [...able, ...others].map(({ name }) => name).sort();
}
