import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { keepWal } from '../../../src/agent/postgres/jobs/report/keep.ts';
import type { PostgresParts } from '../../../src/agent/postgres/parts.ts';
import { makeReports } from '../../../src/agent/reports/store.ts';
import { instantMs, lsn, timeline, wallMs } from '../../../src/model/units.ts';
import type { Clock } from '../../../src/model/world.ts';
import { makeFiles } from '../../../src/world/files.ts';
import { sampleReport } from '../../support/report.ts';

const segmentBytes = 1_048_576;
const older = '20261101-000000-001';
const mine = '20261126-000000-001';

/** Three segments to keep, and two that an older report keeps; on a disk of which so much is free. */
async function place(
  t: { after(clean: () => void): void },
  freeBytes: () => number | null,
  { walBytesMax = 1e12, olders = [older], roomPatienceMs = 0 } = {},
) {
  const home = mkdtempSync(join(tmpdir(), 'matriarch-keep-'));
  t.after(() => rmSync(home, { recursive: true }));
  const [dataDir, stateDir] = [join(home, 'data'), join(home, 'state')];
  mkdirSync(join(dataDir, 'pg_wal'), { recursive: true });
  for (const at of [3, 4, 5])
    writeFileSync(
      join(dataDir, 'pg_wal', `0000000100000000${String(at).padStart(8, '0')}`),
      Buffer.alloc(segmentBytes),
    );
  const real = makeFiles();
  const copies = { made: 0, onEach: () => {}, onWait: () => {}, fail: false };
  const files = {
    ...real,
    freeBytes: () => Promise.resolve(freeBytes()),
    copy(from: string, to: string) {
      copies.made += 1;
      copies.onEach();
      return copies.fail ? Promise.resolve({ kind: 'failed', why: 'ENOSPC' } as const) : real.copy(from, to);
    },
  };
  let now = 0;
  const passed: number[] = [];
  const clock: Clock = {
    now: () => instantMs(now),
    wall: () => wallMs(Date.parse('2026-11-26T05:00:00Z') + now),
    at: () => () => {},
    sleep(ms) {
      now += ms;
      passed.push(now);
      return Promise.resolve();
    },
  };
  const world = { files, clock };
  const reports = makeReports(world, stateDir, () => {});
  t.after(() => reports.close());
  for (const id of olders) {
    await reports.save({ ...sampleReport, id, wal: { ...sampleReport.wal, bytes: 2 * segmentBytes } });
    mkdirSync(reports.folderOf(id));
  }
  reports.begin(mine);
  const settings = { stateDir, reports: { keepMs: 86_400_000, walBytesMax, roomPatienceMs } };
  const parts = {
    world,
    reports,
    settings: () => ({ local: settings }),
    places: () => ({ dataDir }),
    note() {},
  } as unknown as PostgresParts;
  const beyond = {
    timeline: timeline(1),
    atLeast: lsn('0/300000'),
    systemId: sampleReport.systemId,
    stretches: [{ timeline: timeline(1), from: lsn('0/300100'), to: null }],
  } as unknown as Parameters<typeof keepWal>[3]['beyond'];
  const abort = new AbortController();
  return {
    copies,
    reports,
    abort,
    keep: () =>
      keepWal(parts, { signal: abort.signal, progress: () => copies.onWait() }, mine, {
        beyond,
        end: lsn('0/500100'),
        patient: true,
      }),
    passed,
    older: async () => (await reports.known()).find(({ id }) => id === older)?.wal.kept,
  };
}

test('where there is room for all of it, nothing else gives way', async (t) => {
  const { keep, older: kept } = await place(t, () => 6 * segmentBytes);
  const wal = await keep();
  assert.deepEqual([wal?.kept, wal?.bytes, await kept()], ['whole', 3 * segmentBytes, 'whole']);
});

test('the older gives way where that is enough, by the disk and by the settings; what goes counts at once', async (t) => {
  for (const [free, most] of [
    [5 * segmentBytes, 1e12],
    [1e9, 4 * segmentBytes],
  ] as const) {
    const { keep, older: kept } = await place(t, () => free, { walBytesMax: most });
    const wal = await keep();
    assert.deepEqual([wal?.kept, wal?.why, await kept()], ['whole', null, 'removed']);
  }
});

test('where it would not be enough, or what is free is not known, the older stays', async (t) => {
  for (const free of [3.5 * segmentBytes, null]) {
    const { keep, older: kept } = await place(t, () => free);
    const wal = await keep();
    assert.notEqual(wal?.kept, 'whole');
    assert.equal(await kept(), 'whole', `${free}`);
  }
});

test('a copy that is broken off leaves nothing behind that would take the room of the next', async (t) => {
  const { keep, abort, copies, reports, older: kept } = await place(t, () => 6 * segmentBytes);
  copies.onEach = () => copies.made === 2 && abort.abort();
  assert.equal(await keep(), null);
  assert.ok(!existsSync(reports.folderOf(mine)));
  assert.deepEqual([readdirSync(reports.folderOf(older)), await kept()], [[], 'whole']);
});

test('where what was given up does not show as free, one more goes each minute, and not each time that it is tried', async (t) => {
  const olders = ['20261101-000000-001', '20261101-000000-002', '20261101-000000-003'];
  const { keep, abort, copies, passed, reports } = await place(t, () => 5 * segmentBytes, {
    olders,
    roomPatienceMs: 3_600_000,
  });
  copies.fail = true;
  copies.onWait = () => (passed.at(-1) ?? 0) >= 90_000 && abort.abort();
  assert.equal(await keep(), null);
  const left = (await reports.known()).filter(({ wal }) => wal.kept === 'whole').map(({ id }) => id);
  assert.deepEqual(left, olders.slice(2));
});
