import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pid as pidOf } from '../../src/model/units.ts';
import { makeProcesses } from '../../src/world/processes.ts';
import { clock, until } from '../guardian/machine.ts';

const processes = makeProcesses();
const home = mkdtempSync('/tmp/processes-');
after(() => rmSync(home, { recursive: true, force: true }));
const env = { PATH: process.env.PATH ?? '' };
const sh = (script: string, more: object = {}) => ({ program: 'sh', args: ['-c', script], env, ...more });

test('a tool gets its input and exactly its environment; its output comes line by line and whole', async () => {
  process.env.LEAKED = 'yes';
  const lines: string[] = [];
  const ended = await processes.run(
    sh('cat; echo "<$LEAKED$GIVEN>"; echo oops >&2; exit 3', {
      input: 'in\n',
      env: { GIVEN: 'x' },
      onLine: (line: string) => lines.push(line),
    }),
    5_000,
  );
  assert.deepEqual(ended, { kind: 'exited', code: 3, stdout: 'in\n<x>\n', stderr: 'oops\n' });
  assert.deepEqual(lines.sort(), ['<x>', 'in', 'oops']);
});

test('how a tool can fail: not there, killed, too long, called off; with everything that it started [lesson 104]', async () => {
  assert.equal((await processes.run({ program: 'no-such-program', args: [], env }, 1_000)).kind, 'failed');
  assert.deepEqual(await processes.run(sh('kill -9 $$'), 5_000), { kind: 'killed', signal: 'SIGKILL', stderr: '' });
  const beganMs = clock.now();
  assert.deepEqual(await processes.run(sh(`setsid sh -c 'cd ${home}; sleep 1002' & sleep 1002`), 300), {
    kind: 'cancelled',
  });
  assert.ok(clock.now() - beganMs < 2_000);
  await until('the grandchild is dead too', () => processes.withWorkingDirectory(home).length === 0, 2_000);
  const abort = new AbortController();
  const running = processes.run(sh('sleep 1003'), 60_000, abort.signal);
  abort.abort();
  assert.deepEqual(await running, { kind: 'cancelled' });
  assert.deepEqual(await processes.run(sh('true'), 1_000, abort.signal), { kind: 'cancelled' });
});

test('output without end is cut, and what a tool leaves behind does not hold it up', async () => {
  const long = await processes.run(sh('yes | head -c 3000000; echo end'), 20_000);
  assert.ok(long.kind === 'exited' && long.stdout.length < 600_000 && long.stdout.endsWith('end\n'));
  const beganMs = clock.now();
  const left = await processes.run(sh('sleep 3 & echo done'), 20_000);
  assert.ok(left.kind === 'exited' && left.stdout === 'done\n');
  assert.ok(clock.now() - beganMs < 2_500);
});

test('what is launched outlives the launcher, in a session of its own and with a log for its output', async () => {
  const launcher = `
    import { makeProcesses } from '${new URL('../../src/world/processes.ts', import.meta.url).pathname}';
    const started = await makeProcesses().launch({ program: 'sh', args: ['-c', 'echo hello; exec sleep 1004'], env: process.env }, '${home}/log');
    console.log(started.pid);`;
  const pid = pidOf(
    Number(
      execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', launcher], { encoding: 'utf8' }),
    ),
  );
  await until('it runs', () => processes.describe(pid)?.commandLine === 'sleep 1004');
  const info = processes.describe(pid);
  assert.equal(info?.cwd, '/');
  assert.equal(execFileSync('ps', ['-o', 'sid=', '-p', String(pid)], { encoding: 'utf8' }).trim(), String(pid));
  assert.equal(readFileSync(join(home, 'log'), 'utf8'), 'hello\n');
  const nowhere = await processes.launch({ program: 'no-such-program', args: [] }, join(home, 'log'));
  assert.equal(nowhere.kind, 'failed');

  const exited = new Promise<void>((resolve) => processes.watchExit(pid, info?.startTicks ?? 0, resolve));
  assert.equal(processes.signal(pid, 'STOP'), true);
  await until('it is stopped', () => processes.describe(pid)?.state === 'stopped');
  processes.signal(pid, 'KILL');
  await exited;
});

test('an exit is felt within milliseconds; another process of that number counts as gone', async (t) => {
  const child = spawn('sleep', ['1005']);
  assert.ok(child.pid !== undefined);
  const pid = pidOf(child.pid);
  const info = processes.describe(pid);
  assert.ok(info);
  assert.ok(Math.abs(info.startedWallMs - Date.now()) < 1_500);
  assert.ok(processes.children(processes.myPid).some((one) => one.pid === pid));
  processes.watchExit(pid, info.startTicks, () => assert.fail('cancelled'))();
  await new Promise<void>((resolve) => processes.watchExit(pid, info.startTicks + 1, resolve));
  const exited = new Promise<void>((resolve) => processes.watchExit(pid, info.startTicks, resolve));
  const beganMs = performance.now();
  processes.signal(pid, 'KILL');
  await exited;
  t.diagnostic(`${(performance.now() - beganMs).toFixed(1)} ms`);
  await new Promise<void>((resolve) => processes.watchExit(pid, info.startTicks, resolve));
  await until('it is collected', () => processes.describe(pid) === null);
  assert.equal(processes.signal(pid, 'TERM'), false);
});

test('a pending watch does not hold up the end of this process', () => {
  const program = `
    import { makeProcesses } from '${new URL('../../src/world/processes.ts', import.meta.url).pathname}';
    const processes = makeProcesses();
    processes.watchExit(processes.myPid, processes.describe(processes.myPid).startTicks, () => {});
    setTimeout(() => { const at = Date.now(); process.on('exit', () => console.log(at)); process.exit(0); }, 100);`;
  const at = Number(
    execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
      encoding: 'utf8',
      timeout: 20_000,
    }),
  );
  assert.ok(Date.now() - at < 900);
});
