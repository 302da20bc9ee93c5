import { after, describe } from 'node:test';
import { pathToFileURL } from 'node:url';

/** Runs test files in this process, one after another, each as a suite of its name: pairs of the name and what it was compiled to. */
export function together(files) {
  const unended = new Set(files.map(([name]) => name));
  for (const [name, file] of files) {
    describe(name, async () => {
      after(() => unended.delete(name));
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
