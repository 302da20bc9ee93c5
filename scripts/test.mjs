// node scripts/test.mjs [GROUP…]: types, lint, unit, simulator, lab, cluster; without a name all of them, in this order.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { compiled, compileTests } from './compileTests.mjs';
import { inMemory } from './inMemory.mjs';
import { apart, folders, noScenarios, root, seeds, sharesOf, testFilesIn, withoutLab } from './testFiles.mjs';

const bin = (name) => join(root, 'node_modules/.bin', name);
const cores = availableParallelism();
/** Each scenario makes its closures anew: bin/simWorker.ts says why these. */
const seldomOptimized = ['--interrupt-budget=1000000', '--max-semi-space-size=64'];
const rulesRecorder = 'test/rules/record.ts';
const rulesCheck = 'test/rules/check.ts';
/** Ctrl-C reaches all that runs here; each ends what it made, and this process is the last to go. */
const running = new Set();
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    interrupted = true;
    if (running.size === 0) process.exit(130);
    for (const child of running) child.kill(signal);
  });

const groups = {
  types: () => [
    [bin('tsc'), ['--noEmit']],
    [bin('tsc'), ['-p', 'src/web']],
  ],
  lint: () => [
    [bin('biome'), ['check', '.']],
    [bin('knip'), []],
  ],
  unit: () => {
    const others = testFilesIn(['test/'], [...Object.values(folders).flat(), ...apart]);
    // Two more than there are cores: what has real servers waits for them most of its time. Yet it tells how late things are, too.
    return [inMemory(sideBySide(cores + 2, [others, ...apart]))];
  },
  simulator: () => {
    const scenarios = testFilesIn(folders.simulator, [seeds, ...noScenarios]);
    return [
      inMemory(sideBySide(cores, [seeds, ...noScenarios])),
      sideBySide(cores, sharesOf(scenarios, 2 * cores), [...seldomOptimized, '--import', inFolder(rulesRecorder)]),
      [process.execPath, [inFolder(rulesCheck)]],
    ];
  },
  // Tests on whole machines and clusters want this one for themselves.
  lab: () => [sideBySide(1, [withoutLab, ...testFilesIn(folders.lab, withoutLab)])],
  cluster: () => [sideBySide(1, testFilesIn(folders.cluster))],
};

/** Each of their steps takes one core. */
const atOnce = new Set(['types', 'lint']);

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in groups));
if (unknown.length > 0) {
  console.error(`no such group: ${unknown.join(', ')}; there are ${Object.keys(groups).join(', ')}`);
  process.exit(2);
}

/** Where the scenarios note which rules decided. */
process.env.RULES_FOLDER = mkdtempSync(join(tmpdir(), 'matriarch-rules-'));
process.on('exit', () => rmSync(process.env.RULES_FOLDER, { recursive: true, force: true }));

/** Where all test files are, compiled. */
const folder = await compileTests([...testFilesIn(['test/']), rulesRecorder, rulesCheck]);
const inFolder = (path) => compiled(folder, path);

const results = [];
for (const name of asked.length > 0 ? asked : Object.keys(groups)) {
  const startedMs = performance.now();
  console.log(`\n== ${name}`);
  let passed = true;
  const steps = groups[name]();
  if (atOnce.has(name)) passed = (await Promise.all(steps.map((step) => run(...step)))).every(Boolean);
  else for (const step of steps) passed = (await run(...step)) && passed;
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  results.push({ name, passed, seconds });
  console.log(`== ${name} ${passed ? 'passed' : 'FAILED'} in ${seconds} s`);
}
console.log(
  `\n${results.map(({ name, passed, seconds }) => `${name} ${passed ? 'passed' : 'FAILED'} (${seconds} s)`).join(', ')}`,
);
process.exit(results.every(({ passed }) => passed) ? 0 : 1);

/** What shares a process is an array. Each new one has its modules to load, and the simulator's to compile. */
function sideBySide(count, files, flags = []) {
  const program = ['--enable-source-maps', ...flags, 'scripts/sideBySide.mjs'];
  return [process.execPath, [...program, folder, String(count), ...files.map(String)]];
}

function run(program, args) {
  return new Promise((done) => {
    const child = spawn(program, args, { cwd: root, stdio: 'inherit' });
    running.add(child);
    child.once('error', (error) => {
      console.error(`${program} could not be started: ${error.message}`);
      done(false);
    });
    child.once('exit', (code) => {
      running.delete(child);
      if (interrupted && running.size === 0) process.exit(130);
      done(code === 0);
    });
  });
}
