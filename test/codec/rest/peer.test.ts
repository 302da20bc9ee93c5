import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readPeerStatus } from '../../../src/codec/rest/peer.ts';

const read = (fields: object) => readPeerStatus(JSON.stringify({ state: 'running', role: 'replica', ...fields }));

test('what a peer says, in this and older spellings [lesson 9]', () => {
  const standby = read({ xlog: { received_location: 50331744, replayed_location: 50331700 }, timeline: 2 });
  assert.deepEqual([standby?.position, standby?.timeline, standby?.runsAsPrimary], [50331744n, 2, false]);
  const table: readonly [fields: object, runsAsPrimary: boolean, position: bigint | null][] = [
    [{ role: 'primary', xlog: { location: 7 } }, true, 7n],
    [{ role: 'master', wal: { location: '9007199254740993' } }, true, 9007199254740993n],
    [{ role: 'master', state: 'stopped' }, false, null],
    // Whatever it calls itself: who has a location writes.
    [{ role: 'replica', xlog: { location: 7 } }, true, 7n],
    [{ xlog: { location: 0, received_location: 0, replayed_location: 5 } }, false, 5n],
    [{ xlog: { received_location: -1, replayed_location: 'x' } }, false, null],
    [{ xlog: [] }, false, null],
  ];
  for (const [fields, runsAsPrimary, position] of table) {
    const said = read(fields);
    assert.deepEqual([said?.runsAsPrimary, said?.position], [runsAsPrimary, position], JSON.stringify(fields));
  }
});

test('only positive proof that a peer is no primary counts', () => {
  const table: readonly [fields: object, noPrimary: boolean][] = [
    [{}, true],
    [{ state: 'streaming' }, true],
    [{ state: 'starting' }, false],
    [{ state: 'unknown' }, false],
    [{ state: 'stopped' }, false],
    [{ role: 'primary' }, false],
    [{ role: 'demoted', state: 'stopping' }, false],
    [{ xlog: { location: 7 } }, false],
    // Ours say it plainly.
    [{ state: 'stopped', matriarch: { may_write: false } }, true],
    [{ state: 'running', matriarch: { may_write: true } }, false],
    [{ state: 'running', matriarch: { may_write: 'no' } }, false],
    [{ xlog: { location: 7 }, matriarch: { may_write: false } }, false],
  ];
  for (const [fields, noPrimary] of table) assert.equal(read(fields)?.noPrimary, noPrimary, JSON.stringify(fields));
});

test('how old is what it says: a Patroni looks as it answers, ours tell, and an agent that does not tell may say anything', () => {
  const table: readonly [fields: object, lookedAgoMs: number | null][] = [
    [{}, 0],
    [{ matriarch: { looked_ms_ago: 1200 } }, 1200],
    [{ matriarch: { looked_ms_ago: -1 } }, null],
    [{ matriarch: { looked_ms_ago: '7' } }, null],
    [{ matriarch: {} }, null],
  ];
  for (const [fields, ago] of table) assert.equal(read(fields)?.lookedAgoMs, ago, JSON.stringify(fields));
});

test('tags: nofailover counts before the priority', () => {
  const table: readonly [tags: unknown, nofailover: boolean, priority: number][] = [
    [{}, false, 1],
    [{ nofailover: true }, true, 1],
    [{ nofailover: 'yes' }, true, 1],
    [{ failover_priority: 0 }, true, 0],
    [{ failover_priority: '2' }, false, 2],
    [{ nofailover: false, failover_priority: 0 }, false, 0],
    [{ failover_priority: 'high' }, false, 1],
    ['garbage', false, 1],
  ];
  for (const [tags, nofailover, priority] of table) {
    const said = read({ tags });
    assert.deepEqual([said?.nofailover, said?.failoverPriority], [nofailover, priority], JSON.stringify(tags));
  }
  assert.deepEqual([read({ watchdog_failed: true })?.watchdogFailed, read({})?.watchdogFailed], [true, false]);
});

test('what is no status is nothing, and nothing makes the reader fail', () => {
  for (const text of ['', 'x', '[]', '{}', '{"state": "running"}', '{"state": 1, "role": "replica"}', '<html>'])
    assert.equal(readPeerStatus(text), null, text);
  fc.assert(fc.property(fc.oneof(fc.json(), fc.string()), (text) => void readPeerStatus(text)));
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('xlog', 'tags', 'timeline'), fc.jsonValue()),
      (fields) => void read(fields),
    ),
  );
});

test('what hinders a peer is taken from its own word, and a good one, or a Patroni, is hindered by nothing', () => {
  assert.equal(read({ matriarch: { health: 'disk full', health_for_ms: 5 } })?.hindrance, 'disk full');
  assert.equal(read({ matriarch: { health: 'good' } })?.hindrance, undefined);
  assert.equal(read({ matriarch: {} })?.hindrance, undefined);
  assert.equal(read({})?.hindrance, undefined);
});
