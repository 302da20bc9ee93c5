import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import {
  binDir,
  clock,
  deadlineIn,
  endShop,
  kill,
  type Machine,
  makeMachine,
  makeShop,
  pidOfChild,
  processes,
  run,
  until,
} from './machine.ts';

/** On real processes: a real PostgreSQL, and the guardian as it is shipped. */
let shop = '';
let machine: Machine;
let count = 0;
const fresh = (): Machine => {
  count += 1;
  machine = makeMachine(shop, `m${count}`);
  return machine;
};

before(async () => {
  shop = await makeShop();
});
afterEach(() => machine.end());
after(() => endShop(shop));

test('at the deadline PostgreSQL ends, a busy backend included; a restart in place does not escape', async (t) => {
  const m = fresh();
  const server = await m.startPostgres();
  const reaped = new Promise((resolve) => server.once('exit', resolve));
  await m.startBusyBackend();
  await m.startGuardian();
  const peer = await m.talk();
  const deadline = deadlineIn(700);
  const reply = await peer.ask(deadline, 1_000);
  assert.equal(reply?.ok, true);
  assert.equal(reply?.deadlineMs, deadline.deadlineMs);

  // What is seen late on a busy machine was no earlier than it happened.
  await until('PostgreSQL ends', () => !m.up());
  assert.ok(clock.now() >= deadline.deadlineMs, `before the deadline: by ${deadline.deadlineMs - clock.now()} ms`);
  await until('nothing runs', () => m.here().length === 0);
  const lateMs = clock.now() - deadline.deadlineMs;
  t.diagnostic(`nothing ran ${lateMs} ms after the deadline`);
  assert.ok(lateMs < 500, `${lateMs} ms`);

  await reaped; // PostgreSQL takes a zombie in its lock file for another postmaster
  const again = m.start([`${binDir}/postgres`, '-D', m.dataDir]);
  const exited = new Promise((resolve) => again.once('exit', (_, signal) => resolve(signal)));
  assert.equal(await exited, 'SIGKILL');
  await until('its children end, too', () => m.here().length === 0, 500);

  // Crashed, and nothing runs: the agent must be able to go on.
  assert.equal((await peer.ask({ ask: 'disarm' }, 2_000))?.ok, true);
  assert.equal(m.held()?.deadlineMs, null);
  // Killed as it began it may have left an empty lock file: an agent removes that (clearStaleLocks).
  rmSync(`${m.home}/.s.PGSQL.5432.lock`, { force: true });
  rmSync(`${m.dataDir}/postmaster.pid`, { force: true });
  await m.startPostgres();
  peer.close();
});

test('an agent killed and back before the deadline: PostgreSQL is not touched', async () => {
  const m = fresh();
  await m.startPostgres();
  const agent = m.start(['sleep', '1000']);
  await m.startGuardian(['--agent-pid', String(agent.pid)]);
  const first = await m.talk();
  assert.equal((await first.ask({ ask: 'hello', agentPid: pidOfChild(agent) }, 1_000))?.ok, true);
  await first.ask(deadlineIn(1_500), 1_000);
  kill(pidOfChild(agent), 'SIGKILL');
  first.close();
  await until('its death is seen', () => m.log().includes('the agent died'));

  const second = m.start(['sleep', '1000']);
  const peer = await m.talk();
  const hello = await peer.ask({ ask: 'hello', agentPid: pidOfChild(second) }, 1_000);
  assert.equal(hello?.term, '7', 'the next agent hears what is in force');
  assert.ok(hello?.deadlineMs);
  const moved = deadlineIn(30_000);
  assert.equal((await peer.ask(moved, 1_000))?.ok, true);
  await clock.sleep(hello.deadlineMs - clock.now() + 150);
  assert.equal(m.up(), true);
  peer.close();
});

test('an agent that died is started again', async () => {
  const m = fresh();
  const restart = ['sleep', '1001'];
  const agent = m.start(['sleep', '1000']);
  await m.startGuardian(['--agent-pid', String(agent.pid), '--restart-agent', JSON.stringify(restart)]);
  kill(pidOfChild(agent), 'SIGKILL');
  await until('it was started', () => m.log().includes('the agent was started again'), 5_000);
  const pid = startedAgain(m);
  await until('it runs', () => processes.children(processes.myPid).length > 0 && /sleep 1001/.test(commandLine(pid)));
  kill(pid, 'SIGKILL');
});

test('an agent that died before its guardian could look is started again', async () => {
  const m = fresh();
  const agent = m.start(['true']);
  await until('it is dead', () => processes.describe(pidOfChild(agent))?.state !== 'running');
  const restart = JSON.stringify(['sleep', '1002']);
  await m.startGuardian(['--agent-pid', String(agent.pid), '--restart-agent', restart]);
  await until('it was started', () => m.log().includes('the agent was started again'), 5_000);
  kill(startedAgain(m), 'SIGKILL');
});
const startedAgain = (m: Machine): number =>
  Number(/"the agent was started again","because":\[\["pid",(\d+)/.exec(m.log())?.[1]);
const commandLine = (pid: number): string => run(['ps', '-o', 'args=', '-p', String(pid)]);

test('it is disarmed only when PostgreSQL cannot write; a deadline never moves back within a term', async () => {
  const m = fresh();
  const postgres = await m.startPostgres();
  const guardian = await m.startGuardian();
  const peer = await m.talk();
  const deadline = deadlineIn(20_000);
  await peer.ask(deadline, 1_000);
  const earlier = await peer.ask({ ...deadline, deadlineMs: deadline.deadlineMs - 5_000 }, 1_000);
  assert.deepEqual([earlier?.ok, earlier?.deadlineMs], [true, deadline.deadlineMs]);
  const lowered = await peer.ask({ ...deadline, ask: 'lower', deadlineMs: deadline.deadlineMs - 5_000 }, 1_000);
  assert.deepEqual(
    [lowered?.ok, lowered?.deadlineMs],
    [true, deadline.deadlineMs - 5_000],
    'but for one that is named so',
  );
  // Its log comes by a pipe of its own, beside the answer.
  await until('it is told', () => m.log().includes('the deadline is an earlier one'));
  const overtaken = {
    ...deadline,
    ask: 'lower' as const,
    deadlineMs: deadline.deadlineMs - 6_000,
    sentMs: deadline.sentMs - 1,
  };
  assert.equal((await peer.ask(overtaken, 1_000))?.ok, false);
  const passed = await peer.ask({ ...deadline, deadlineMs: clock.now() - 1 }, 1_000);
  assert.equal(passed?.ok, false);
  const otherTerm = await peer.ask(deadlineIn(9_000, '8'), 1_000);
  assert.deepEqual([otherTerm?.ok, otherTerm?.term], [true, '8']);

  const refused = await peer.ask({ ask: 'disarm' }, 2_000);
  assert.equal(refused?.ok, false);
  assert.match(refused?.why ?? '', /in production/);
  assert.equal((await peer.ask({ ask: 'leave' }, 2_000))?.ok, false);
  kill(pidOfChild(guardian), 'SIGTERM');
  assert.equal((await peer.ask({ ask: 'disarm' }, 2_000))?.ok, false, 'SIGTERM does not end an armed guardian');

  kill(pidOfChild(postgres), 'SIGINT');
  await until('PostgreSQL is shut down', () => m.here().length === 0);
  assert.equal((await peer.ask({ ask: 'disarm' }, 2_000))?.ok, true);
  const ended = new Promise((resolve) => guardian.once('exit', resolve));
  assert.equal((await peer.ask({ ask: 'leave' }, 2_000))?.ok, true);
  assert.equal(await ended, 0);
});

test('a standby is spared: it accepts no writes', async () => {
  const m = fresh();
  run(['touch', `${m.dataDir}/standby.signal`]);
  await m.startPostgres();
  await m.startGuardian();
  const peer = await m.talk();
  await peer.ask(deadlineIn(200), 1_000);
  await until('it was judged', () => m.log().includes('it runs in recovery'));
  assert.equal(m.up(), true);

  m.psql('select pg_promote(false)');
  await until('a standby that became a primary goes', () => m.here().length === 0, 5_000);
  peer.close();
});

test('a guardian killed and started again keeps its deadline, and another beside it is refused', async (t) => {
  const m = fresh();
  await m.startPostgres();
  const first = await m.startGuardian();
  const peer = await m.talk();
  const deadline = deadlineIn(3_000);
  await peer.ask(deadline, 1_000);
  const beside = m.start([
    process.execPath,
    `${shop}/guardian.mjs`,
    '--data-dir',
    m.dataDir,
    '--state-dir',
    m.stateDir,
  ]);
  assert.equal(await new Promise((resolve) => beside.once('exit', resolve)), 75);

  kill(pidOfChild(first), 'SIGKILL');
  await m.startGuardian();
  await until('nothing runs', () => m.here().length === 0);
  const lateMs = clock.now() - deadline.deadlineMs;
  t.diagnostic(`nothing ran ${lateMs} ms after the deadline`);
  assert.ok(lateMs >= 0 && lateMs < 500, `${lateMs} ms`);
});

test('a state on disk that cannot be read: not armed, and it says so', async () => {
  const m = fresh();
  run(['sh', '-c', `echo '{"half' >${m.stateDir}/guard.json`]);
  await m.startGuardian();
  const peer = await m.talk();
  assert.equal((await peer.ask({ ask: 'hello', agentPid: process.pid }, 1_000))?.deadlineMs, null);
  assert.match(m.log(), /cannot be used/);
  peer.close();
});
