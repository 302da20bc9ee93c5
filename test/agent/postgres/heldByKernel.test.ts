import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pid as toPid } from '../../../src/model/units.ts';
import { makeFolder, makeNode, stopFast, world } from './node.ts';

/**
 * A process in a call to a disk that hangs does not end by SIGKILL before the disk answers. A frozen file system of one's own is
 * such a disk; it needs root, and a mount namespace that takes it along when it goes.
 */
const isRoot = process.getuid?.() === 0;
if (isRoot && process.env.OWN_MOUNTS === undefined) {
  const again = spawnSync('unshare', ['-m', process.execPath, ...process.execArgv, process.argv[1] ?? ''], {
    stdio: 'inherit',
    env: { ...process.env, OWN_MOUNTS: 'yes', NODE_TEST_CONTEXT: '' },
  });
  process.exit(again.status ?? 1);
}

test('a killed process that the kernel holds is told as such, and a stop does not wait for it', {
  skip: isRoot ? false : 'only root can freeze a file system',
}, async () => {
  const folder = makeFolder();
  const node = makeNode(folder.path, 'one', 1);
  const { dataDir } = node.settings.local.postgres;
  const [image, program] = [join(folder.path, 'disk'), join(folder.path, 'postgres')];
  const sh = (script: string): void => void execFileSync('sh', ['-c', script], { stdio: 'ignore' });
  mkdirSync(dataDir, { recursive: true });
  copyFileSync('/bin/sh', program);
  sh(`truncate -s 16M ${image}; mkfs.ext4 -q -F ${image}; mount -o loop ${image} ${dataDir}`);
  // Whatever becomes of this test, the disk does not stay frozen.
  const thaws = spawn('sh', ['-c', `sleep 30; fsfreeze -u ${dataDir}`], { stdio: 'ignore', detached: true });
  sh(`fsfreeze -f ${dataDir}`);
  const writer = spawn(program, ['-c', 'echo x >f; sleep 60'], { cwd: dataDir, stdio: 'ignore' });
  const ended = new Promise((resolve) => writer.once('exit', resolve));
  try {
    const its = toPid(writer.pid ?? 0);
    await world.clock.sleep(300);
    assert.equal(world.processes.describe(its)?.doomed, undefined, 'nobody has killed it yet');
    const stopped = await node.perform(stopFast);
    assert.deepEqual([stopped.ended, stopped.stage], ['done', 'kill'], JSON.stringify(stopped));
    const info = world.processes.describe(its);
    assert.deepEqual([info?.state, info?.doomed], ['running', true]);
    assert.ok(
      node.steps.some((step) => step.includes('held by the kernel')),
      node.steps.join(', '),
    );
  } finally {
    sh(`fsfreeze -u ${dataDir}`);
    await ended;
    if (thaws.pid !== undefined) process.kill(-thaws.pid, 'SIGKILL');
    sh(`umount ${dataDir}`);
    await node.postgres.close();
    folder.remove();
  }
  assert.equal(world.processes.describe(toPid(writer.pid ?? 0)), null, 'it ended when it was let go');
});
