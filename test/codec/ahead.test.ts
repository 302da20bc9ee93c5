import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAhead, writeAhead } from '../../src/codec/ahead.ts';
import { reachesEnd } from '../../src/codec/postgres/waldump.ts';
import { readPeerStatus } from '../../src/codec/rest/peer.ts';
import { lsn, term } from '../../src/model/units.ts';

test('that a standby is ahead is written and read; any other verdict is nothing, and garbage counts for nothing', () => {
  const judged = {
    leader: 'n1',
    leaderTimeline: null,
    term: term(40n),
    verdict: 'ahead',
    rewound: false,
    ahead: { mine: lsn('1A/5000100'), leader: lsn('1A/5000080') },
  } as const;
  const text = writeAhead(judged);
  assert.deepEqual(readAhead(text ?? ''), judged);
  assert.equal(writeAhead({ ...judged, verdict: 'none' }), null);
  assert.equal(writeAhead(null), null);
  for (const garbage of ['', '[]', '{"leader":"n1"}', text?.replace('"40"', '40'), text?.replace('1A/5000100', 'far')])
    assert.equal(readAhead(garbage ?? ''), null, garbage);
});

test('the WAL ends too early only where pg_waldump met its end; what it failed of otherwise tells nothing', () => {
  assert.equal(reachesEnd(0, ''), true);
  const end =
    'pg_waldump: error: error in WAL record at 0/3050EB0: invalid record length at 0/3050EE8: wanted 24, got 0';
  assert.equal(reachesEnd(1, end), false);
  assert.equal(
    reachesEnd(1, 'pg_waldump: error: could not find file "000000010000000000000004": No such file or directory'),
    false,
  );
  // As behind the end of a segment that was left early.
  assert.equal(reachesEnd(1, 'pg_waldump: error: could not find a valid record after 0/200B2F8'), null);
  assert.equal(reachesEnd(1, 'pg_waldump: error: could not open directory "x": Permission denied'), null);
});

test('how far a standby has replayed is read apart from what it received; a primary tells none', () => {
  const status = (xlog: object, role = 'replica'): string => JSON.stringify({ state: 'running', role, xlog });
  const said = readPeerStatus(status({ received_location: 200, replayed_location: 150 }));
  assert.deepEqual([said?.position, said?.replayed], [200n, 150n]);
  assert.equal(readPeerStatus(status({ location: 200 }, 'primary'))?.replayed, undefined);
  assert.equal(readPeerStatus(status({ received_location: 200, replayed_location: 0 }))?.replayed, undefined);
});
