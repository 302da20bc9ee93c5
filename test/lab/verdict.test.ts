import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readScenario } from '../../src/codec/scenario/read.ts';
import { proofLineOf, proofText } from '../../src/lab/proofs/line.ts';
import type { Campaign } from '../../src/lab/report/campaign.ts';
import { compare } from '../../src/lab/report/compare.ts';
import { htmlOf, sectionOf } from '../../src/lab/report/html.ts';
import { junitOf } from '../../src/lab/report/junit.ts';
import { tableOf } from '../../src/lab/report/table.ts';
import { type Evidence, notPlayed } from '../../src/lab/scenario/evidence.ts';
import { type Verdict, verdictOf } from '../../src/lab/verdict/verdict.ts';
import type { History, Observed, Write } from '../../src/model/history.ts';
import { instantMs } from '../../src/model/units.ts';

/** The judge is fed what a broken cluster would show. If it did not name the bug, its silence over the real one would mean nothing. */
const zero = 1_700_000_000_000;
const read = readScenario(
  `title: The primary's power
description: It goes.
steps: [power off: primary, wait for: another primary]
expect: { primary: changed, write gap: ttl, streaming within: 10 s }
`,
  'power.yml',
  'power',
);
assert.ok(read.kind === 'ok');
const { scenario } = read;

/** node1 leads for 3 s, its power goes, node2 leads from 8 s on; a write every 100 ms by each path, all of them acknowledged. */
const write = (path: 'direct-write' | 'proxied-write', value: number, atMs: number, node: string): Write => ({
  kind: 'write',
  outcome: 'acknowledged',
  client: `power-1-${path}`,
  key: `power-1-${path}`,
  value,
  sentMs: zero + atMs - 2,
  endedMs: zero + atMs,
  node,
  serverMs: zero + atMs - 1,
  timeline: node === 'node1' ? 1 : 2,
  systemId: '7',
  error: null,
});
const times = Array.from({ length: 130 }, (_, index) => index * 100).filter((atMs) => atMs < 3_000 || atMs >= 8_000);
const nodeAt = (atMs: number): string => (atMs < 3_000 ? 'node1' : 'node2');
const appends = (path: 'direct-write' | 'proxied-write', lateMs: number): readonly Write[] =>
  times
    .map((atMs) => (atMs < 3_000 ? atMs : atMs + lateMs))
    .map((atMs, index) => write(path, index + 1, atMs, nodeAt(atMs)));
const direct = appends('direct-write', 0);
const proxied = appends('proxied-write', 4_000);
const reads = times.map(
  (atMs): Observed => ({
    kind: 'read',
    outcome: 'answered',
    client: 'power-1-direct-read',
    key: '*',
    value: 1,
    sentMs: zero + atMs,
    endedMs: zero + atMs + 1,
    node: 'node2',
    role: 'standby',
    error: null,
  }),
);
const held = (writes: readonly Write[]): readonly number[] => writes.map(({ value }) => value);
const right = (node: string, term: string, fromMs: number, untilMs: number): Observed => ({
  kind: 'right',
  node,
  term,
  fromMs: zero + fromMs,
  untilMs: zero + untilMs,
});
const holding = (values: readonly number[], key = 'power-1-direct-write'): Observed => ({
  kind: 'holding',
  node: 'node2',
  key,
  values,
});
const sound: History = [
  ...direct,
  ...proxied,
  ...reads,
  right('node1', '1', -5_000, 7_500),
  right('node2', '2', 7_600, Number.POSITIVE_INFINITY),
  { kind: 'role', node: 'node1', role: 'primary', fromMs: zero, untilMs: zero + 3_000 },
  { kind: 'role', node: 'node2', role: 'primary', fromMs: zero + 7_900, untilMs: zero + 17_000 },
];
const evidenceOf = (history: History, rest: Partial<Evidence> = {}): Evidence => ({
  scenario: 'power',
  nodes: ['node1', 'node2', 'node3'],
  ttlMs: 6_000,
  fromMs: zero,
  untilMs: zero + 17_000,
  steps: [
    {
      text: 'power off primary',
      nature: 'fault',
      nodes: ['node1'],
      fromMs: zero + 3_000,
      untilMs: zero + 3_050,
      failed: null,
    },
  ],
  primaryBefore: 'node1',
  primaryAfter: 'node2',
  history,
  leaderKey: [
    { atMs: zero - 9_000, holder: 'node1' },
    { atMs: zero + 7_500, holder: null },
    { atMs: zero + 7_600, holder: 'node2' },
  ],
  journals: [
    {
      node: 'node3',
      atMs: zero + 3_040,
      entry: { kind: 'note', level: 'warning', text: 'the stream ended', because: [], wall: '', atMs: instantMs(1) },
    },
  ],
  streamingAgainMs: 4_321,
  sideWork: [],
  memoryMb: 803,
  errors: { 'direct write': { lost: 1 }, 'proxied write': {}, 'direct read': {}, 'proxied read': {} },
  broken: null,
  ...rest,
});
const judged = (history: History, rest: Partial<Evidence> = {}): Verdict =>
  verdictOf(scenario, evidenceOf(history, rest), 1);
const soundly: History = [...sound, holding(held(direct)), holding(held(proxied), 'power-1-proxied-write')];

const campaignOf = (verdicts: readonly Verdict[]): Campaign => ({
  startedWall: '2026-01-01T00:00:00.000Z',
  agentCommand: 'matriarch agent {config}',
  ttlS: 6,
  cores: 2,
  otherLabs: 0,
  runsWanted: verdicts.length,
  endedBy: null,
  verdicts,
});

test('a sound run passes; phases and gaps are to the millisecond', () => {
  const verdict = judged(soundly);
  assert.deepEqual([verdict.judged, verdict.laws], [[1, 2, 3, 4], []]);
  assert.deepEqual(judged(sound).judged, [1, 3, 4], 'what the last primary holds was asked of nobody');
  assert.equal(verdict.passed, true, JSON.stringify(verdict.expectations));
  assert.deepEqual(
    verdict.phases.map(({ name, afterMs }) => [name, afterMs]),
    [
      ['noticed', 40],
      ['lease free', 4_500],
      ['elected', 4_600],
      ['promoted', 4_900],
      ['first acknowledged write', 5_000],
      ['routed by HAProxy', 9_000],
    ],
  );
  assert.equal(verdict.gaps['direct write'].gapMs, 5_100);
  assert.equal(verdict.gaps['proxied write'].gapMs, 9_100);
  assert.equal(
    verdict.gaps['proxied read'].gapMs,
    null,
    'who never was served has no gap, and does not pass for served',
  );
  assert.equal(verdict.splitBrainMs, 0);
});

test('a client is served before the witness has seen the promotion: its write is the proof of it', () => {
  const late = soundly.map((seen) =>
    seen.kind === 'role' && seen.node === 'node2' ? { ...seen, fromMs: zero + 8_004 } : seen,
  );
  const { phases } = judged(late);
  const told = phases.filter(({ name }) => name === 'promoted' || name === 'first acknowledged write');
  assert.deepEqual(
    told.map(({ afterMs, by }) => [afterMs, by]),
    [
      [5_000, 'a client'],
      [5_000, 'the client with a list of hosts'],
    ],
  );
});

test('planted: one lost write is named', () => {
  const verdict = judged([...sound, holding(held(direct).filter((value) => value !== 12))]);
  assert.deepEqual(
    verdict.laws.map(({ law, kind }) => [law, kind]),
    [[2, 'lost']],
  );
  assert.match(
    verdict.laws[0]?.text ?? '',
    /value 12 of power-1-direct-write, acknowledged by node1 on timeline 1, is lost/,
  );
  assert.equal(verdict.writes.lost, 1);
  assert.equal(verdict.passed, false);
});

test('planted: one doubled write is named', () => {
  const verdict = judged([...sound, holding([...held(direct), 40])]);
  assert.deepEqual(
    verdict.laws.map(({ kind }) => kind),
    ['doubled'],
  );
  assert.match(verdict.laws[0]?.text ?? '', /value 40 of power-1-direct-write is there 2 times/);
  assert.equal(verdict.passed, false);
});

test('planted: one reordered write is named', () => {
  const values = [...held(direct)];
  [values[4], values[5]] = [values[5] ?? 0, values[4] ?? 0];
  const verdict = judged([...sound, holding(values)]);
  assert.deepEqual(
    verdict.laws.map(({ kind }) => kind),
    ['reordered'],
  );
  assert.match(verdict.laws[0]?.text ?? '', /value 5 of power-1-direct-write stands behind 6/);
  assert.equal(verdict.passed, false);
});

test('planted: two primaries are named, with the time that both wrote', () => {
  const late: Write = {
    ...write('direct-write', 1, 9_000, 'node1'),
    client: 'monitor/node1',
    key: 'monitor/node1/1',
  };
  const verdict = judged([...soundly, late]);
  const kinds = verdict.laws.map(({ kind }) => kind);
  assert.ok(kinds.includes('splitBrain') && kinds.includes('wroteWithoutRight'), kinds.join(', '));
  assert.equal(verdict.splitBrainMs, 1_000, 'from the first write of node2 to the last of node1');
  assert.equal(verdict.passed, false);
});

test('scenarios share a lab: what was wrong with who led before this one began was judged with the one before', () => {
  const before = [right('node2', '1', -60_000, -40_000), right('node3', '1', -45_000, -20_000)];
  assert.deepEqual(judged([...before, ...soundly]).laws, []);
  const within = right('node2', '1', -60_000, 1_000);
  assert.deepEqual(
    judged([within, ...soundly]).laws.map(({ kind }) => kind),
    ['termShared'],
  );
});

test('what may be lost is only the tail, and only where the scenario says so', () => {
  const lenient = { ...scenario, expect: { ...scenario.expect, lostWrites: { ttls: 0, ms: 500 } } };
  const without = (...gone: readonly number[]) =>
    verdictOf(lenient, evidenceOf([...sound, holding(held(direct).filter((value) => !gone.includes(value)))]), 1);
  assert.deepEqual(without(29, 30).laws, [], 'the last two of the old primary');
  assert.equal(without(29, 30).writes.lost, 2, 'and they are counted');
  assert.deepEqual(
    without(29).laws.map(({ kind }) => kind),
    ['lost'],
    'a hole is no tail',
  );
});

test('an expectation that does not hold, a step that failed and a run that was broken off each fail the run', () => {
  assert.deepEqual(
    judged(soundly, { primaryAfter: 'node1' })
      .expectations.filter(({ held: kept }) => !kept)
      .map(({ text, measured }) => [text, measured]),
    [['another primary', 'still node1']],
  );
  const slow = verdictOf(
    { ...scenario, expect: { ...scenario.expect, writeGap: { ttls: 0, ms: 5_000 } } },
    evidenceOf(soundly),
    1,
  );
  assert.equal(slow.passed, false);
  assert.equal(judged(soundly, { streamingAgainMs: null }).passed, false);
  const [step] = evidenceOf(soundly).steps;
  assert.ok(step !== undefined);
  assert.equal(judged(soundly, { steps: [{ ...step, failed: 'nobody came' }] }).passed, false);
  assert.equal(judged(soundly, { broken: 'nobody leads in the end' }).passed, false);
});

test('table, JUnit and page tell the same: who failed, and why', () => {
  const failed = judged([...sound, holding([...held(direct), 40])]);
  const campaign = campaignOf([judged(soundly), { ...failed, scenario: 'doubled <&> "x"', red: 'not mended yet' }]);
  const table = tableOf(campaign);
  assert.match(table, /^power\s+passed\s+5\.10 s\s+9\.10 s/m);
  assert.match(table, /^doubled .+ FAILED /m);
  assert.match(table, /law 2: value 40 of power-1-direct-write is there 2 times\n\s+known: not mended yet/);
  assert.match(table, /2 scenarios, 2 runs: 1 passed, 1 failed; the whole lab took at most 803 MB/);
  assert.ok(!table.includes('\x1b'), 'no colour in a pipe');
  const junit = junitOf(campaign);
  assert.match(junit, /tests="2" failures="1"/);
  assert.match(junit, /name="doubled &lt;&amp;&gt; &quot;x&quot; 1"[^>]*>\s*<failure message="law 2: value 40/);
  const html = htmlOf(campaign, [sectionOf(failed, evidenceOf(soundly))]);
  assert.match(html, /1 of 2 passed/);
  assert.match(html, /direct write: not served for 5\.10 s/);
  assert.ok(!/(?:src|href)="(?!#)/.test(html) && !/url\(|@import|<script/.test(html), 'nothing from anywhere else');
});

test('the line of a run on the track record: its figures, and what did not hold', () => {
  const line = proofLineOf(judged(soundly), 6);
  assert.deepEqual([line.lost, line.doubled, line.longestGapMs, line.twoPrimariesMs], [0, 0, 5_100, 0]);
  assert.deepEqual(line.broken, []);
  assert.match(proofText(line), /^power: passed, 0 lost, longest write gap 5\.10 s, all stream after /);
  const failed = proofLineOf(judged([...sound, holding([...held(direct), 40])]), 6);
  assert.deepEqual([failed.doubled, failed.broken.length], [1, 1]);
  assert.match(proofText(failed), /^power: FAILED, .*\n {2}law 2: value 40 of power-1-direct-write is there 2 times/);
});

test('two campaigns side by side: the same scenarios in one line each', () => {
  const campaign = campaignOf([judged(soundly)]);
  const [lost] = [judged([...sound, holding(held(direct).filter((value) => value !== 12))])];
  const text = compare(campaign, { ...campaign, agentCommand: 'patroni {config}', verdicts: [lost] });
  assert.match(text, /^matriarch agent \{config\}, ttl 6 s, .* \/ patroni \{config\}, ttl 6 s/);
  assert.match(text, /^power +1 of 1 \/ 0 of 1 +5\.10 s \/ 5\.10 s /m);
  assert.match(text, /^power +0 \/ 1 .* never \/ never +0 \/ 1$/m);
  assert.match(compare(campaign, { ...campaign, verdicts: [] }), /1 of 1 \/ -/, 'not run');
});

test('a scenario whose lab did not come up has failed, with the reason', () => {
  const nothing = notPlayed('power', 'libfaketime is not installed');
  const verdict = verdictOf(scenario, nothing, 1);
  assert.equal(verdict.passed, false);
  assert.match(sectionOf(verdict, nothing), /broken off: libfaketime is not installed/);
});
