import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { before, test } from 'node:test';
import { parse } from 'yaml';
import { statusText } from '../../bin/lab.ts';
import { bundle } from '../support/bundle.ts';

let program = '';
before(async () => {
  program = await bundle('bin/matriarch.ts');
});

/** As from a shell. What is called wrongly is told before a configuration, an etcd or a lab is looked for. */
function matriarch(...args: readonly string[]): Promise<{ readonly code: number | null; readonly stderr: string }> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stderr })));
}

const wrong: readonly (readonly [args: readonly string[], why: RegExp])[] = [
  [['why', '-n', 'abc'], /'-n, --last <count>' argument 'abc' is invalid. a whole number above 0/],
  [['why', '-n', '0'], /'-n, --last <count>' argument '0' is invalid. a whole number above 0/],
  [['lab', 'exec', '--user', 'bogus', 'node1', 'id'], /'bogus' is invalid. Allowed choices are root, postgres/],
  [['lab', 'kill', 'node1', 'agent', '--restart-after', 'abc'], /'abc' is invalid. seconds are wanted, as 5 or 0.5/],
  [['lab', 'kill', 'node1', 'agent', '--restart-after', '-1'], /'-1' is invalid. seconds are wanted/],
  [['lab', 'status', '--format', 'tsv'], /'tsv' is invalid. Allowed choices are pretty, json, yaml/],
  [['lab', 'up', '--port-base', '70000'], /'70000' is invalid. a port from 1 to 63534: /],
  [['lab', 'up', '--port-base', '63535'], /'63535' is invalid. a port from 1 to 63534: /],
];
for (const [args, why] of wrong)
  test(`matriarch ${args.join(' ')}: called wrongly`, async () => {
    const { code, stderr } = await matriarch(...args);
    assert.match(stderr, why);
    assert.equal(code, 2);
  });

test('the status of a lab is YAML where YAML is asked for', () => {
  const status = { leader: 'node1', members: [{ name: 'node1', lag: 0 }], traffic: null };
  assert.deepEqual(parse(statusText(status, 'yaml')), status);
  assert.deepEqual(JSON.parse(statusText(status, 'json')), status);
});
