import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { programRoot } from '../../src/lab/program.ts';
import { matrixScenarios } from '../../src/lab/proofs/matrix.ts';
import { shuffled } from '../../src/lab/proofs/order.ts';

/** A sample of the matrix on real machines. MATRIX_SEED=7 MATRIX_CASES=3 draws others, and more, than usual. */
const seed = Number(process.env.MATRIX_SEED ?? 1);
const times = Number(process.env.MATRIX_CASES ?? 1);

const folder = mkdtempSync(join(tmpdir(), 'matriarch-proofs-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const record = join(folder, 'record.jsonl');

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

function campaign(args: readonly string[], interruptAt?: RegExp): Promise<Ended> {
  const program = ['--import', 'tsx', join(programRoot, 'bin/matriarch.ts'), 'campaign', ...args];
  const child = spawn(process.execPath, [...program, '--record', record], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    if (interruptAt?.test(text) === true) child.kill('SIGINT');
  });
  return new Promise((settle, fail) => {
    child.once('error', fail);
    child.once('close', (code) => settle({ code, stderr }));
  });
}
const linesOfRecord = (): readonly { readonly scenario: string; readonly broken: readonly string[] }[] =>
  readFileSync(record, 'utf8')
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text));

test('cases of the matrix as the seed draws them: each ends with every member streaming, on record', async () => {
  const ran = await campaign(['matrix', '--seed', String(seed), '--times', String(times), '--report', folder]);
  assert.equal(ran.code, 0, ran.stderr);
  const drawn = shuffled(matrixScenarios(), seed).slice(0, times);
  assert.deepEqual(
    linesOfRecord().map(({ scenario, broken }) => [scenario, broken]),
    drawn.map(({ name }) => [name, []]),
  );
});

test('Ctrl-C drops the case under way: it is on no record, and the next call begins with it', async () => {
  const before = linesOfRecord();
  const ran = await campaign(['matrix', '--seed', String(seed), '--times', '1'], /making 3 machines/);
  assert.equal(ran.code, 130, ran.stderr);
  assert.deepEqual(linesOfRecord(), before);
});

test('a record that cannot be read is told with its line', async () => {
  const lines = linesOfRecord().length;
  writeFileSync(record, `${readFileSync(record, 'utf8')}{"campaign":\n`);
  const ran = await campaign(['matrix']);
  assert.equal(ran.code, 2);
  assert.ok(ran.stderr.includes(`record.jsonl, line ${lines + 1}: no JSON`), ran.stderr);
});
