import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs it with a stdout that nobody reads any more. */
function unread(...args: readonly string[]): Promise<{ readonly code: number | null; readonly stderr: string }> {
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout?.destroy();
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += String(chunk);
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stderr })));
}

test('a command whose reader has gone ends without a word', async () => {
  const program = `
    import './bin/output.ts';
    for (let i = 0; i < 5; i += 1) {
      process.stdout.write('a row\\n');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    process.exit(7);`;
  assert.deepEqual(await unread('--input-type=module', '--eval', program), { code: 0, stderr: '' });
});

test('whoever has something to end first, a lab say, is not cut short when the reader has gone', async () => {
  const program = `
    import './bin/output.ts';
    import { makeEnding } from './src/lab/ending.ts';
    const { ended } = makeEnding();
    const writing = setInterval(() => process.stdout.write('a row\\n'), 10);
    const why = await ended;
    clearInterval(writing);
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.exit(why === 'its output was closed' ? 130 : 1);`;
  assert.deepEqual(await unread('--input-type=module', '--eval', program), { code: 130, stderr: '' });
});

test('what does not get onto a full disk is no success', async () => {
  const full = openSync('/dev/full', 'w');
  const program = `import './bin/output.ts'; process.stdout.write('a row\\n'); process.exit();`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
    cwd: root,
    stdio: ['ignore', full, 'pipe'],
  });
  closeSync(full);
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.deepEqual([code, /^Error: the output could not be written: ENOSPC/.test(stderr)], [1, true], stderr);
});

for (const type of ['plain', 'json'])
  test(`an agent whose ${type} log nobody reads any more goes on`, async () => {
    const program = `
      import { outliveOutput } from './bin/output.ts';
      import { makeTell } from './bin/tell.ts';
      outliveOutput();
      const tell = makeTell({ level: 'INFO', type: '${type}' });
      const entry = { kind: 'note', atMs: 1, wall: '2030-01-01T00:00:00.000Z', level: 'info', text: 'here', because: [] };
      for (let i = 0; i < 5; i += 1) {
        tell(entry);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      process.exit(7);`;
    assert.deepEqual(await unread('--input-type=module', '--eval', program), { code: 7, stderr: '' });
  });
