import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson } from '../../src/codec/dcs/json.ts';
import { promisedForMs, readKnownMaps, readPromised, writeKnownMaps, writePromised } from '../../src/codec/failsafe.ts';
import { readPromiseAsk, writePromiseAsk } from '../../src/codec/rest/failsafe.ts';
import type { Promised } from '../../src/model/failsafe.ts';
import { instantMs, leaseId, lsn, lsnOf, revision, term } from '../../src/model/units.ts';

/** Failsafe mode: what is asked over the wire, and what is kept on disk. */

const asked = (text: string) => readPromiseAsk(parseJson(text) as Parameters<typeof readPromiseAsk>[0]);

test('the question of a primary is one that a Patroni reads, and says more to ours', () => {
  const text = writePromiseAsk({
    name: 'n1',
    connUrl: 'postgres://n1:5433/postgres',
    apiUrl: 'http://n1:8008/patroni',
    slots: { n2: lsnOf(2n ** 60n) },
    term: term(2n ** 62n),
    ttlMs: 30_000,
    lsn: lsn('0/5000100'),
    asks: 'n2',
    tries: [leaseId(2n ** 62n), leaseId(7n)],
  });
  assert.match(
    text,
    /^\{"name":"n1","conn_url":"postgres:\/\/n1:5433\/postgres","api_url":"http:\/\/n1:8008\/patroni","slots":\{"n2":1152921504606846976\},/,
  );
  assert.deepEqual(asked(text), {
    name: 'n1',
    at: { host: 'n1', port: 5433 },
    slots: { n2: lsnOf(2n ** 60n) },
    term: term(2n ** 62n),
    ttlMs: 30_000,
    lsn: lsn('0/5000100'),
    asks: 'n2',
    tries: [leaseId(2n ** 62n), leaseId(7n)],
  });
});

test('a Patroni asks without term and ttl; what is no question is refused, with the place', () => {
  assert.deepEqual(asked('{"name": "n1", "conn_url": "x", "api_url": "y", "slots": {"a": 5, "b": "no"}}'), {
    name: 'n1',
    at: null,
    slots: { a: lsnOf(5n) },
    term: null,
    ttlMs: null,
    lsn: null,
    asks: null,
    tries: [],
  });
  assert.match(String(asked('{}')), /^name: /);
  assert.match(String(asked('{"name": "n1", "matriarch": {"term": "x"}}')), /^matriarch\.term: /);
  for (const tries of ['7', '[7]', '["x"]', '["-1"]', `[${Array(1_001).fill('"7"').join()}]`])
    assert.match(String(asked(`{"name": "n1", "matriarch": {"tries": ${tries}}}`)), /^matriarch\.tries: /, tries);
  // So long a promise would keep anybody from leading.
  for (const ttl of ['1e12', '-1', '"x"', '0'])
    assert.match(String(asked(`{"name": "n1", "matriarch": {"ttl_ms": ${ttl}}}`)), /^matriarch\.ttl_ms: /, ttl);
});

test('a promise on disk counts in its own boot only', () => {
  const promised: Promised = {
    to: 'n1',
    term: term(40n),
    givenMs: instantMs(1000.5),
    untilMs: instantMs(31_000.25),
    anybodyUntilMs: null,
    at: { host: '10.0.0.1', port: 5432 },
    lsn: lsn('1/0'),
    slots: { n2: lsn('0/10') },
  };
  assert.deepEqual(readPromised(writePromised('boot', promised), 'boot'), promised);
  assert.equal(readPromised(writePromised('boot', promised), 'another'), null);
  assert.equal(promisedForMs(writePromised('boot', promised)), 29_999.75);
  assert.equal(promisedForMs(writePromised('boot', { ...promised, untilMs: instantMs(1e12) })), 0);
  const unknown: Promised = { ...promised, to: null, term: null, at: null, lsn: null, slots: {} };
  assert.deepEqual(readPromised(writePromised('boot', unknown), 'boot'), unknown);
  for (const text of ['', '{', '[]', '{"bootId":"boot"}', '{"bootId":"boot","givenMs":"1","untilMs":2}'])
    assert.deepEqual([readPromised(text, 'boot'), promisedForMs(text)], [null, 0], text);
});

test('the maps on disk: all of them, or none', () => {
  const known = {
    term: term(40n),
    read: { members: { n1: 'http://n1:8008/patroni' }, at: revision(70n) },
    tries: [{ members: { n1: 'http://n1:8008/patroni', n2: 'http://n2:8008/patroni' }, over: revision(70n) }],
  };
  assert.deepEqual(readKnownMaps(writeKnownMaps(known)), known);
  const deleted = { ...known, tries: [{ members: null, over: revision(70n) }] };
  assert.deepEqual(readKnownMaps(writeKnownMaps(deleted)), deleted);
  assert.deepEqual(readKnownMaps(writeKnownMaps({ ...known, read: null, tries: [] })), {
    ...known,
    read: null,
    tries: [],
  });
  // Half of it would leave somebody unasked.
  const text = writeKnownMaps(known);
  for (const broken of [
    text.slice(0, -3),
    text.replace('"over":"70"', '"over":70'),
    text.replace('"at":"70"', '"at":""'),
  ])
    assert.equal(readKnownMaps(broken), null, broken);
});
