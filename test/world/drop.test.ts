import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { dropTo } from '../../src/world/drop.ts';

const uid = process.getuid?.() ?? 0;

test('root becomes the user asked for, with its groups, and cannot go back', { skip: uid !== 0 }, () => {
  const path = new URL('../../src/world/drop.ts', import.meta.url).pathname;
  const program = `
    import { dropTo } from '${path}';
    const dropped = dropTo(65534, 65534);
    let back = 'refused';
    try { process.setuid(0); back = 'root again'; } catch {}
    console.log(JSON.stringify([dropped.kind, process.getuid(), process.getgid(), process.getgroups(), back]));`;
  const said = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  assert.deepEqual(JSON.parse(said), ['done', 65534, 65534, [65534], 'refused']);
});

test('already that user: done; another than this one, without being root: refused', () => {
  assert.equal(dropTo(uid, process.getgid?.() ?? 0).kind, 'done');
  if (uid !== 0) assert.equal(dropTo(uid + 1, 0).kind, 'failed');
});
