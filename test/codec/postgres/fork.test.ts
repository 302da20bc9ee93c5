import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partingOf, type WalHistory } from '../../../src/codec/postgres/fork.ts';
import { lsn, lsnText, timeline } from '../../../src/model/units.ts';

/** `1@0/500 2@0/900 4`: timelines with their ends, and the one it is on. */
function history(text: string): WalHistory {
  const stays = text.split(' ').map((one) => one.split('@'));
  const earlier = stays.slice(0, -1).map(([id, end]) => ({ timeline: timeline(Number(id)), end: lsn(end ?? '') }));
  return { earlier, timeline: timeline(Number(stays.at(-1)?.[0])) };
}
const parting = (mine: string, theirs: string): string | null =>
  partingOf(history(mine), history(theirs))
    ?.map(({ timeline: id, from, to }) => `${id} from ${lsnText(from)}${to === null ? '' : ` to ${lsnText(to)}`}`)
    .join(', ') ?? null;

test('who stayed on the old timeline parts where the new one begins', () => {
  assert.equal(parting('1', '1@0/500 2'), '1 from 0/500');
  assert.equal(parting('1@0/500 2', '1@0/500 2@0/900 4'), '2 from 0/900');
});

test('who was promoted beside another parts where the earlier of both left the timeline they shared', () => {
  assert.equal(parting('1@0/700 3', '1@0/500 2'), '1 from 0/500 to 0/700, 3 from 0/700');
  assert.equal(parting('1@0/500 3', '1@0/700 2'), '3 from 0/500');
  assert.equal(parting('1@0/500 2', '1'), '2 from 0/500');
});

test('the same timeline is the same history; of strangers nothing is told', () => {
  assert.equal(parting('1@0/500 2', '1@0/500 2'), '');
  assert.equal(parting('5', '1@0/500 2'), null);
});
