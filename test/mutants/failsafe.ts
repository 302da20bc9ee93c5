import { edit, failsafeMode } from './grounds.ts';
import type { Mutant } from './list.ts';

const ground = failsafeMode;

/** What keeps a primary without etcd from being one of two, each thing by itself. */
export const failsafeMutants: readonly Mutant[] = [
  {
    name: 'failsafe: whoever answers is enough, the others are not waited for',
    edits: [edit('agent/failsafe/rounds.ts', 'if (refusals.length === 0)', 'if (refusals.length < answers.length)')],
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
    name: 'failsafe: whoever holds a lease, or asks for one, promises too',
    edits: [
      edit(
        'decide/failsafe.ts',
        'if (leads || rises || mayAcceptWrites(seen.postgres))',
        'if (rises && leads && seen.held === null)',
      ),
      edit(
        'decide/failsafe.ts',
        'if (leader !== null && leader.name !== ask.name)',
        'if (leader === null && ask.name === "")',
      ),
      edit(
        'decide/failsafe.ts',
        'if (ask.term !== null && known !== null && known > ask.term)',
        'if (ask.term !== null && known === -1n)',
      ),
    ],
    ground,
  },
  {
    name: 'failsafe: it counts from the last answer, not from before the first question',
    edits: [
      edit('agent/failsafe/rounds.ts', 'await granted(sentMs);', 'await granted((clock.now() + 4_000) as never);'),
    ],
    ground,
  },
];
