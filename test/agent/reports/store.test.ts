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
import { makeReports, type Reports } from '../../../src/agent/reports/store.ts';
import type { RepairReport } from '../../../src/model/report.ts';
import { instantMs, wallMs } from '../../../src/model/units.ts';
import type { Clock, Files } from '../../../src/model/world.ts';
import { makeFiles } from '../../../src/world/files.ts';
import { sampleReport } from '../../support/report.ts';

/** On real files, by a clock that is set. */

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
  const disk = { isFull: false };
  const notes: string[] = [];
  const real = makeFiles();
  const files: Files = {
    ...real,
    write: (path, text, mode) =>
      disk.isFull ? Promise.resolve({ kind: 'failed', why: 'ENOSPC' }) : real.write(path, text, mode),
  };
  return {
    folder: join(stateDir, 'reports'),
    notes,
    disk,
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

/** As if a repair had left them: three, the oldest first. */
async function three(reports: Reports): Promise<readonly RepairReport[]> {
  for (const at of [1, 2, 3]) {
    const id = `20261126-04031000${at}`;
    await reports.save({ ...sampleReport, id });
    mkdirSync(reports.folderOf(id), { recursive: true });
  }
  return reports.known();
}
const kept = (reports: Reports) =>
  reports.recent().map(({ id, wal }) => [id.at(-1), wal.kept, existsSync(reports.folderOf(id))]);

test('WAL that gives way is told and gone, once, however many want its room; that of a repair at work stays until its job is over', async (t) => {
  const { make, notes } = place(t);
  const reports = make();
  const [first, second] = await three(reports);
  assert.ok(first !== undefined && second !== undefined);
  reports.begin(first.id);
  assert.deepEqual(
    reports.giveWay().map(({ id }) => id.at(-1)),
    ['2', '3'],
  );
  await Promise.all([reports.removeWal([second], 'a test'), reports.removeWal([second], 'another')]);
  assert.deepEqual(kept(reports), [
    ['1', 'whole', true],
    ['2', 'removed', false],
    ['3', 'whole', true],
  ]);
  assert.deepEqual([reports.recent()[1]?.wal.why, notes.length], ['a test', 1]);
  reports.jobIsOver();
  assert.deepEqual(
    reports.giveWay().map(({ id }) => id.at(-1)),
    ['1', '3'],
  );
  reports.close();
  await reports.removeWal([first], 'after its end');
  assert.ok(existsSync(reports.folderOf(first.id)));
});

test('a disk too full to say so: what is gone counts as gone, and is written when there is room', async (t) => {
  const { folder, make, disk } = place(t);
  const reports = make();
  const [first] = await three(reports);
  assert.ok(first !== undefined);
  disk.isFull = true;
  await reports.removeWal([first], 'a full disk');
  assert.deepEqual(kept(reports)[0], ['1', 'removed', false]);
  assert.deepEqual(
    reports.giveWay().map(({ id }) => id.at(-1)),
    ['2', '3'],
  );
  const written = () => JSON.parse(readFileSync(join(folder, `${first.id}.json`), 'utf8')).wal.kept;
  assert.equal(written(), 'whole');
  disk.isFull = false;
  await reports.removeWal(reports.giveWay().slice(0, 1), 'another');
  assert.equal(written(), 'removed');
});

test('what an agent that ended left half copied goes, and what is older than the last hundred', async (t) => {
  const { folder, make } = place(t);
  const before = make();
  const none = { ...sampleReport.wal, kept: 'none', files: [], bytes: 0 } as const;
  for (let at = 0; at < 103; at += 1) {
    const id = `20261126-0403${String(at).padStart(3, '0')}`;
    await before.save({ ...sampleReport, id, ...(at === 102 ? { outcome: null, wal: none } : {}) });
    mkdirSync(before.folderOf(id));
  }
  const reports = make();
  await reports.load();
  assert.equal(reports.recent().length, 100);
  const names = readdirSync(folder).sort();
  assert.deepEqual([names.length, names[0]], [199, '20261126-0403003.json']);
  assert.ok(!existsSync(reports.folderOf('20261126-0403102')));
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
