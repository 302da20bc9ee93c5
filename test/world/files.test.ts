import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeFiles } from '../../src/world/files.ts';
import { makeInPlace } from '../../src/world/inPlace.ts';

const files = makeFiles();
const home = mkdtempSync('/tmp/files-');
after(() => rmSync(home, { recursive: true, force: true }));
const at = (name: string): string => join(home, name);

test('a write replaces the whole file, with the mode asked for, and leaves nothing beside it', async () => {
  mkdirSync(at('w'));
  assert.deepEqual(await files.write(at('w/f'), 'one', 0o644), { kind: 'done' });
  assert.deepEqual(await files.write(at('w/f'), 'two', 0o600), { kind: 'done' });
  assert.equal(readFileSync(at('w/f'), 'utf8'), 'two');
  assert.equal(statSync(at('w/f')).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(at('w')), ['f']);
  const failed = await files.write(at('no/such/f'), 'x', 0o600);
  assert.ok(failed.kind === 'failed' && /ENOENT/.test(failed.why));
});

test('what is not there is absent; what cannot be read says why', async () => {
  assert.deepEqual(await files.read(at('none')), { kind: 'absent' });
  assert.deepEqual(await files.list(at('none')), { kind: 'absent' });
  assert.deepEqual(await files.stat(at('none/deeper')), { kind: 'absent' });
  const folder = await files.read(home);
  assert.ok(folder.kind === 'unreadable' && /EISDIR/.test(folder.why));
  writeFileSync(at('plain'), 'x');
  const below = await files.stat(at('plain/x'));
  assert.equal(below.kind, 'absent');
  assert.equal((await files.stat(at('plain'))).kind, 'file');
  assert.equal((await files.stat(home)).kind, 'directory');
});

test('removing a tree leaves alone what its links point to', async () => {
  mkdirSync(at('tree/sub'), { recursive: true });
  mkdirSync(at('kept'));
  writeFileSync(at('kept/f'), 'x');
  symlinkSync(at('kept'), at('tree/sub/link'));
  symlinkSync(at('kept'), at('direct'));
  assert.deepEqual(await files.remove(at('tree')), { kind: 'done' });
  assert.deepEqual(await files.remove(`${at('direct')}/`), { kind: 'done' });
  assert.deepEqual(await files.remove(at('tree')), { kind: 'done' }, 'absent is done');
  assert.equal(existsSync(at('tree')) || existsSync(at('direct')), false);
  assert.equal(readFileSync(at('kept/f'), 'utf8'), 'x');
});

test('append, rename, folders, free room', async () => {
  await files.append(at('log'), 'a\n', 0o600);
  await files.append(at('log'), 'b\n', 0o600);
  assert.deepEqual(await files.rename(at('log'), at('log.1')), { kind: 'done' });
  assert.deepEqual(await files.read(at('log.1')), { kind: 'text', text: 'a\nb\n' });
  await files.makeDirectory(at('d/e'), 0o700);
  assert.deepEqual(await files.makeDirectory(at('d/e'), 0o700), { kind: 'done' });
  assert.equal(statSync(at('d/e')).mode & 0o777, 0o700);
  assert.deepEqual(await files.copy(at('log.1'), at('d/copy')), { kind: 'done' });
  assert.equal(readFileSync(at('d/copy'), 'utf8'), 'a\nb\n');
  assert.equal(statSync(at('d/copy')).mode & 0o777, 0o600);
  assert.equal((await files.copy(at('none'), at('d/none'))).kind, 'failed');
  assert.deepEqual(readdirSync(at('d')).sort(), ['copy', 'e']);
  assert.ok((await files.freeBytes(home)) ?? -1 > 0);
  assert.equal(await files.freeBytes(at('none')), null);
});

test('a lock is held by one, and free again when released', async () => {
  const first = await files.lock(at('lock'));
  assert.ok(first.kind === 'locked');
  assert.deepEqual(await files.lock(at('lock')), { kind: 'held' });
  assert.throws(() => execFileSync('flock', ['-n', at('lock'), 'true'], { stdio: 'ignore' }), "the kernel's lock");
  first.release();
  first.release();
  const second = await files.lock(at('lock'));
  assert.ok(second.kind === 'locked');
  second.release();
  assert.equal((await files.lock(at('no/such/lock'))).kind, 'failed');
});

test('a text is replaced in place: whole, shorter or longer', async () => {
  const keep = makeInPlace();
  for (const length of [60, 1, 30, 0, 45]) {
    const text = `${'x'.repeat(length)}\n`;
    assert.deepEqual(await keep(at('inPlace'), text, 0o600), { kind: 'done' });
    assert.equal(readFileSync(at('inPlace'), 'utf8'), text);
    assert.equal(statSync(at('inPlace')).mode & 0o777, 0o600);
  }
});

test('a full disk does not keep a text from being replaced in place', { skip: process.getuid?.() !== 0 }, async () => {
  mkdirSync(at('small'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', at('small')]);
  try {
    const keep = makeInPlace();
    assert.deepEqual(await keep(at('small/f'), 'first\n', 0o600), { kind: 'done' });
    assert.deepEqual(await keep(at('small/f'), 'second\n', 0o600), { kind: 'done' });
    assert.throws(() => writeFileSync(at('small/filler'), 'x'.repeat(100_000)), /ENOSPC/);
    assert.equal((await files.write(at('small/g'), 'x', 0o600)).kind, 'failed');
    assert.deepEqual(await keep(at('small/f'), 'third\n', 0o600), { kind: 'done' });
    assert.equal(readFileSync(at('small/f'), 'utf8'), 'third\n');
  } finally {
    execFileSync('umount', [at('small')]);
  }
});

/** The folders that are synced while something is done, by their paths. */
async function syncedDuring(work: () => Promise<unknown>): Promise<readonly string[]> {
  const probe = await open(home, 'r');
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  const { sync } = prototype;
  const synced: string[] = [];
  prototype.sync = function (this: FileHandle) {
    synced.push(readlinkSync(`/proc/self/fd/${this.fd}`));
    return sync.call(this);
  };
  try {
    await work();
  } finally {
    prototype.sync = sync;
  }
  return synced.map((path) => path.replace(`${home}/`, ''));
}

/** The mark of a finished copy that is back after a power cut makes whole data half data. */
test('what is removed, renamed or made stays so over a power cut: its folder is synced before it is done', async () => {
  await files.makeDirectory(at('s/t'), 0o700);
  writeFileSync(at('s/t/f'), 'x');
  assert.deepEqual(await syncedDuring(() => files.rename(at('s/t/f'), at('s/g'))), ['s', 's/t']);
  assert.deepEqual(await syncedDuring(() => files.remove(at('s/g'))), ['s']);
  assert.deepEqual(await syncedDuring(() => files.remove(at('s/g'))), ['s'], 'whoever removed it may have died since');
  assert.deepEqual(await syncedDuring(() => files.makeDirectory(at('s/u/v'), 0o700)), ['s/u', 's']);
  assert.deepEqual(await syncedDuring(() => files.sync(at('s/u'))), ['s/u', 's']);
  assert.deepEqual(await files.sync(at('s/none')), { kind: 'done' });
  assert.deepEqual(await files.remove(at('s/none/deeper')), { kind: 'done' });
  assert.deepEqual(await syncedDuring(() => files.write(at('s/t/h'), 'x', 0o600)).then((all) => all.at(-1)), 's/t');
  assert.deepEqual(await syncedDuring(() => files.forget(at('s/t/h'))), [], 'nobody waits for the disk here');
  assert.ok(!existsSync(at('s/t/h')));
});
