import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCrashes, writeCrashes } from '../../src/codec/crashes.ts';

test('what is written is read; garbage is told from no crash', () => {
  const crashes = { atWallMs: [1_700_000_000_000, 1_700_000_060_000], startsWallMs: [1_700_000_061_000], isDown: true };
  assert.deepEqual(readCrashes(writeCrashes(crashes)), crashes);
  assert.deepEqual(readCrashes('{"atWallMs":[],"startsWallMs":[],"isDown":false}'), {
    atWallMs: [],
    startsWallMs: [],
    isDown: false,
  });
  for (const text of [
    '',
    '[]',
    '{"atWallMs":3,"isDown":true}',
    '{"atWallMs":["now"],"isDown":true}',
    '{"atWallMs":[],"isDown":true}',
    '{"atWallMs":[],"startsWallMs":["now"],"isDown":true}',
  ])
    assert.equal(readCrashes(text), null, text);
});
