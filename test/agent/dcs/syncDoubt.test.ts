import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeSyncDoubt } from '../../../src/agent/dcs/syncDoubt.ts';
import { instantMs, revision } from '../../../src/model/units.ts';
import { clock } from './node.ts';

test('a write to /sync whose answer was lost is in doubt until the key has another revision; an older read says nothing', async () => {
  let nowMs = 1_000;
  const doubt = makeSyncDoubt({ clock: { ...clock, now: () => instantMs(nowMs) } });
  await doubt.write(revision(5n), async () => ({ kind: 'done', value: null, revision: revision(6n), sentMs: nowMs }));
  assert.equal(doubt.isInDoubt(), false);

  nowMs = 2_000;
  await doubt.write(revision(6n), async () => ({ kind: 'unknown', why: 'no answer' }));
  assert.equal(doubt.isInDoubt(), true);
  doubt.seen(revision(5n), instantMs(1_990)); // sent before the write, and overtaken
  assert.equal(doubt.isInDoubt(), true);
  doubt.seen(revision(6n), instantMs(2_500));
  assert.equal(doubt.isInDoubt(), true, 'it may still arrive');
  doubt.seen(revision(7n), instantMs(2_600));
  assert.equal(doubt.isInDoubt(), false);
});
