import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Journal, makeJournal } from '../../src/agent/journal.ts';
import { momentOf } from '../../src/model/moment.ts';
import { instantMs, wallMs } from '../../src/model/units.ts';
import { makeFiles } from '../../src/world/files.ts';

const folder = mkdtempSync(join(tmpdir(), 'matriarch-journal-'));
after(() => rmSync(folder, { recursive: true }));

const bootedMs = Date.parse('2026-11-27T10:00:00Z');
let atMs = 0;
const clock = { now: () => instantMs(atMs), wall: () => wallMs(bootedMs + atMs) };
const path = join(folder, 'journal.jsonl');
const open = () => makeJournal({ clock, files: makeFiles() } as never, path, () => {});
const seen = { leader: 'n1' };
const decided = {
  kind: 'decided',
  rule: 'standby.following',
  reason: 'follows',
  because: [],
  passed: [],
  actions: [],
  seen,
} as never;

/** One each second, on disk as they come: what is not written yet is bounded. */
async function decideUntil(journal: Journal, endMs: number): Promise<void> {
  for (; atMs < endMs; atMs += 1_000) {
    journal.record(decided);
    if (atMs % 500_000 === 0) await journal.flushed();
  }
  await journal.flushed();
}

test('a moment of long ago is found on the disk: before the last turn of the file, and of an agent that has ended', async () => {
  const first = open();
  await decideUntil(first, 2_500_000);
  renameSync(path, `${path}.1`);
  const later = open();
  const begunMs = atMs;
  await decideUntil(later, begunMs + 1_200_000);
  appendFileSync(path, '{"kind":"decided","rule":"half a li');
  const wallAt = async (ofMs: number) => {
    const around = await later.around(bootedMs + ofMs);
    const moment = momentOf(around, bootedMs + ofMs);
    const msOf = (wall: string | undefined) => (wall === undefined ? null : Date.parse(wall) - bootedMs);
    return [msOf(moment?.decided.wall), msOf(moment?.next?.wall), msOf(around[0]?.wall)];
  };
  assert.deepEqual(await wallAt(1_500), [1_000, 2_000, 0], 'the first file');
  assert.deepEqual(await wallAt(2_500_500), [2_500_000, 2_501_000, 0], 'the second');
  const lastMs = atMs - 1_000;
  assert.deepEqual((await wallAt(lastMs + 500)).slice(0, 2), [lastMs, null], 'memory');
  assert.deepEqual(await wallAt(-5_000), [null, null, 0], 'before the first of all: from when on there is one');
});
