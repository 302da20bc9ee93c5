import { isIn, readSynchronousNames, type SynchronousRule } from '../../model/synchronousNames.ts';

/**
 * Quorum mode, as sets. PostgreSQL acknowledges a commit when some of its list have it; /sync lets somebody lead whom enough
 * of its voters are not ahead of. Safe is what makes any such voters and any such list share a member: whoever leads is as
 * far as that one, and has the commit.
 */

/** What /sync says: who of these is elected has seen as many *others* of them that are not ahead. */
export interface Ballot {
  readonly voters: readonly string[];
  readonly quorum: number;
}

/** Voters that could elect somebody while none of them has a commit that this list let through: impossible, if safe. */
export const isSafeUnder = ({ voters, quorum }: Ballot, rule: SynchronousRule | null): boolean =>
  quorum >= voters.length || quorum >= leastUnder(voters, rule);

const leastUnder = (voters: readonly string[], rule: SynchronousRule | null): number => {
  const names = rule?.names.filter((name) => name !== '*') ?? [];
  const together = [...names, ...voters.filter((name) => !isIn(names, name))];
  // `*` lets anybody acknowledge, of whom nothing is known.
  return rule?.names.includes('*') ? voters.length : together.length - (rule?.count ?? 0);
};

export interface Known {
  readonly now: Ballot;
  /** Have all that was acknowledged before the present list was in force. */
  readonly proven: readonly string[];
  /** Lists that are, or may come to be, in force. */
  readonly lists: readonly string[];
}

/** As few voters as possible must be asked, of as many as possible. Nobody: only the present leader can come back. */
export function bestBallot({ now, proven, lists }: Known, fit: readonly string[]): Ballot {
  const rules = lists.map(readSynchronousNames);
  const leastOf = (voters: readonly string[]): number => {
    const unproven = voters.filter((name) => !isIn(proven, name)).length;
    const added = voters.filter((name) => !isIn(now.voters, name)).length;
    return Math.max(0, ...rules.map((rule) => leastUnder(voters, rule)), Math.min(unproven, now.quorum + added));
  };
  const [first, second] = [fit, fit.filter((name) => isIn(now.voters, name))]
    .map((voters): Ballot => ({ voters, quorum: leastOf(voters) }))
    .filter(({ voters, quorum }) => quorum < voters.length);
  const best = second !== undefined && first !== undefined && second.quorum < first.quorum ? second : (first ?? second);
  return best ?? { voters: [], quorum: 0 };
}

export const isSameBallot = (a: Ballot, b: Ballot): boolean =>
  a.quorum === b.quorum && a.voters.length === b.voters.length && a.voters.every((name) => isIn(b.voters, name));
