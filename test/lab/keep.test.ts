import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { askLab } from '../../src/lab/control.ts';
import { exited } from '../../src/lab/init.ts';
import { makeLab } from '../../src/lab/lab.ts';
import { look } from '../../src/lab/place.ts';
import { labCommandLine } from '../../src/lab/program.ts';
import { until } from '../../src/lab/run.ts';
import { showStatus } from '../../src/lab/show.ts';
import { lastingTraces, tracesOf } from './traces.ts';

const options = { skip: process.getuid?.() === 0 ? false : 'machines of namespaces need root' };
const portBase = 24_000 + (process.pid % 900);

function newDir(): string {
  const dir = mkdtempSync('/tmp/matriarch-labtest-');
  rmdirSync(dir);
  return dir;
}

const begun = new Set<ChildProcess>();
/** A test that fails leaves its lab up, and nothing would ever end. */
afterEach(async () => {
  for (const child of begun) {
    begun.delete(child);
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGINT');
    await exited(child);
  }
});

/** `matriarch lab up` as a user runs it, up as far as it can answer. */
async function labUp(dir: string): Promise<ChildProcess> {
  const [program = '', ...args] = labCommandLine();
  const flags = [
    '--dir',
    dir,
    '--agent-cmd',
    'tail -f {config}',
    '--port-base',
    String(portBase),
    '--nodes',
    '2',
    '--no-traffic',
  ];
  const child = spawn(program, [...args, 'up', ...flags], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  begun.add(child);
  child.stdout?.resume();
  child.stderr?.resume();
  const answers = await until(
    () =>
      askLab(dir, { kind: 'status' }, 2000).then(
        () => true,
        () => null,
      ),
    20_000,
    100,
  );
  assert.notEqual(answers, null, 'the lab answers');
  return child;
}

for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) {
  test(`${signal} ends a lab and leaves nothing`, options, async () => {
    const dir = newDir();
    const child = await labUp(dir);
    assert.ok(tracesOf(dir).length > 5);
    child.kill(signal);
    await exited(child);
    assert.equal(child.exitCode, 0);
    assert.deepEqual(await lastingTraces(dir), []);
  });
}

test('the live page is there for as long as the lab; its address is told to who may ask', options, async () => {
  const dir = newDir();
  const child = await labUp(dir);
  const url = String(await until(() => askLab(dir, { kind: 'page' }), 5_000, 100));
  assert.match(url, new RegExp(`^http://localhost:${portBase + 2001}/#[\\w-]{16}$`));
  const page = await fetch(url);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /<title>Matriarch/);
  const status = await askLab(dir, { kind: 'status' });
  const [, mb, processes] = /^memory +(\d+) MB, all (\d+) processes/m.exec(showStatus(status)) ?? [];
  assert.ok(Number(mb) > 50 && Number(mb) < 1_500, `without PostgreSQL and agents: ${mb} MB`);
  assert.ok(Number(processes) > 12, `two machines, a client, the ground and who keeps it: ${processes} processes`);
  child.kill('SIGINT');
  await exited(child);
  await assert.rejects(fetch(url));
  assert.deepEqual(await lastingTraces(dir), []);
});

test('kill -9 ends every process, mount and interface; the next lab clears the folder away', options, async () => {
  const dir = newDir();
  const first = await labUp(dir);
  first.kill('SIGKILL');
  await exited(first);
  await until(() => (tracesOf(dir).length === 1 ? true : null), 5000, 50);
  assert.deepEqual(tracesOf(dir), [`folder ${dir}`]);
  assert.equal(look(dir).running, false);
  const second = await labUp(dir);
  assert.equal(look(dir).running, true);
  await askLab(dir, { kind: 'down' });
  await exited(second);
  assert.deepEqual(await lastingTraces(dir), []);
});

test('a folder that is not a lab’s is not touched', options, async () => {
  await assert.rejects(makeLab({ dir: '/usr/share', agentCommand: null, portBase: null }), /not empty and not a lab/);
  assert.ok(existsSync('/usr/share'));
});

test('a lab that runs is not taken over', options, async () => {
  const dir = newDir();
  const child = await labUp(dir);
  assert.equal(look(dir).state?.keptBy, 'up');
  await assert.rejects(makeLab({ dir, agentCommand: null, portBase: null }), /a lab is running/);
  child.kill('SIGINT');
  await exited(child);
  assert.deepEqual(await lastingTraces(dir), []);
});
