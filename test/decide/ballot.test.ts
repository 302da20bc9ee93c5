import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Ballot, bestBallot, isSafeUnder, type Known } from '../../src/decide/synchronous/ballot.ts';
import { readSynchronousNames, type SynchronousRule, writeSynchronousNames } from '../../src/model/synchronousNames.ts';

const names = ['b', 'c', 'd', 'e', 'f'];
const someOf = fc.subarray(names);
const rules = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.subarray(names, { minLength: 1 }))
  .map(([count, list]): SynchronousRule => ({ method: 'any', count: Math.min(count, list.length), names: list }));
const ballots = fc
  .tuple(fc.integer({ min: 0, max: 5 }), someOf)
  .map(([quorum, voters]): Ballot => ({ quorum, voters }));

function subsets(list: readonly string[], size: number): readonly (readonly string[])[] {
  if (size === 0) return [[]];
  return list.flatMap((name, nth) => subsets(list.slice(nth + 1), size - 1).map((rest) => [name, ...rest]));
}

/** Word by word: each set of voters that elects one of them shares a member with each set that let a commit through. */
const always = ({ voters, quorum }: Ballot, { names: list, count }: SynchronousRule): boolean =>
  subsets(voters, quorum + 1).every((electing) =>
    subsets(list, count).every((having) => having.some((name) => electing.includes(name))),
  );

test('safe is what no choice of voters and of acknowledging standbys can break', () => {
  fc.assert(
    fc.property(ballots, rules, (ballot, rule) => {
      assert.equal(isSafeUnder(ballot, rule), always(ballot, rule));
    }),
    { numRuns: 3_000 },
  );
});

test('the best ballot is safe under all lists, and for what was acknowledged before them [lesson 75]', () => {
  const safeNow = fc.tuple(ballots, rules).filter(([ballot, rule]) => isSafeUnder(ballot, rule));
  fc.assert(
    fc.property(
      safeNow,
      fc.array(rules, { minLength: 1, maxLength: 3 }),
      someOf,
      someOf,
      (before, lists, proven, fit) => {
        const [now, old] = before;
        const known: Known = { now, proven, lists: lists.map(writeSynchronousNames) };
        const best = bestBallot(known, fit);
        for (const rule of lists) assert.ok(always(best, rule), JSON.stringify({ known, best }));
        // Where those who are proven have the old commits: some set by the old list, and all of the proven.
        for (const having of subsets(old.names, old.count)) {
          const holders = [...having, ...proven];
          for (const electing of subsets(best.voters, best.quorum + 1))
            assert.ok(
              electing.some((name) => holders.includes(name)),
              JSON.stringify({ known, old, best, electing, having }),
            );
        }
      },
    ),
    { numRuns: 5_000 },
  );
});

test('at rest: all vote, and as few as the list allows', () => {
  const rest = (count: number, list: string): Ballot =>
    bestBallot({ now: { voters: [], quorum: 0 }, proven: [...list], lists: [`ANY ${count} (${[...list].join()})`] }, [
      ...list,
    ]);
  assert.deepEqual(rest(1, 'bc'), { voters: ['b', 'c'], quorum: 1 });
  assert.deepEqual(rest(2, 'bcde'), { voters: ['b', 'c', 'd', 'e'], quorum: 2 });
  assert.deepEqual(rest(2, 'bc'), { voters: ['b', 'c'], quorum: 0 });
  assert.equal(readSynchronousNames('ANY 1 (b,c)')?.method, 'any');
});
