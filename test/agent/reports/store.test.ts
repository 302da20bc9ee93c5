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
import type { Clock } from '../../../src/model/world.ts';
import { makeFiles } from '../../../src/world/files.ts';
import { sampleReport } from '../../support/report.ts';

/** On real files, by a clock that is set. */

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
  return {
    folder: join(stateDir, 'reports'),
    make: () => makeReports({ files: makeFiles(), clock }, stateDir),
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
  for (let tries = 0; existsSync(wal) && tries < 500; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
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
