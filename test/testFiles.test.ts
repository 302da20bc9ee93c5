import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

/** How `npm test` divides the test files among processes. */
interface TestFiles {
  readonly sharesOf: (files: readonly string[], count: number) => readonly (readonly string[])[];
  readonly testFilesIn: (folders: readonly string[], but?: readonly string[]) => readonly string[];
  readonly folders: Readonly<Record<'simulator' | 'lab', readonly string[]>>;
  readonly withoutLab: readonly string[];
  readonly noScenarios: readonly string[];
  readonly longest: Readonly<Record<string, number>>;
}
const files = (await import(new URL('../scripts/testFiles.mjs', import.meta.url).href)) as TestFiles;
const { sharesOf, testFilesIn, folders, withoutLab, longest } = files;

test('every scenario is in one share, and no share takes much longer than another', () => {
  const scenarios = testFilesIn(folders.simulator, files.noScenarios);
  const shares = sharesOf(scenarios, 4);
  assert.deepEqual(shares.flat().toSorted(), scenarios);
  const seconds = shares.map((share) => share.reduce((sum, path) => sum + (longest[path] ?? 3), 0));
  assert.ok(Math.max(...seconds) - Math.min(...seconds) <= 6, seconds.join(' '));
});

test('what is named among the longest is there', () => {
  const scenarios = testFilesIn(folders.simulator);
  assert.deepEqual(
    Object.keys(longest).filter((path) => !scenarios.includes(path)),
    [],
  );
});

test('tests of the lab that share a process start no lab, no server and no program, and the others have one of their own', () => {
  const startsOne = /make(Lab|Stage|BrowserStage)\(|chromium|\bspawn|leaveRoot/;
  assert.deepEqual(
    testFilesIn(folders.lab).filter((path) => startsOne.test(readFileSync(path, 'utf8')) === withoutLab.includes(path)),
    [],
  );
});
