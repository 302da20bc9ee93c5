import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { failsafeMutants } from './failsafe.ts';
import { mutants } from './list.ts';
import { quorumMutants, synchronousMutants } from './synchronous.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('each mutant takes away something that is there, once: one that does not would be a hunt for nothing', () => {
  const wrong: string[] = [];
  for (const { name, edits, ground } of [...mutants, ...synchronousMutants, ...quorumMutants, ...failsafeMutants])
    for (const { file, find } of [...edits, ...(ground?.edits ?? [])]) {
      const times = readFileSync(`${root}/${file}`, 'utf8').split(find).length - 1;
      if (times !== 1) wrong.push(`${name}: ${file} has it ${times} times: ${find}`);
    }
  assert.deepEqual(wrong, []);
});
