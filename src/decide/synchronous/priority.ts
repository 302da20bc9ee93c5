import type { RunningPrimary } from '../../model/postgres.ts';
import { isIn, readSynchronousNames } from '../../model/synchronousNames.ts';
import { me } from '../judge.ts';
import type { Upkeep } from '../upkeep.ts';
import { fitStandbys } from './choice.ts';
import { namesFor } from './standing.ts';
import { both, isInDoubt, isWaitingForLast, rest, setNames, soonMs, type View, write } from './view.ts';

/**
 * `synchronous_mode: on`: as many standbys as asked for, and each commit waits for all of them. Each name in /sync is among
 * those that PostgreSQL waits for, and has everything: it is added to PostgreSQL first, and taken from etcd first.
 */
export function priorityStep(view: View): Upkeep {
  const { seen, primary, sync, fit, proven } = view;
  const listed = sync.members;
  const publish = (members: readonly string[]): Upkeep => write(seen, { leader: me(seen), members, quorum: 0 });
  const confirmed = waitedFor(primary).filter(
    (name) => (sync.quorum === 0 && isIn(listed, name)) || isIn(proven, name),
  );
  if (isInDoubt(seen) || sync.quorum !== 0 || !listed.every((name) => isIn(confirmed, name)))
    return publish(both(listed, confirmed));
  const { synchronousNodeCount: count, synchronousStrict: strict } = seen.settings.cluster;
  if (isWaitingForLast(view))
    return (strict ? setNames(view, namesFor(seen, listed)) : null) ?? { actions: [], wakeInMs: soonMs };
  const wanted = namesOf(fit.slice(0, count));
  // Until those that shall be waited for are known to have everything, those that do are kept beside them; strict, also
  // where they are gone: whoever comes may go in this very moment, too, and nobody but the leader could lead then. That one of
  // them shall be waited for no more is no hurry: it goes when another has come.
  const ready = wanted.every((name) => isIn(confirmed, name));
  const keepable = strict ? listed : both(listed, namesOf(fitStandbys(seen, primary, 'any')));
  const kept = ready ? [] : keepable.filter((name) => !isIn(wanted, name));
  const active = [...wanted, ...kept];
  // All of them are waited for, as things are: whoever goes can be exchanged for whoever comes in one write.
  const next = both(active, confirmed);
  if (listed.some((name) => !isIn(active, name))) return publish(next);
  const named = setNames(view, namesFor(seen, active));
  if (named !== null) return named;
  if (next.length > listed.length) return publish(next);
  return rest(view, ready && wanted.length >= count);
}

const namesOf = (fit: View['fit']): readonly string[] => fit.map(({ name }) => name);

/** Whose confirmation every commit needs: by what the server goes by, and by what it is about to read. */
const waitedFor = ({ synchronous: { names, written } }: RunningPrimary): readonly string[] =>
  both(allNeeded(names), allNeeded(written ?? ''));

/** In a list of which not all are needed nobody has everything. */
export function allNeeded(names: string): readonly string[] {
  const rule = readSynchronousNames(names);
  return rule === null || rule.count < rule.names.length || rule.names.includes('*') ? [] : rule.names;
}
