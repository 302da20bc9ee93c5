import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lapse, Observed, Promotion, Right, Write } from '../../src/model/history.ts';
import { setApart, tellBroken } from '../../src/model/laws/lapses.ts';
import { judge } from '../../src/model/laws.ts';

const fenceMs = 2600;

const write = (node: string, timeline: number, serverMs: number): Write => ({
  kind: 'write',
  outcome: 'acknowledged',
  client: `w-${node}`,
  key: `${node}-${timeline}`,
  value: serverMs,
  sentMs: serverMs - 1,
  endedMs: serverMs + 1,
  node,
  serverMs,
  timeline,
  systemId: '7',
  error: null,
});
const right = (node: string, term: string, fromMs: number, untilMs: number): Right => ({
  kind: 'right',
  node,
  term,
  fromMs,
  untilMs,
});
const lapse = (node: string, fromMs: number, untilMs: number, how: Lapse['how'] = 'frozen'): Lapse => ({
  kind: 'lapse',
  node,
  how,
  fromMs,
  untilMs,
});
const every = (fromMs: number, untilMs: number): readonly number[] =>
  Array.from({ length: (untilMs - fromMs) / 1000 + 1 }, (_, i) => fromMs + i * 1000);

/** n1 leads until 20 s and writes on until `lastMs`; n2 leads from 25 s on. */
const two = (lastMs: number): readonly Observed[] => [
  right('n1', '10', 0, 20_000),
  right('n2', '20', 25_000, 90_000),
  ...every(1000, lastMs).map((atMs) => write('n1', 1, atMs)),
  ...every(26_000, 60_000).map((atMs) => write('n2', 2, atMs)),
];
function judged(history: readonly Observed[]) {
  const { standing, broken } = setApart(judge(history, { fenceMs, loss: { kind: 'none' } }), history, fenceMs);
  return { standing: standing.map(({ kind }) => kind), broken, told: broken.map(tellBroken) };
}

test('two primaries while no guard of one of them ran: a broken assumption, with its window, and no broken law', () => {
  const { standing, broken, told } = judged([...two(31_000), lapse('n1', 12_300, 31_000)]);
  assert.deepEqual(standing, []);
  assert.deepEqual(broken[0]?.excused.map(({ kind }) => kind).sort(), ['splitBrain', 'wroteWithoutRight']);
  assert.deepEqual(told, [
    'assumption broken: all guards of n1 frozen 12.3–31.0 s; window of two primaries 5.0 s, 12 writes without the right',
  ]);
});

test('the same without a lapse, or with one of another node: two laws are broken', () => {
  for (const lapses of [[], [lapse('n2', 12_300, 31_000)], [lapse('n3', 12_300, 31_000)]]) {
    const { standing, broken } = judged([...two(31_000), ...lapses]);
    assert.deepEqual([...standing].sort(), ['splitBrain', 'wroteWithoutRight']);
    assert.deepEqual(broken, []);
  }
});

test('whoever writes on after its guards run again, for longer than they may take, is not excused', () => {
  assert.deepEqual(judged([...two(33_000), lapse('n1', 12_300, 31_000)]).standing, []);
  const late = judged([...two(34_000), lapse('n1', 12_300, 31_000)]);
  assert.deepEqual([...late.standing].sort(), ['splitBrain', 'wroteWithoutRight']);
  assert.equal(late.broken.length, 1, 'the run is classed all the same');
});

test('guards that had had their time before they were frozen excuse nothing', () => {
  assert.deepEqual(judged([...two(31_000), lapse('n1', 22_000, 31_000)]).standing, []);
  const { standing, broken } = judged([...two(31_000), lapse('n1', 23_000, 31_000)]);
  assert.deepEqual([...standing].sort(), ['splitBrain', 'wroteWithoutRight']);
  assert.deepEqual(broken, []);
  const quick = two(31_000).map((seen) => (seen.kind === 'right' ? { ...seen, fenceMs: 300 } : seen));
  assert.equal(judged([...quick, lapse('n1', 21_000, 31_000)]).standing.length, 2);
});

test('no right ended while nobody guarded it: nothing is broken, and nothing is excused', () => {
  const history = [...two(20_000), lapse('n1', 5000, 19_000), lapse('n2', 40_000, 50_000), lapse('n3', 0, 90_000)];
  assert.deepEqual(judged(history), { standing: [], broken: [], told: [] });
});

test('a machine that stood still and writes before a guard has the processor: suspended, and classed; the standstill is no window', () => {
  const history = [...two(12_000), write('n1', 1, 40_000.5), lapse('n1', 12_500, 40_000, 'suspended')];
  const { standing, told } = judged(history);
  assert.deepEqual(standing, []);
  assert.deepEqual(told, [
    'assumption broken: n1 and all its guards suspended 12.5–40.0 s; window of two primaries 0.0 s, 1 writes without the right',
  ]);
});

test('guards that run between two times for less than they need have not run', () => {
  const history = [...two(31_000), lapse('n1', 12_300, 21_000), lapse('n1', 22_500, 31_000)];
  assert.deepEqual(judged(history).standing, []);
  const longer = [...two(31_000), lapse('n1', 12_300, 21_000), lapse('n1', 24_500, 31_000)];
  assert.equal(judged(longer).standing.length, 2);
});

test('a machine that stood still right before it tells its server to promote: suspended; a renewal afterwards excuses nothing more', () => {
  const promotion: Promotion = {
    kind: 'promotion',
    node: 'n1',
    term: '10',
    timeline: 2,
    atMs: 40_050,
    ineligible: null,
    tooShortMs: 22_000,
  };
  const history = [right('n1', '10', 0, 20_000), right('n1', '10', 41_000, 60_000), promotion];
  assert.deepEqual(judged(history).standing, ['promotedWithoutLease', 'promotedTooLate']);
  assert.deepEqual(judged([...history, lapse('n1', 12_500, 40_000, 'suspended')]).standing, []);
  const later = { ...promotion, atMs: 42_000 };
  assert.deepEqual(judged([...history, later, lapse('n1', 12_500, 40_000, 'suspended')]).standing, ['promotedTooLate']);
});

test('two rights at once, a shared term, a lost write: never excused', () => {
  const history: readonly Observed[] = [
    ...two(31_000),
    right('n3', '20', 26_000, 27_000),
    lapse('n1', 12_300, 31_000),
    { kind: 'holding', node: 'n2', key: 'n2-2', values: [] },
  ];
  const kinds = new Set(judged(history).standing);
  assert.deepEqual([...kinds].sort(), ['lost', 'termShared']);
});

test('who leads again meanwhile is judged by its new right', () => {
  const history = [
    ...two(12_000),
    right('n1', '30', 91_000, 95_000),
    ...every(92_000, 99_000).map((atMs) => write('n1', 3, atMs)),
    lapse('n1', 12_300, 92_000),
  ];
  const { standing, broken } = judged(history);
  assert.equal(broken[0]?.window.untilMs, 91_000);
  assert.deepEqual(standing, ['wroteWithoutRight']);
});
