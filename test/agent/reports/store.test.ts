import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeReports } from '../../../src/agent/reports/store.ts';
import { instantMs, wallMs } from '../../../src/model/units.ts';
import type { Clock, Files } from '../../../src/model/world.ts';
import { makeFiles } from '../../../src/world/files.ts';
import { sampleReport } from '../../support/report.ts';

/** On real files, by a clock that is set. */

const mebibyte = 1_048_576;

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds() && tries < 500; tries += 1) await new Promise((resolve) => setTimeout(resolve, 10));
}

function place(t: { after(clean: () => void): void }) {
  const stateDir = mkdtempSync(join(tmpdir(), 'matriarch-reports-'));
  t.after(() => rmSync(stateDir, { recursive: true }));
  let wall = Date.parse('2026-11-26T05:00:00Z');
  let due: (() => void)[] = [];
  const clock: Clock = {
    now: () => instantMs(0),
    wall: () => wallMs(wall),
    at(_atMs, fire) {
      due.push(fire);
      return () => {
        due = due.filter((one) => one !== fire);
      };
    },
    sleep: () => Promise.resolve(),
  };
  // Room is what a full folder frees, so that one that is emptied tells.
  let freeBytes: number | null = null;
  const notes: string[] = [];
  const real = makeFiles();
  const files: Files = {
    ...real,
    freeBytes: (path) => (freeBytes === null ? real.freeBytes(path) : Promise.resolve(freeBytes)),
    async remove(path) {
      const removed = await real.remove(path);
      if (freeBytes !== null) freeBytes += 64 * mebibyte;
      return removed;
    },
    write: (path, text, mode) =>
      freeBytes === 0 ? Promise.resolve({ kind: 'failed', why: 'ENOSPC' }) : real.write(path, text, mode),
  };
  return {
    folder: join(stateDir, 'reports'),
    notes,
    free: (bytes: number | null) => {
      freeBytes = bytes;
    },
    make: () => makeReports({ files, clock }, stateDir, (_level, text) => void notes.push(text)),
    set: (text: string) => {
      wall = Date.parse(text);
    },
    anHourLater: () => due.splice(0).forEach((fire) => void fire()),
    waiting: () => due.length,
  };
}

test('a file each, for this user only; the next agent has them; what is no report is passed over', async (t) => {
  const { folder, make } = place(t);
  assert.deepEqual(await make().save(sampleReport), { kind: 'done' });
  const path = join(folder, `${sampleReport.id}.json`);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  writeFileSync(join(folder, '20261127-000000-000.json'), '{"version":1,"id":"half');
  assert.deepEqual(await make().known(), [sampleReport]);
});

test('WAL goes when its time is over, an hour later at most; the report stays, and says so', async (t) => {
  const { folder, make, set, anHourLater, waiting } = place(t);
  const reports = make();
  await reports.load();
  await reports.save(sampleReport);
  const wal = reports.folderOf(sampleReport.id);
  mkdirSync(wal);
  writeFileSync(join(wal, '000000010000000000000003'), 'x');
  set('2026-12-03T04:03:10.122Z');
  anHourLater();
  await reports.known();
  assert.ok(existsSync(wal));
  set('2026-12-03T04:03:10.124Z');
  anHourLater();
  await until(() => !existsSync(wal));
  assert.ok(!existsSync(wal));
  const left = JSON.parse(readFileSync(join(folder, `${sampleReport.id}.json`), 'utf8'));
  assert.deepEqual([left.wal.kept, left.wal.bytes, left.transactions], ['removed', 0, sampleReport.transactions]);
  assert.deepEqual(reports.recent(), [left]);
  reports.close();
  assert.equal(waiting(), 0);
});

test('of many reports the last hundred stay, each with its WAL', async (t) => {
  const { folder, make } = place(t);
  const before = make();
  for (let at = 0; at < 102; at += 1) {
    const id = `20261126-0403${String(at).padStart(3, '0')}`;
    await before.save({ ...sampleReport, id });
    mkdirSync(before.folderOf(id));
  }
  await before.load();
  before.close();
  assert.equal(before.recent().length, 100);
  assert.equal(readdirSync(folder).length, 200);
  assert.ok(!existsSync(before.folderOf('20261126-0403001')));
});

test('WAL that is kept goes, the oldest first, until its disk has room; that of a repair that is under way stays', async (t) => {
  const { make, free, anHourLater: later, notes, waiting } = place(t);
  free(1_000 * mebibyte);
  const reports = make();
  await reports.load();
  for (const at of [1, 2, 3, 4]) {
    const id = `20261126-04031000${at}`;
    await reports.save({ ...sampleReport, id, ...(at === 1 ? { outcome: null, state: 'prepared' } : {}) });
    mkdirSync(reports.folderOf(id));
  }
  const kept = () => reports.recent().map(({ id, wal }) => [id.at(-1), wal.kept, existsSync(reports.folderOf(id))]);
  const all = kept();
  const bothWait = () => waiting() === 2; // for the next look at the times, and at the room
  later();
  await until(bothWait);
  assert.deepEqual(kept(), all);
  free(10 * mebibyte);
  later();
  await until(bothWait);
  assert.deepEqual(kept(), [
    ['1', 'whole', true],
    ['2', 'removed', false],
    ['3', 'removed', false],
    ['4', 'whole', true],
  ]);
  assert.equal(notes.length, 2);
  // Not even the report that it is gone can be written at first.
  free(0);
  later();
  await until(() => kept().at(-1)?.[1] === 'removed');
  assert.deepEqual(kept().at(-1), ['4', 'removed', false]);
  assert.match(reports.recent().at(-1)?.wal.why ?? '', /the disk was nearly full: 0 bytes were free/);
  reports.close();
  assert.equal(waiting(), 0);
});
