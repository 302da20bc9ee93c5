// node --import tsx scripts/sideBySide.mjs COUNT FILE…: test files, COUNT at a time, each in a process of its own.
import { resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const [count, ...files] = process.argv.slice(2);

// node --test would begin them by their names, and take one core less than there are. Whatever this process was told to
// load first, they load as well.
run({ files: files.map((path) => resolve(path)), concurrency: Number(count) })
  .on('test:fail', () => {
    process.exitCode = 1;
  })
  .compose(spec)
  .pipe(process.stdout);
