import { edit, failsafeMode } from './grounds.ts';
import type { Mutant } from './list.ts';

const ground = failsafeMode;

/**
 * What keeps a primary without etcd from being one of two, each thing by itself. That whoever leads promises nothing is
 * not among it: a question that is late for that is late for the deadline of whoever asks, which is another guard (test/decide).
 */
export const failsafeMutants: readonly Mutant[] = [
  {
    name: 'failsafe: whoever answers is enough, the others are not waited for',
    edits: [edit('agent/failsafe/rounds.ts', 'said.length === 0 ?', 'said.length < answers.length ?')],
    ground,
  },
  {
    name: 'failsafe: what was promised is not kept',
    edits: [
      edit(
        'decide/failsafe.ts',
        'promised.untilMs > seen.nowMs && !isVoid',
        'promised.untilMs > seen.nowMs + 1e12 && !isVoid',
      ),
      // A living primary is seen by most who race: what is judged here is the promise alone.
      edit('decide/rules/lastReign.ts', '[promised, vetoed, unfenced,', '[promised, unfenced,'),
    ],
    ground,
  },
  {
    name: 'failsafe: the agent before this one promised nothing',
    edits: [
      edit('agent/failsafe/promises.ts', 'promised = before ?? {', 'promised = (before === null ? null : null) ?? {'),
      edit(
        'agent/failsafe/promises.ts',
        '        untilMs: anybodyUntilMs,\n        anybodyUntilMs,',
        '        untilMs: nowMs,\n        anybodyUntilMs: nowMs,',
      ),
      edit('decide/rules/lastReign.ts', '[promised, vetoed, unfenced,', '[promised, unfenced,'),
    ],
    ground,
  },
  {
    name: 'failsafe: it counts for longer than was promised, by more than the margin',
    edits: [
      edit(
        'agent/failsafe/rounds.ts',
        'await granted(sentMs, members)',
        'await granted((clock.now() + 8_000) as never, members)',
      ),
    ],
    ground,
  },
];
