import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** As from a shell. What is called wrongly is told before a configuration, an etcd or a lab is looked for. */
function matriarch(...args: readonly string[]): Promise<{ readonly code: number | null; readonly stderr: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'bin/matriarch.ts', ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stderr })));
}

const wrong: readonly (readonly [args: readonly string[], why: RegExp])[] = [
  [['why', '-n', 'abc'], /'-n, --last <count>' argument 'abc' is invalid. a whole number above 0/],
  [['why', '-n', '0'], /'-n, --last <count>' argument '0' is invalid. a whole number above 0/],
];
for (const [args, why] of wrong)
  test(`matriarch ${args.join(' ')}: called wrongly`, async () => {
    const { code, stderr } = await matriarch(...args);
    assert.match(stderr, why);
    assert.equal(code, 2);
  });
