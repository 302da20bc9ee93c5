// node --import tsx scripts/together.mjs: the unit tests that need no process of their own, in this one, a suite each.
import { join } from 'node:path';
import { after, describe } from 'node:test';
import { pathToFileURL } from 'node:url';
import { root, together } from './testFiles.mjs';

const files = together();
const unended = new Set(files);

for (const file of files) {
  describe(file, async () => {
    after(() => unended.delete(file));
    await import(pathToFileURL(join(root, file)).href);
  });
}

// A file that ended the process would hide all after it.
process.on('exit', () => {
  if (unended.size === 0) return;
  console.error(`the process of all ended before these were done: ${[...unended].join(', ')}`);
  process.exitCode = 1;
});
