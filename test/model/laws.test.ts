import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Holding, Observed, Promotion, Right, Write } from '../../src/model/history.ts';
import { countAppends, judge, type LawOptions, type Violation } from '../../src/model/laws.ts';

const synchronous: LawOptions = { fenceMs: 500, loss: { kind: 'none' } };
const asynchronous: LawOptions = { fenceMs: 500, loss: { kind: 'tail', ms: 100 } };

/** One append each 10 ms from 1000 ms on: value 1 at 1010, … */
const write = (value: number, change: Partial<Write> = {}): Write => ({
  kind: 'write',
  outcome: 'acknowledged',
  client: 'w',
  key: 'k',
  value,
  sentMs: 1000 + value * 10,
  endedMs: 1004 + value * 10,
  node: 'node1',
  serverMs: 1002 + value * 10,
  timeline: 1,
  systemId: '7',
  error: null,
  ...change,
});
const on = (node: string, timeline: number): Partial<Write> => ({ node, timeline });
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const holding = (values: readonly number[]): Holding => ({ kind: 'holding', node: 'node2', key: 'k', values });
const right = (node: string, term: string, fromMs: number, untilMs: number): Right => ({
  kind: 'right',
  node,
  term,
  fromMs,
  untilMs,
});
const promotion = (change: Partial<Promotion> = {}): Promotion => ({
  kind: 'promotion',
  node: 'node2',
  term: '20',
  timeline: 2,
  atMs: 1105,
  ineligible: null,
  ...change,
});
const named = (violations: readonly Violation[]): string[] => violations.map((v) => `${v.law} ${v.kind}`);

/** node1 leads, then node2, then node1 again, each on a timeline of its own. Write 11 is unknown. */
const clean: readonly Observed[] = [
  ...range(1, 10).map((value) => write(value)),
  write(11, { outcome: 'unknown', node: null, serverMs: null, timeline: null, systemId: null, error: '57P01' }),
  ...range(12, 20).map((value) => write(value, on('node2', 2))),
  ...range(21, 30).map((value) => write(value, on('node1', 3))),
  right('node1', '10', 900, 1105),
  right('node2', '20', 1106, 1204),
  right('node1', '30', 1206, 2000),
  promotion({ atMs: 1110 }),
  holding(range(1, 30)),
];

test('a clean history breaks no law', () => {
  assert.deepEqual(judge(clean, synchronous), []);
  assert.deepEqual(judge([], synchronous), []);
});

test('a commit of unknown outcome is neither lost nor invented, and is counted as unknown', () => {
  const without = clean.map((seen) => (seen.kind === 'holding' ? holding(range(1, 30).filter((v) => v !== 11)) : seen));
  assert.deepEqual(judge(without, synchronous), []);
  assert.deepEqual(countAppends(without), {
    acknowledged: 29,
    failed: 0,
    unknown: 1,
    unknownPresent: 0,
    lost: 0,
    doubled: 0,
    reordered: 0,
  });
  assert.equal(countAppends(clean).unknownPresent, 1);
});

test('an attempt whose client died before the answer is unknown, and only once in the count', () => {
  const history = [write(1, { outcome: 'attempted' }), write(1), write(2, { outcome: 'attempted' }), holding([1, 2])];
  assert.deepEqual(judge(history, synchronous), []);
  const { acknowledged, unknown, unknownPresent } = countAppends(history);
  assert.deepEqual({ acknowledged, unknown, unknownPresent }, { acknowledged: 1, unknown: 1, unknownPresent: 1 });
});

test('one lost write is named', () => {
  const history = [...range(1, 10).map((value) => write(value)), holding(range(1, 10).filter((v) => v !== 4))];
  const violations = judge(history, asynchronous);
  assert.deepEqual(named(violations), ['2 lost']);
  assert.ok(violations[0]?.kind === 'lost' && violations[0].write.value === 4);
  assert.match(violations[0].why, /hole/);
});

test('asynchronously the tail of a reign may be lost within the bound, synchronously not', () => {
  const history = [
    ...range(1, 20).map((value) => write(value)),
    ...range(21, 30).map((value) => write(value, on('node2', 2))),
    holding([...range(1, 15), ...range(21, 30)]),
  ];
  assert.deepEqual(judge(history, asynchronous), []);
  assert.equal(countAppends(history).lost, 5);
  assert.equal(judge(history, synchronous).length, 5);
  assert.deepEqual(named(judge(history, { fenceMs: 0, loss: { kind: 'tail', ms: 30 } })), ['2 lost']);
});

test('one doubled write is named', () => {
  const violations = judge([write(1), write(2), holding([1, 2, 1])], synchronous);
  assert.deepEqual(violations, [{ law: 2, kind: 'doubled', key: 'k', value: 1, times: 2 }]);
});

test('one reordered write is named', () => {
  const violations = judge([write(1), write(2), write(3), holding([1, 3, 2])], synchronous);
  assert.deepEqual(violations, [{ law: 2, kind: 'reordered', write: write(2), after: write(3) }]);
});

test('a write of unknown outcome may take effect behind later ones', () => {
  const history = [write(1), write(2, { outcome: 'unknown' }), write(3), holding([1, 3, 2])];
  assert.deepEqual(judge(history, synchronous), []);
});

test('a value that nobody wrote, or that the client was told had failed, is named', () => {
  const history = [write(1), write(2, { outcome: 'failed', error: '25006' }), holding([1, 2, 99])];
  assert.deepEqual(named(judge(history, synchronous)), ['2 invented', '2 invented']);
});

test('a second database system under the old name is named', () => {
  assert.deepEqual(named(judge([write(1), write(2, { systemId: '8' })], synchronous)), ['2 otherSystem']);
});

test('two nodes acknowledging in overlapping time is a split brain, with its length and its rows', () => {
  const history = [
    ...range(1, 20).map((value) => write(value, { key: 'monitor/node1' })),
    ...range(15, 40).map((value) => write(value, { key: 'monitor/node2', ...on('node2', 2) })),
  ];
  const violations = judge(history, synchronous);
  assert.deepEqual(named(violations), ['1 splitBrain']);
  assert.ok(violations[0]?.kind === 'splitBrain');
  assert.equal(violations[0].overlapMs, 50);
  assert.deepEqual(
    violations[0].reigns.map(({ node, firstMs, lastMs, writes }) => ({ node, firstMs, lastMs, writes })),
    [
      { node: 'node1', firstMs: 1012, lastMs: 1202, writes: 20 },
      { node: 'node2', firstMs: 1152, lastMs: 1402, writes: 26 },
    ],
  );
});

test('a single write of an old primary inside the new reign is a split brain too', () => {
  const history = [
    ...range(1, 5).map((value) => write(value)),
    ...range(6, 30).map((value) => write(value, on('node2', 2))),
    write(18, { key: 'monitor/node1' }),
  ];
  assert.deepEqual(named(judge(history, synchronous)), ['1 splitBrain']);
  const alone = [...range(6, 30).map((value) => write(value, on('node2', 2))), write(18, { key: 'other' })];
  assert.deepEqual(named(judge(alone, synchronous)), ['1 splitBrain']);
});

test('terms are never shared and never fall, rights of two nodes never overlap', () => {
  const terms = (...rights: Right[]) => named(judge(rights, synchronous));
  assert.deepEqual(terms(right('a', '1', 0, 10), right('b', '1', 20, 30)), ['1 termShared']);
  assert.deepEqual(terms(right('a', '2', 0, 10), right('b', '1', 20, 30)), ['1 termFell']);
  assert.deepEqual(terms(right('a', '1', 0, 25), right('b', '2', 20, 30)), ['1 rightsOverlap']);
  assert.deepEqual(terms(right('a', '9', 0, 10), right('b', '10', 20, 30)), []);
});

test('a deadline later than its lease allows is named, before anybody has written too late', () => {
  const named4 = (beyondLeaseMs: number) => named(judge([{ ...right('a', '1', 0, 10), beyondLeaseMs }], synchronous));
  assert.deepEqual(named4(3), ['4 rightOutlivesLease']);
  assert.deepEqual(named4(-200), []);
});

test('a promotion without lease left, and one of an ineligible node, are named', () => {
  const history = [right('node2', '20', 1000, 1100), promotion(), promotion({ atMs: 1050, ineligible: 'nofailover' })];
  assert.deepEqual(named(judge(history, synchronous)), ['3 promotedWithoutLease', '3 promotedIneligible']);
});

test('a promotion that was told to in time, and stood still [seed 0xcbc3], may end as late as a write, and no later', () => {
  const told = (toldMs: number, atMs: number) =>
    named(judge([right('node2', '20', 1000, 1100), promotion({ toldMs, atMs })], synchronous));
  assert.deepEqual(told(1010, 1600), []);
  for (const [toldMs, atMs] of [
    [1010, 1601],
    [1100, 1105],
    [999, 1105],
  ] as const)
    assert.deepEqual(told(toldMs, atMs), ['3 promotedWithoutLease']);
  const beside = [right('node2', '20', 1000, 1100), right('node1', '30', 1110, 2000)];
  const late = judge([...beside, promotion({ toldMs: 1010, atMs: 1200 })], synchronous);
  assert.deepEqual(named(late), ['3 promotedWithoutLease'], 'another has the right by then');
});

test('writes later than fenceMs after the right to lead ended are named once, with the latest', () => {
  const history = [right('node1', '10', 1000, 1100), ...range(1, 100).map((value) => write(value))];
  const violations = judge(history, synchronous);
  assert.deepEqual(named(violations), ['4 wroteWithoutRight']);
  assert.ok(violations[0]?.kind === 'wroteWithoutRight');
  assert.equal(violations[0].lateMs, 902);
  assert.equal(violations[0].writes, 41);
  assert.deepEqual(judge(history, { ...synchronous, fenceMs: 1000 }), []);
});

test('writes of a node that never had a right are named', () => {
  const violations = judge([right('node2', '10', 0, 9000), write(1), write(2)], synchronous);
  assert.ok(violations[0]?.kind === 'wroteWithoutRight' && violations[0].lateMs === null && violations.length === 1);
});

test('a right may say itself how long its guards take', () => {
  const late = [right('node1', '10', 900, 1105), ...[5, 10, 15].map((value) => write(value))];
  const quick = (fenceMs: number): readonly Observed[] =>
    late.map((one) => (one.kind === 'right' ? { ...one, fenceMs } : one));
  assert.deepEqual(named(judge(quick(100), synchronous)), []);
  assert.deepEqual(named(judge(quick(40), synchronous)), ['4 wroteWithoutRight']);
  assert.deepEqual(named(judge(quick(100), { ...synchronous, fenceMs: 0 })), []);
});

test('what a standby confirms after it has said that it withdrew is named', () => {
  const found = judge(
    [{ kind: 'confirmation', node: 'node3', to: 'node1', saidMs: 1100, atMs: 1130 }, write(1), holding([1])],
    synchronous,
  );
  assert.deepEqual(
    found.map(({ law, kind }) => [law, kind]),
    [[5, 'confirmedWithdrawn']],
  );
});

test('what a node has is given up only under a leader that was healthy just now', () => {
  const erasure = (leaderAgoMs: number | null): readonly Observed[] => [
    { kind: 'erasure', node: 'node3', how: 'removed', atMs: 1500, leaderAgoMs },
  ];
  assert.deepEqual(judge(erasure(0), synchronous), []);
  assert.deepEqual(judge(erasure(9_000), synchronous), []);
  assert.deepEqual(named(judge(erasure(11_000), synchronous)), ['6 erasedWithoutLeader']);
  assert.deepEqual(named(judge(erasure(null), synchronous)), ['6 erasedWithoutLeader']);
});
