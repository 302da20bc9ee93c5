import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeCrashes } from '../../src/agent/crashes.ts';
import { crashesFile } from '../../src/codec/crashes.ts';
import { instantMs, wallMs } from '../../src/model/units.ts';
import type { Files } from '../../src/model/world.ts';
import { makeFiles } from '../../src/world/files.ts';

const stateDir = mkdtempSync(join(tmpdir(), 'matriarch-crashes-'));
after(() => rmSync(stateDir, { recursive: true }));

let atMs = 100_000;
const clock = { now: () => instantMs(atMs), wall: () => wallMs(1_700_000_000_000 + atMs) };
const notes: string[] = [];
const note = (_level: 'warning', text: string): void => void notes.push(text);
const down = { crash: { sinceMs: instantMs(99_000), attemptsMs: [instantMs(99_500)] }, crashes: [instantMs(99_000)] };

test('the next agent knows when it went down, and how often it was started since, by its own clock', async () => {
  const first = makeCrashes({ clock: clock as never, files: makeFiles() }, { stateDir, note });
  first.keep(down);
  await first.flushed();
  atMs += 1_000;
  const { crash, crashes } = await makeCrashes(
    { clock: clock as never, files: makeFiles() },
    { stateDir, note },
  ).load();
  assert.deepEqual([crash?.sinceMs, crash?.attemptsMs, crashes], [101_000, [99_500], [99_000]]);
  assert.deepEqual(notes, []);
});

test('the disk is full as the server goes down: told once, and written when there is room', async () => {
  rmSync(crashesFile(stateDir));
  const files = makeFiles();
  let full = true;
  const write: Files['write'] = async (...how) => (full ? { kind: 'failed', why: 'ENOSPC' } : files.write(...how));
  const crashes = makeCrashes({ clock: clock as never, files: { ...files, write } }, { stateDir, note });
  for (let look = 0; look < 3; look++) {
    crashes.keep(down);
    await crashes.flushed();
  }
  assert.equal(notes.length, 1);
  full = false;
  crashes.keep(down);
  await crashes.flushed();
  assert.equal((await files.read(crashesFile(stateDir))).kind, 'text');
});

test('garbage counts as no crash, and is told', async () => {
  await makeFiles().write(crashesFile(stateDir), '{', 0o600);
  assert.deepEqual(await makeCrashes({ clock: clock as never, files: makeFiles() }, { stateDir, note }).load(), {
    crash: null,
    crashes: [],
  });
  assert.match(notes.at(-1) ?? '', /crashes\.json: no list of crashes/);
});
