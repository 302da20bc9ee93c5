// node scripts/sideBySide.mjs FOLDER COUNT FILE[,FILE…]…: test files compiled to FOLDER, COUNT processes at a time; joined by commas they
// share one.
import { setMaxListeners } from 'node:events';
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { compiled } from './compileTests.mjs';

/** In a namespace that was made for these tests (inMemory.mjs), and for nothing else. */
const outside = namespaceOf(process.ppid);
const isApart = process.env.TESTS_APART === '1' && outside !== null && outside !== namespaceOf('self');
const [compiledTo, count, ...shares] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'matriarch-tests-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

// Ctrl-C: nothing more begins, what was begun is given time to end what it made, and this process goes last.
const stop = new AbortController();
setMaxListeners(0, stop.signal); // each file listens
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    if (stop.signal.aborted) return; // told by the terminal, and by whoever began this
    stop.abort();
    setTimeout(
      () => {
        if (isApart) endOthers();
        process.exit(130);
      },
      isApart ? 1_000 : 10_000,
    );
  });

// node --test would begin them by their names, and take one core less than there are. Whatever this process was told to
// load first, they load as well.
run({ files: shares.map(entryOf), concurrency: Number(count), signal: stop.signal })
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

/** The mount namespace of a process; null: it is gone, or another user's. */
function namespaceOf(pid) {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return null;
  }
}

/** Servers whose test was killed: whoever lives in the namespace of these tests was begun by them. */
function endOthers() {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid))
    if (namespaceOf(pid) === namespaceOf('self')) process.kill(Number(pid), 'SIGKILL');
}
