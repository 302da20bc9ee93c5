import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { after, test } from 'node:test';
import { askLab } from '../../src/lab/control.ts';
import { type FoundLab, look, writeState } from '../../src/lab/place.ts';
import { findRunning, whichTakesOrders, whichToEnd } from '../../src/lab/remote.ts';

const folder = mkdtempSync('/tmp/matriarch-remote-');
after(() => rmSync(folder, { recursive: true }));

/** This process keeps it; where it does not run, another one did. */
function found(number: number, keptBy: 'up' | 'run', running = true): FoundLab {
  const holder = { pid: 100 + number, startTicks: 1 };
  const state = { bootId: 'x', holder, ground: null, startedWall: '2030-01-01T00:00:00.000Z', keptBy };
  return { dir: `/labs/${number}`, state, running };
}
const up = found(1, 'up');
const run = found(2, 'run');
const dead = found(3, 'run', false);
const dirsOf = (labs: readonly FoundLab[]): readonly string[] => labs.map(({ dir }) => dir);

test('who keeps a lab is in its folder; one that a run keeps says that it takes no orders', () => {
  writeState(folder, { ground: null, keptBy: 'run' });
  assert.equal(look(folder).state?.keptBy, 'run');
  assert.throws(
    () => findRunning(folder),
    new RegExp(
      `^Error: the lab in ${folder} is kept by "lab run", a bench or a test \\(process ${process.pid}\\): it takes no orders$`,
    ),
  );
  writeState(folder, { ground: null, keptBy: 'up' });
  assert.equal(findRunning(folder).dir, folder);
});

test('a lab without a desk is told in words, not as a socket', async () => {
  await assert.rejects(askLab(folder, { kind: 'status' }), /takes no orders: it is being made still, or ends$/);
});

test('orders go to the one lab that takes them, beside whatever runs for itself', () => {
  assert.equal(whichTakesOrders([run, up, dead], undefined), up);
  assert.throws(() => whichTakesOrders([dead], undefined), /^Error: no lab is running: start one/);
  assert.throws(() => whichTakesOrders([dead], '/labs/3'), /^Error: no lab is running in \/labs\/3:/);
  assert.throws(() => whichTakesOrders([run, up, found(4, 'up')], undefined), /--dir: \/labs\/1, \/labs\/4$/);
});

test('down spares what a run keeps, unless it is named or meant', () => {
  const meant = { dir: undefined, evenARun: false };
  const both = whichToEnd([up, run, dead], meant);
  assert.deepEqual([dirsOf(both.ended), dirsOf(both.spared)], [['/labs/1', '/labs/3'], ['/labs/2']]);
  assert.throws(
    () => whichToEnd([run, dead], meant),
    /^Error: the lab in \/labs\/2 is kept by "lab run", a bench or a test \(process 102\): end it with --dir \/labs\/2, or with --even-a-run$/,
  );
  assert.deepEqual(dirsOf(whichToEnd([run], { dir: '/labs/2', evenARun: false }).ended), ['/labs/2']);
  assert.deepEqual(dirsOf(whichToEnd([run, dead], { ...meant, evenARun: true }).ended), ['/labs/2', '/labs/3']);
  assert.throws(() => whichToEnd([up, run], { ...meant, evenARun: true }), /--dir: \/labs\/1, \/labs\/2$/);
  assert.deepEqual(dirsOf(whichToEnd([dead], meant).ended), ['/labs/3'], 'what is left of it goes');
});
