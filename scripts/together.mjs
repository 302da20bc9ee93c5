import { relative } from 'node:path';
import { after, describe } from 'node:test';
import { pathToFileURL } from 'node:url';

/** Runs test files in this process, one after another, each as a suite of its name. */
export function together(files) {
  const unended = new Set(files);
  for (const file of files) {
    describe(relative('.', file), async () => {
      after(() => unended.delete(file));
      await import(pathToFileURL(file).href);
    });
  }
  // A file that ended the process would hide all after it.
  process.on('exit', () => {
    if (unended.size === 0) return;
    console.error(`the process of these test files ended before they were done: ${[...unended].join(', ')}`);
    process.exitCode = 1;
  });
}
