import assert from 'node:assert/strict';
import { test } from 'node:test';
import { strikesIn } from '../../../src/agent/incidents/strikes.ts';

const place = { scope: 'demo', node: 'n1' };
const line = (ms: number, step: string): string =>
  JSON.stringify({ kind: 'guard', atMs: 7_000 + ms, wall: new Date(ms).toISOString(), step, because: [] });
const strike = (ms: number): readonly string[] => [
  line(ms, 'the deadline has passed'),
  line(ms + 1, 'PostgreSQL is killed'),
  line(ms + 51, 'nothing runs on the data directory'),
];

test('a strike in the log of the guardian is a fence, from the deadline to the word that nothing is left', () => {
  const [fence, ...more] = strikesIn(
    [line(0, 'armed'), ...strike(1_000), line(9_000, 'disarmed')].join('\n'),
    place,
    [],
  );
  assert.deepEqual(more, []);
  assert.deepEqual([fence?.kind, fence?.id, fence?.tookMs], ['fence', '19700101-000001-000', 51]);
  assert.equal(fence?.evidence.length, 3);
});

test('a deadline over a standby is none; what is known, or half written, or old, is left out', () => {
  const spared = [line(0, 'the deadline has passed'), line(1, 'PostgreSQL is left alone: it runs in recovery')];
  assert.deepEqual(strikesIn(spared.join('\n'), place, []), []);
  const text = ['{"kind":"guard","wall', 'null', '[]', ...strike(1_000), '{"step":5}'].join('\n');
  const known = strikesIn(text, place, []);
  assert.equal(known.length, 1);
  assert.deepEqual(strikesIn(text, place, known), []);
  const many = Array.from({ length: 9 }, (_, i) => strike(1_000 * (i + 1))).flat();
  assert.deepEqual(
    strikesIn(many.join('\n'), place, []).map(({ began }) => began.slice(17, 19)),
    ['07', '08', '09'],
  );
});
