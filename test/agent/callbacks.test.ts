import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeCallbacks } from '../../src/agent/callbacks.ts';
import type { Settings } from '../../src/model/settings.ts';
import { makeClock } from '../../src/world/clock.ts';
import { makeProcesses } from '../../src/world/processes.ts';
import { settings } from '../decide/settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'callbacks-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const clock = makeClock();
const told = join(folder, 'told');
const script = join(folder, 'callback.sh');
/** A slow one has begun when the first is there, and comes to its end when the other is. */
const [begun, go] = [join(folder, 'begun'), join(folder, 'go')];
writeFileSync(
  script,
  `#!/bin/sh\nexport PATH=/usr/bin:/bin\n[ "$1" = slow ] && { shift; : >${begun}; while [ ! -e ${go} ]; do sleep 0.05; done; }\necho "$@" >>${told}\n`,
);
chmodSync(script, 0o755);

function make() {
  const base = settings('n1');
  const all: Settings = {
    ...base,
    local: { ...base.local, stateDir: folder },
    postgres: {
      ...base.postgres,
      callbacks: { on_start: `${script} slow`, on_stop: `${script} slow`, on_role_change: script, on_reload: script },
    },
  };
  return makeCallbacks({ processes: makeProcesses(), clock }, () => all, assert.fail);
}
const lines = (): readonly string[] => (existsSync(told) ? readFileSync(told, 'utf8').trim().split('\n') : []);
async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 2000 && !holds(); tries++) await clock.sleep(10);
  assert.ok(holds(), lines().join(' | '));
}

test('a script is told event, role and cluster; a new one ends the one before, but a reload ends none [lesson 104]', async () => {
  const callbacks = make();
  callbacks.run('on_start', 'replica');
  await until(() => existsSync(begun));
  callbacks.run('on_reload', 'replica');
  await until(() => lines().includes('on_reload replica demo'));
  callbacks.run('on_role_change', 'primary');
  await until(() => lines().includes('on_role_change primary demo'));
  writeFileSync(go, '');
  await clock.sleep(400);
  assert.ok(!lines().includes('on_start replica demo'));
  rmSync(go);
});

test('the end of the agent does not end what was told of the stop', async () => {
  const callbacks = make();
  callbacks.run('on_stop', 'primary', { outlives: true });
  await callbacks.close();
  assert.ok(!lines().includes('on_stop primary demo'), 'nor does it wait for it');
  writeFileSync(go, '');
  await until(() => lines().includes('on_stop primary demo'));
});
