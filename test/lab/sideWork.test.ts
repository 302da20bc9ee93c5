import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readStep } from '../../src/codec/scenario/steps.ts';
import { writeScenario } from '../../src/codec/scenario/write.ts';
import {
  type Dump,
  type Evidence,
  notPlayed,
  type SideWork,
  type Transaction,
} from '../../src/lab/scenario/evidence.ts';
import { chooseScenarios } from '../../src/lab/scenario/shelf.ts';
import { isWhole } from '../../src/lab/scenario/sideWork.ts';
import { verdictOf } from '../../src/lab/verdict/verdict.ts';
import type { History, Write } from '../../src/model/history.ts';

const [scenario] = chooseScenarios(['switchover-long-transaction'], false);
assert.ok(scenario !== undefined);

const begun = { node: 'node1', ended: { code: 0, atMs: 5_000 }, said: 'COMMIT' };
const cutOff = { node: 'node1', ended: { code: 2, atMs: 5_000 }, said: 'FATAL:  terminating connection' };
const done: Transaction & SideWork = { kind: 'transaction', ...begun, committed: true, rows: 2 };
const dumped: Dump & SideWork = { kind: 'dump', ...begun, said: '', complete: true, refused: null };

/** A write that was acknowledged by node1, which makes it the reign in which work was done. */
const acknowledged = (atMs: number): Write => ({
  kind: 'write',
  outcome: 'acknowledged',
  client: 'one',
  key: 'one',
  value: atMs,
  sentMs: atMs,
  endedMs: atMs,
  node: 'node1',
  serverMs: atMs,
  timeline: 1,
  systemId: '7',
  error: null,
});
function judged(work: SideWork, history: History = [], lostMs: number | null = null) {
  const evidence: Evidence = { ...notPlayed('x', ''), nodes: ['node1'], broken: null, sideWork: [work], history };
  const expect = { ...scenario?.expect, primary: 'any', writeGap: null, streamingWithin: null } as const;
  const lostWrites = lostMs === null ? null : { ttls: 0, ms: lostMs };
  assert.ok(scenario !== undefined);
  const verdict = verdictOf({ ...scenario, expect: { ...scenario.expect, ...expect, lostWrites } }, evidence, 1);
  const [told, ...more] = verdict.expectations;
  assert.deepEqual([more.length, verdict.passed], [0, told?.held]);
  return told?.held === true ? told.measured : `NOT: ${told?.measured}`;
}

test('a transaction is committed and there, or ends with an error and is not', () => {
  assert.equal(judged(done), 'committed, and there');
  assert.equal(
    judged({ ...done, ...cutOff, committed: false, rows: 0 }),
    'ended by an error: FATAL:  terminating connection',
  );
  assert.match(judged({ ...done, ...cutOff, committed: false }), /^its answer was lost, and it is there: FATAL/);
  assert.equal(judged({ ...done, ended: null, committed: false, rows: 0 }), 'under way still in the end');
});

test('planted: reported committed and missing, half there, and no word of what became of it', () => {
  assert.equal(judged({ ...done, rows: 0 }), 'NOT: reported committed, and missing');
  assert.equal(judged({ ...done, rows: 1 }), 'NOT: half there: 1 of its 2 rows');
  assert.equal(judged({ ...done, ...cutOff, committed: false, rows: 1 }), 'NOT: half there: 1 of its 2 rows');
  assert.match(judged({ ...done, committed: false, rows: 0 }), /^NOT: ended without an error, and without a commit/);
});

test('where the end of a reign may be lost, that holds for a transaction in it, and for no other', () => {
  const lost = { ...done, rows: 0 };
  assert.equal(judged(lost, [acknowledged(1_000), acknowledged(5_900)], 1_000), 'committed, and lost within the bound');
  assert.match(judged(lost, [acknowledged(1_000), acknowledged(6_100)], 1_000), /^NOT: reported committed/);
  assert.match(judged(lost, [acknowledged(1_000), acknowledged(5_900)]), /^NOT: reported committed/);
});

test('a dump ends with an error, or is whole to its last line and can be restored', () => {
  assert.equal(judged(dumped), 'whole, and could be restored');
  assert.match(judged({ ...dumped, ...cutOff, complete: false }), /^ended by an error: FATAL/);
  assert.equal(judged({ ...dumped, complete: false }), 'NOT: ended well, and its last line is missing');
  assert.match(
    judged({ ...dumped, refused: 'psql: syntax' }),
    /^NOT: ended well, and cannot be restored: psql: syntax/,
  );
});

test('the end of a dump is told from one that was cut off', () => {
  const text = 'COPY public.held_open (work) FROM stdin;\n\\.\n\n\n--\n-- PostgreSQL database dump complete\n--\n\n';
  assert.equal(isWhole(text), true, 'as pg_dump 15 writes it');
  assert.equal(isWhole(`${text}\\unrestrict 8sdQ\n\n`), true, 'as later ones do');
  assert.equal(isWhole(text.slice(0, -22)), false);
  assert.equal(isWhole(`${text}${'x'.repeat(400)}`), false, 'it stood in a row');
});

test('a dump with a reader that rests is written as it was read', () => {
  const text = writeScenario({ ...scenario });
  assert.match(text, /- dump:\n +of: primary\n +for: 6 s\n +- dump: primary\n/);
  const read = readStep({ dump: { of: 'node2', for: 'ttl' } });
  const of = { kind: 'node', name: 'node2' };
  assert.deepEqual(read, { kind: 'step', step: { kind: 'dump', of, duration: { ttls: 1, ms: 0 } } });
  assert.equal(readStep({ dump: 7 }).kind, 'wrong');
});
