import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeControlReader } from '../../../src/agent/postgres/control.ts';
import { makePatientDisk } from '../../../src/agent/postgres/disk.ts';
import { partsOf } from '../../../src/agent/postgres/parts.ts';
import { makeReports } from '../../../src/agent/reports/store.ts';
import { settings } from '../../decide/settings.ts';
import { world as real } from './node.ts';

/** Real files, and a stand-in for pg_controldata that counts how often it is asked. */

const dataDir = mkdtempSync(join(tmpdir(), 'matriarch-control-'));
after(() => rmSync(dataDir, { recursive: true, force: true }));
const file = join(dataDir, 'global/pg_control');
mkdirSync(join(dataDir, 'global'));

let asked = 0;
let says = 'in production';
const world = {
  ...real,
  processes: {
    ...real.processes,
    run: () => {
      asked += 1;
      const stdout = `Database system identifier: 7\nLatest checkpoint location: 0/28\nDatabase cluster state: ${says}\n`;
      return Promise.resolve({ kind: 'exited' as const, code: 0, stdout, stderr: '' });
    },
  },
};
const plain = settings('n1');
const local = { ...plain.local, postgres: { ...plain.local.postgres, dataDir } };
const parts = partsOf({
  world,
  settings: () => ({ ...plain, local }),
  readControl: () => Promise.resolve(''),
  rejected: { reject: () => [], restore() {} },
  reports: makeReports(world, '/nowhere', () => {}),
  sentinel: null,
  sentinelGraceMs: () => 0,
  note() {},
  step() {},
  expectStop() {},
  strike: () => Promise.reject(new Error('nobody strikes here')),
  tell: () => {},
  outlives: () => {},
});
const disk = makePatientDisk(world, { limitMs: 1_000, answersAgain() {} });
const reader = makeControlReader(parts, disk);
const state = async (): Promise<string> => {
  const control = await reader.read();
  return typeof control === 'string' ? control : control.state;
};
/** Written as PostgreSQL writes it, in place, so long ago. */
function write(text: string, agoMs: number, part = 7): void {
  writeFileSync(file, 'x');
  says = text;
  const atS = (Math.floor(Date.now() / 1_000) * 1_000 + part - Math.ceil(agoMs / 1_000) * 1_000) / 1_000;
  utimesSync(file, atS, atS);
}

test('a control file that did not change is not asked again; one that did is', async () => {
  write('in production', 5_000);
  assert.equal(await state(), 'in production');
  const once = asked;
  assert.equal(await state(), 'in production');
  assert.equal(asked, once);
  write('shut down', 5_000);
  assert.equal(await state(), 'shut down');
  assert.equal(asked, once + 1);
});

test('what was written a moment ago may change without a trace: it is asked again', async () => {
  writeFileSync(file, 'y');
  says = 'shutting down';
  assert.equal(await state(), 'shutting down');
  says = 'shut down'; // within the same tick of the kernel's clock
  assert.equal(await state(), 'shut down');
});

test('where times are whole seconds, a moment is longer', async () => {
  write('in production', 1_000, 0);
  const before = asked;
  await state();
  await state();
  assert.equal(asked, before + 2);
});

test('what a server left behind is read once more when it is forgotten, also by a reading that was under way', async () => {
  write('in production', 5_000);
  await state();
  const before = asked;
  reader.forget();
  await state();
  assert.equal(asked, before + 1);
  write('shut down', 5_000);
  const underWay = reader.read();
  reader.forget();
  await underWay;
  await state();
  assert.equal(asked, before + 3);
});
