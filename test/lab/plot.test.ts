import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawRate } from '../../src/lab/report/plot.ts';
import { scaleOf } from '../../src/picture/lanes.ts';

/** Each `everyMs` from `fromMs` on, answered after `latencyMs`. */
const answers = (fromMs: number, untilMs: number, everyMs: number, latencyMs: number) =>
  Array.from({ length: Math.ceil((untilMs - fromMs) / everyMs) }, (_, nth) => {
    const endedMs = fromMs + nth * everyMs;
    return { sentMs: endedMs - latencyMs, endedMs };
  });

test('a client that is served at its rate fills its lane, at half of it half of that; nothing is drawn where nobody answers', () => {
  const drawn = drawRate(
    [...answers(1_000, 2_000, 20, 5), ...answers(2_000, 3_000, 40, 250), ...answers(4_000, 5_000, 20, 900)],
    scaleOf(1_000, 5_000),
    { y: 100, tall: 20 },
  );
  const bars = [...drawn.matchAll(/y="([\d.]+)"[^>]* height="([\d.]+)"><title>([^<]*)/g)].map(([, ...cells]) => cells);
  assert.equal(bars.length, 15, 'of 200 ms each');
  assert.deepEqual(bars[0], ['100', '20', '50 answers a second, the slowest after 5 ms, 0.000 s to 0.200 s']);
  assert.deepEqual(bars[5], ['110', '10', '25 answers a second, the slowest after 250 ms, 1.000 s to 1.200 s']);
  assert.deepEqual(bars[10]?.slice(0, 2), ['100', '20']);
  const [line = ''] = /class="slow" d="([^"]*)"/.exec(drawn)?.slice(1) ?? [];
  assert.deepEqual(line.match(/[ML]/g)?.join(''), `M${'L'.repeat(9)}M${'L'.repeat(4)}`, 'broken where nobody answers');
  assert.match(line, /L[\d.]+ 110\.0/, '250 of 500 ms');
  assert.match(line, /M[\d.]+ 100\.0/, 'no higher than the lane');
});
