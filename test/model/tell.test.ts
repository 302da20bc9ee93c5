import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Right, SharedMs } from '../../src/model/history.ts';
import { tellViolation } from '../../src/model/laws/tell.ts';

const ms = (at: number): SharedMs => at as SharedMs;

test('a broken law is told in one sentence, with the instant at which it showed', () => {
  const reign = { node: 'n1', timeline: 3, writes: 9, firstMs: ms(1000), lastMs: ms(5000), lastHeardMs: ms(5001) };
  const beside = { ...reign, node: 'n2', timeline: 4, writes: 1, firstMs: ms(4000), lastMs: ms(9000) };
  assert.deepEqual(tellViolation({ law: 1, kind: 'splitBrain', reigns: [reign, beside], overlapMs: 1000 }), {
    text: 'two primaries acknowledged writes from 4.000 s to 5.000 s (1000 ms): n1 on timeline 3 (9 writes), n2 on timeline 4 (1 write)',
    atMs: 5000,
  });
  const erasure = { kind: 'erasure', node: 'n1', how: 'rewound', atMs: ms(7000), leaderAgoMs: 12_000 } as const;
  assert.deepEqual(tellViolation({ law: 6, kind: 'erasedWithoutLeader', erasure }), {
    text: 'the data of n1 was rewound at 7.000 s, and a leader of its system was last seen 12.000 s before',
    atMs: 7000,
  });
  const right = (node: string, fromMs: number, untilMs: number): Right => ({
    ...{ kind: 'right', node, term: '102', fromMs: ms(fromMs), untilMs: ms(untilMs) },
  });
  for (const untilMs of [Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER])
    assert.deepEqual(
      tellViolation({ law: 1, kind: 'termShared', rights: [right('n1', 1_000, 2_000), right('n2', 40_208, untilMs)] }),
      {
        text: 'two nodes led in one term: n1 in term 102 (1.000 s to 2.000 s), n2 in term 102 (40.208 s to the end)',
        atMs: 40_208,
      },
    );
  const doubled = tellViolation({ law: 2, kind: 'doubled', key: 'k', value: 4, times: 2 });
  assert.deepEqual(doubled, { text: 'value 4 of k is there 2 times', atMs: null });
});
