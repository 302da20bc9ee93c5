import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leftFreeBytes, makeRoomKeeper, untilFreed } from '../../../src/agent/reports/room.ts';
import type { RepairReport } from '../../../src/model/report.ts';
import { instantMs, wallMs } from '../../../src/model/units.ts';
import type { Clock } from '../../../src/model/world.ts';
import { makeEngine } from '../../../src/sim/engine.ts';
import { makeFiles } from '../../../src/world/files.ts';
import { sampleReport } from '../../support/report.ts';

const mebibyte = 1_048_576;
const walBytes = 64 * mebibyte;

/** `count` reports with WAL, on a disk that shows what is freed after so long. */
function disk(count: number, { showsAfterMs }: { readonly showsAfterMs: number }) {
  const engine = makeEngine();
  const clock: Clock = {
    now: () => instantMs(engine.now()),
    wall: () => wallMs(engine.now()),
    at: (atMs, fire) => engine.at(atMs, fire),
    sleep: () => Promise.resolve(),
  };
  let reports: readonly RepairReport[] = Array.from({ length: count }, (_, at) => ({
    ...sampleReport,
    id: `20261126-04031000${at}`,
    wal: { ...sampleReport.wal, bytes: walBytes },
  }));
  const seen = { freeBytes: 1_000 * mebibyte, asked: 0, goneAtMs: [] as number[] };
  const files = {
    ...makeFiles(),
    freeBytes() {
      seen.asked += 1;
      return Promise.resolve(seen.freeBytes);
    },
  };
  const room = makeRoomKeeper({ files, clock }, '/reports', {
    giveWay: () => reports,
    async removeWal(gone) {
      reports = reports.filter((report) => !gone.includes(report));
      for (const { wal } of gone) {
        seen.goneAtMs.push(engine.now());
        engine.after(showsAfterMs, () => {
          seen.freeBytes += wal.bytes;
        });
      }
    },
  });
  return { engine, seen, room, left: () => reports.map(({ id }) => Number(id.at(-1))) };
}

test('as long as there is room nothing goes, and the disk is asked every five seconds', async () => {
  const { engine, seen, room, left } = disk(3, { showsAfterMs: 0 });
  seen.freeBytes = 5_000 * mebibyte;
  room.watch();
  room.watch();
  await engine.run(60_500);
  assert.deepEqual([left(), seen.asked], [[0, 1, 2], 12]);
  room.close();
  await engine.run(120_000);
  assert.equal(seen.asked, 12);
});

test('so much goes as is missing, the oldest first; and nobody looks when nothing is kept', async () => {
  const { engine, seen, room, left } = disk(4, { showsAfterMs: 0 });
  room.watch();
  await engine.run(6_000);
  seen.freeBytes = leftFreeBytes - 65 * mebibyte;
  await engine.run(8_000);
  assert.deepEqual(left(), [2, 3]);
  seen.freeBytes = 0;
  await engine.run(10_000);
  assert.deepEqual(left(), []);
  const { asked } = seen;
  await engine.run(600_000);
  assert.equal(seen.asked, asked);
});

test('a file system that shows late what was freed costs no more than one that shows it at once', async () => {
  const { engine, seen, room, left } = disk(6, { showsAfterMs: 30_000 });
  seen.freeBytes = 100 * mebibyte;
  room.watch();
  await engine.run(300_000);
  assert.deepEqual(left(), [1, 2, 3, 4, 5]);
});

test('where nothing is freed, as beneath a snapshot, one in a minute is tried', async () => {
  const { engine, seen, room } = disk(4, { showsAfterMs: 1e9 });
  seen.freeBytes = 100 * mebibyte;
  room.watch();
  await engine.run(130_000);
  assert.deepEqual(seen.goneAtMs, [5_000, 65_000, 125_000]);
});

test('where others take what is freed, the next goes after ten seconds', async () => {
  const { engine, seen, room } = disk(4, { showsAfterMs: 0 });
  seen.freeBytes = 100 * mebibyte;
  room.watch();
  engine.at(5_500, () => {
    seen.freeBytes = 101 * mebibyte;
  });
  await engine.run(16_000);
  assert.deepEqual(seen.goneAtMs, [5_000, 15_000]);
});

test('so many as hold the bytes', () => {
  const of = (bytes: number): RepairReport => ({ ...sampleReport, wal: { ...sampleReport.wal, bytes } });
  const all = [of(10), of(20), of(30)];
  assert.deepEqual(
    [untilFreed(all, 0), untilFreed(all, 10), untilFreed(all, 11)],
    [[], all.slice(0, 1), all.slice(0, 2)],
  );
  assert.deepEqual(untilFreed(all, 1_000), all);
});
