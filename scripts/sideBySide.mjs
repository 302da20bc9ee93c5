// node scripts/sideBySide.mjs FOLDER COUNT FILE[,FILE…]…: test files compiled to FOLDER, COUNT processes at a time; joined by commas they
// share one.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { compiled } from './compileTests.mjs';

const [compiledTo, count, ...shares] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'matriarch-tests-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

// node --test would begin them by their names, and take one core less than there are. Whatever this process was told to
// load first, they load as well.
run({ files: shares.map(entryOf), concurrency: Number(count) })
  .on('test:fail', () => {
    process.exitCode = 1;
  })
  .compose(spec)
  .pipe(process.stdout);

/** What is run for a share. */
function entryOf(share, index) {
  const files = share.split(',').map((path) => [path, compiled(compiledTo, path)]);
  if (files.length === 1) return files[0][1];
  const entry = join(folder, `share${index}.mjs`);
  const module = new URL('./together.mjs', import.meta.url).href;
  writeFileSync(entry, `import { together } from '${module}';\ntogether(${JSON.stringify(files)});\n`);
  return entry;
}
