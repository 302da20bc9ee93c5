import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readFailover, writeFailover } from '../../../src/codec/dcs/failover.ts';
import { readFailsafe, writeFailsafe } from '../../../src/codec/dcs/failsafe.ts';
import { readHistory, writeHistory } from '../../../src/codec/dcs/history.ts';
import { compactJson, parseJson } from '../../../src/codec/dcs/json.ts';
import { readSchedule, writeSchedule } from '../../../src/codec/dcs/schedule.ts';
import { readStatus, writeStatus } from '../../../src/codec/dcs/status.ts';
import { readSync, writeSync } from '../../../src/codec/dcs/sync.ts';
import { lsnOf, wallMs } from '../../../src/model/units.ts';

test('JSON goes through unchanged, whole numbers of any size too', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
      const text = compactJson(value);
      assert.equal(compactJson(parseJson(text)), text);
      assert.deepEqual(inexact(parseJson(text)), JSON.parse(JSON.stringify(value)));
    }),
    { examples: [[[2 ** 53]], [{ a: { b: -1e20 } }]] },
  );
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n }), (n) =>
      assert.equal(compactJson(parseJson(`[${n}]`)), `[${n}]`),
    ),
  );
  assert.deepEqual(parseJson('{"text":"9007199254740993 in a string"}'), { text: '9007199254740993 in a string' });
});

test('status: round trip, and every form that others write', () => {
  for (const text of [
    '{"optime":50628720,"slots":{"node2":50628720,"node1":50628720},"retain_slots":["node1","node2"]}',
    '{"optime":50332264}',
  ]) {
    const status = readStatus(text);
    assert.ok(status !== null);
    assert.equal(writeStatus(status), text);
  }
  assert.equal(readStatus('50332264')?.optime, 50332264n);
  assert.deepEqual(readStatus('{"optime":1,"slots":"{\\"a\\":2}","retain_slots":"[\\"a\\"]"}'), {
    optime: lsnOf(1n),
    slots: { a: lsnOf(2n) },
    retainSlots: ['a'],
  });
  assert.deepEqual(readStatus('{"optime":"x","slots":[1],"retain_slots":5}'), {
    optime: lsnOf(0n),
    slots: {},
    retainSlots: [],
  });
  assert.equal(readStatus('nonsense'), null);
});

test('failover: nothing, switchover, failover, the old form', () => {
  for (const nothing of ['{}', '', '[]', '5', 'null']) assert.equal(readFailover(nothing), null, nothing);
  assert.deepEqual(readFailover('{"leader":"node1","member":"node2","scheduled_at":"2036-01-01T00:00:00+00:00"}'), {
    leader: 'node1',
    candidate: 'node2',
    scheduledAt: Date.UTC(2036, 0, 1),
    problem: null,
  });
  assert.deepEqual(readFailover('a:b'), { leader: 'a', candidate: 'b', scheduledAt: null, problem: null });
  assert.deepEqual(readFailover(':b'), { leader: null, candidate: 'b', scheduledAt: null, problem: null });
  assert.deepEqual(readFailover('a:'), { leader: 'a', candidate: null, scheduledAt: null, problem: null });
});

test('failover: a schedule that cannot be read is a problem, not a crash and not a request for now', () => {
  for (const bad of ['"tomorrow"', '"2036-01-01T00:00:00"', '"2036-13-01T00:00:00Z"', '5', '[]'])
    assert.ok(readFailover(`{"leader":"a","scheduled_at":${bad}}`)?.problem, bad);
  assert.ok(readFailover('garbage')?.problem);
});

test('failover is written as Patroni does', () => {
  const scheduledAt = wallMs(Date.UTC(2036, 0, 1));
  assert.equal(
    writeFailover({ leader: 'node1', candidate: 'node2', scheduledAt }),
    '{"leader":"node1","member":"node2","scheduled_at":"2036-01-01T00:00:00+00:00"}',
  );
  assert.equal(writeFailover({ leader: null, candidate: 'b', scheduledAt: null }), '{"member":"b"}');
  assert.equal(writeFailover({ leader: null, candidate: null, scheduledAt: null }), '{}');
});

test('instants: offsets count, local times are refused, every instant survives', () => {
  assert.equal(readSchedule('2036-01-02T03:04:05+01:00'), Date.UTC(2036, 0, 2, 2, 4, 5));
  assert.equal(readSchedule('2036-01-02 03:04 UTC'), Date.UTC(2036, 0, 2, 3, 4));
  assert.equal(readSchedule('2036-01-02T03:04:05.250-0530'), Date.UTC(2036, 0, 2, 8, 34, 5, 250));
  assert.equal(readSchedule('2036-02-30T00:00:00Z'), null);
  assert.equal(readSchedule('2036-01-01T00:00+99:99'), null);
  assert.equal(readSchedule('9999-12-31T23:59:59-14:00'), null, 'a year of five digits can not be written');
  assert.equal(readSchedule('2036-01-02T03:04:05'), null);
  const some = fc.integer({ min: 0, max: Date.UTC(2200, 0, 1) });
  fc.assert(fc.property(some, (ms) => assert.equal(readSchedule(writeSchedule(wallMs(ms))), ms)));
});

test('history: lines of three, four and five elements', () => {
  const text =
    '[[1,50331984,"no recovery target specified"],[2,5,"r","2026-11-23T01:44:52.969917+00:00"],[3,6,"r","2026-11-23T01:44:52.969917+00:00","node1"]]';
  const lines = readHistory(text);
  assert.ok(lines !== null);
  assert.equal(writeHistory(lines), text);
  for (const broken of ['{}', '[1]', '[[0,1,"x"]]', '[["a",1]]', 'x']) assert.equal(readHistory(broken), null, broken);
});

test('sync: with and without quorum; without a leader it is off', () => {
  assert.equal(
    writeSync({ leader: 'node2', members: ['b', 'a'], quorum: 0 }),
    '{"leader":"node2","quorum":0,"sync_standby":"a,b"}',
  );
  assert.deepEqual(readSync('{"leader":"node2","sync_standby":"node1"}'), {
    leader: 'node2',
    members: ['node1'],
    quorum: 0,
  });
  assert.deepEqual(readSync('{"leader":"me","quorum":1,"sync_standby":null}'), {
    leader: 'me',
    members: [],
    quorum: 1,
  });
  for (const off of ['garbage', '[]', '{}', '{"leader":null}']) assert.equal(readSync(off), null, off);
});

test('failsafe: names and addresses', () => {
  const text = '{"node1":"http://127.0.0.1:18008/patroni","node2":"http://127.0.0.1:18009/patroni"}';
  assert.equal(writeFailsafe(readFailsafe(text) ?? {}), text);
  assert.equal(readFailsafe('x'), null);
});

/** As JSON.parse would have it, which keeps large whole numbers by halves. */
function inexact(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(inexact);
  if (typeof value !== 'object' || value === null) return value;
  return JSON.parse(JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? Number(one) : one)));
}
