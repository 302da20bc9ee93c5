// node scripts/test.mjs [GROUP…]: types, lint, unit, simulator, lab, cluster; without a name all of them, in this order.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => join(root, 'node_modules/.bin', name);
const nodeTest = ['--import', 'tsx', '--test', '--test-reporter=spec'];

/** Tests on whole machines and clusters want this one for themselves: one file at a time, after all others. */
const folders = {
  simulator: ['test/sim/', 'test/scenarios/'],
  lab: ['test/lab/'],
  cluster: ['test/cluster/'],
};
const alone = ['--test-concurrency=1'];
const groups = {
  types: () => [
    [bin('tsc'), ['--noEmit']],
    [bin('tsc'), ['-p', 'src/web']],
  ],
  lint: () => [
    [bin('biome'), ['check', '.']],
    [bin('knip'), []],
  ],
  unit: () => runTests((path) => !isIn(path, Object.values(folders).flat()), []),
  simulator: () => [
    ...runTests((path) => isIn(path, folders.simulator), [...alone, '--import', './test/rules/record.ts']),
    [process.execPath, ['--import', 'tsx', 'test/rules/check.ts']],
  ],
  lab: () => runTests((path) => isIn(path, folders.lab), alone),
  cluster: () => runTests((path) => isIn(path, folders.cluster), alone),
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in groups));
if (unknown.length > 0) {
  console.error(`no such group: ${unknown.join(', ')}; there are ${Object.keys(groups).join(', ')}`);
  process.exit(2);
}

/** Where the scenarios note which rules decided. */
process.env.RULES_FOLDER = mkdtempSync(join(tmpdir(), 'matriarch-rules-'));
process.on('exit', () => rmSync(process.env.RULES_FOLDER, { recursive: true, force: true }));

const results = [];
for (const name of asked.length > 0 ? asked : Object.keys(groups)) {
  const startedMs = performance.now();
  console.log(`\n== ${name}`);
  let passed = true;
  for (const [program, args] of groups[name]()) passed = (await run(program, args)) && passed;
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  results.push({ name, passed, seconds });
  console.log(`== ${name} ${passed ? 'passed' : 'FAILED'} in ${seconds} s`);
}
console.log(
  `\n${results.map(({ name, passed, seconds }) => `${name} ${passed ? 'passed' : 'FAILED'} (${seconds} s)`).join(', ')}`,
);
process.exit(results.every(({ passed }) => passed) ? 0 : 1);

function isIn(path, some) {
  return some.some((folder) => path.startsWith(folder));
}

function runTests(wanted, options) {
  const files = testFiles().filter(wanted);
  return files.length === 0 ? [] : [[process.execPath, [...nodeTest, ...options, ...files]]];
}

function testFiles() {
  const folder = join(root, 'test');
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true }).map(String);
  return names
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join('test', name))
    .sort();
}

function run(program, args) {
  return new Promise((done) => {
    const child = spawn(program, args, { cwd: root, stdio: 'inherit' });
    child.once('error', (error) => {
      console.error(`${program} could not be started: ${error.message}`);
      done(false);
    });
    child.once('exit', (code) => done(code === 0));
  });
}
