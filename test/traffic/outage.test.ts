import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Failure, makeOutageTeller } from '../../src/traffic/outage.ts';

const refused: Failure = {
  at: 'node1:5432',
  tried: 'connect',
  outcome: 'failed',
  value: null,
  error: 'unreachable',
  why: 'connect ECONNREFUSED 10.0.0.1:5432',
};
const lost: Failure = { ...refused, tried: 'write', outcome: 'unknown', value: 7, error: 'lost', why: 'no answer' };

test('a failure is told at once, the same one again only with how long nobody answers, and its end with the gap', () => {
  const teller = makeOutageTeller(0, 200);
  assert.equal(teller.answered('node1:5432', 20), null);
  assert.equal(teller.failed(lost, 100), 'node1:5432 unknown (lost) whether it wrote 7: no answer');
  const told = 'node1:5432 failed (unreachable) to connect: connect ECONNREFUSED 10.0.0.1:5432';
  assert.equal(teller.failed(refused, 110), told);
  assert.equal(teller.failed(refused, 130), null);
  assert.equal(teller.look(5_000, null), null);
  assert.equal(teller.look(5_120, null), `nobody answers for 5.1 s: ${told}; 0 failed and 1 unknown meanwhile`);
  assert.equal(teller.failed(refused, 5_130), null);
  assert.equal(teller.look(10_000, null), null);
  assert.match(teller.look(10_120, null) ?? '', /^nobody answers for 10\.1 s: /);
  assert.equal(teller.answered('node2:5432', 12_320), 'node2:5432 answers again: nobody did for 12.3 s');
  assert.equal(teller.end(12_340, null), null);
  assert.equal(teller.failed(refused, 12_400), told, 'another outage is told of anew');
});

test('a host that is down while another answers is told of every few seconds, and makes no outage', () => {
  const teller = makeOutageTeller(0, 200);
  const told: number[] = [];
  for (let nowMs = 0; nowMs < 12_000; nowMs += 50) {
    if (teller.failed(refused, nowMs) !== null) told.push(nowMs);
    assert.equal(teller.answered('node2:5432', nowMs + 10), null);
    assert.equal(teller.look(nowMs + 20, null), null);
  }
  assert.deepEqual(told, [0, 5_000, 10_000]);
});

test('a failure that takes another time each time is the same failure', () => {
  const teller = makeOutageTeller(0, 200);
  const after = (ms: number): Failure => ({ ...refused, why: `no answer in ${ms} ms` });
  assert.notEqual(teller.failed(after(1_000), 1_000), null);
  assert.equal(teller.failed(after(998), 2_000), null);
});

test('a statement that hangs is told of though nothing failed', () => {
  const teller = makeOutageTeller(0, 200);
  teller.answered('node1:5432', 1_000);
  assert.equal(teller.look(6_000, 'node1:5432'), null);
  assert.equal(
    teller.look(6_200, 'node1:5432'),
    'nobody answers for 5.2 s: node1:5432 has not answered a statement yet',
  );
  assert.equal(teller.answered('node1:5432', 7_000), 'node1:5432 answers again: nobody did for 6.0 s');
});

test('at a slow pace it is no outage that nobody was asked', () => {
  const teller = makeOutageTeller(0, 20_100);
  teller.answered('node1:5432', 0);
  teller.failed(refused, 10);
  assert.equal(teller.look(9_000, null), null);
});

test('a standby is told of when nobody leads for a second', () => {
  const teller = makeOutageTeller(0, 200);
  const standby: Failure = { ...refused, tried: 'standby', error: 'standby', why: null };
  assert.equal(teller.failed(standby, 900), null);
  assert.equal(teller.failed(standby, 1_020), 'node1:5432 is a standby: a primary is waited for');
  assert.equal(teller.failed(standby, 1_040), null);
});

test('at the end it is told that nobody ever answered, or no longer does', () => {
  const never = makeOutageTeller(0, 200);
  never.failed(refused, 10);
  assert.match(never.end(3_000, null) ?? '', /^nobody ever answered, in 3\.0 s: node1:5432 failed \(unreachable\)/);
  const open = makeOutageTeller(0, 200);
  open.answered('node1:5432', 10);
  assert.equal(open.end(60, null), null);
  open.failed(refused, 1_000);
  assert.match(open.end(3_010, null) ?? '', /^nobody answers any more, for 3\.0 s: node1:5432 failed/);
});
