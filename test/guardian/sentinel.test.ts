import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import {
  bootId,
  clock,
  deadlineIn,
  endShop,
  kill,
  type Machine,
  makeMachine,
  makeShop,
  pidOfChild,
  processes,
  until,
} from './machine.ts';

/** The shell that is left when every Node process is dead or frozen. */
const graceMs = 500;
let shop = '';
let machine: Machine;
let count = 0;
const fresh = (): Machine => {
  count += 1;
  machine = makeMachine(shop, `m${count}`);
  return machine;
};
const exitOf = (child: { once(event: 'exit', listener: (code: number | null) => void): unknown }) =>
  new Promise<number | null>((resolve) => child.once('exit', resolve));
const tellDeadline = (m: Machine, text: string): void => writeFileSync(`${m.stateDir}/deadline`, `${text}\n`);

before(async () => {
  shop = await makeShop();
});
afterEach(() => machine.end());
after(() => endShop(shop));

for (const [how, signal] of [
  ['killed', 'SIGKILL'],
  ['frozen', 'SIGSTOP'],
] as const)
  test(`guardian and agent ${how}: PostgreSQL ends soon after deadline and grace`, async (t) => {
    const m = fresh();
    const sentinel = await m.startUnderSentinel(graceMs);
    await m.startBusyBackend();
    const guardian = await m.startGuardian();
    const peer = await m.talk();
    const deadline = deadlineIn(1_500);
    assert.equal((await peer.ask(deadline, 1_000))?.ok, true);
    kill(pidOfChild(guardian), signal);
    const ended = exitOf(sentinel);

    await until('nothing runs', () => m.here().length === 0);
    const lateMs = clock.now() - deadline.deadlineMs - graceMs;
    t.diagnostic(`nothing ran ${lateMs} ms after deadline and grace`);
    assert.ok(lateMs >= 0 && lateMs < 500, `${lateMs} ms: not within the grace, and soon after it`);
    assert.equal(await ended, 128 + 9, 'it ends as the postmaster did');
    kill(pidOfChild(guardian), 'SIGKILL');
    peer.close();
  });

test('a shorter deadline that is written while it sleeps towards a long one is kept', async () => {
  const m = fresh();
  await m.startUnderSentinel(graceMs);
  tellDeadline(m, `${clock.now() + 60_000} ${bootId}`);
  await clock.sleep(2_600); // it has read the long one, and sleeps
  // The shortest that may still be ahead: ttl 5 s, a margin of 1.25 s, a renewal that took 1.9 s.
  const deadlineMs = clock.now() + 1_850;
  tellDeadline(m, `${deadlineMs} ${bootId}`);
  await until('nothing runs', () => m.here().length === 0);
  const lateMs = clock.now() - deadlineMs - graceMs;
  assert.ok(lateMs < 500, `${lateMs} ms`);
});

test('the sentinel killed: the postmaster ends with it', async () => {
  const m = fresh();
  await m.startUnderSentinel(graceMs);
  await m.startBusyBackend();
  const pid = m.sentinelPid();
  assert.ok(pid);
  kill(pid, 'SIGKILL');
  await until('nothing runs', () => m.here().length === 0, 10_000);
});

test('the postmaster is killed, and a busy backend outlives it: it is left alone until the deadline, and ends soon after', async () => {
  const m = fresh();
  const sentinel = await m.startUnderSentinel(graceMs);
  await m.startBusyBackend();
  const ended = exitOf(sentinel);
  const deadlineMs = clock.now() + 1_500;
  tellDeadline(m, `${deadlineMs} ${bootId}`);
  const postmaster = processes
    .children(pidOfChild(sentinel))
    .find(({ executable }) => executable?.endsWith('postgres'));
  assert.ok(postmaster);
  kill(postmaster.pid, 'SIGKILL');
  await until('nothing runs', () => m.here().length === 0);
  const lateMs = clock.now() - deadlineMs - graceMs;
  assert.ok(lateMs >= 0, `it went by itself, ${-lateMs} ms before`);
  assert.ok(lateMs < 500, `${lateMs} ms`);
  assert.equal(await ended, 128 + 9);
});

test('it does not mind TERM, INT and HUP, and ends at once with the exit of the postmaster', async (t) => {
  const m = fresh();
  const sentinel = await m.startUnderSentinel(graceMs);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) kill(pidOfChild(sentinel), signal);
  await clock.sleep(200);
  assert.equal(m.up(), true);

  const postmaster = processes
    .children(pidOfChild(sentinel))
    .find(({ executable }) => executable?.endsWith('postgres'));
  assert.ok(postmaster);
  const ended = exitOf(sentinel);
  kill(postmaster.pid, 'SIGINT');
  await until('PostgreSQL is down', () => m.here().length === 0);
  const downMs = clock.now();
  assert.equal(await ended, 0);
  t.diagnostic(`ended ${clock.now() - downMs} ms after the postmaster`);
  assert.ok(clock.now() - downMs < 900);
});

/** Null: this place does not let a process be protected. */
function protectedFromOom(start: () => Promise<void>): Promise<true | null> {
  const mine = '/proc/self/oom_score_adj';
  try {
    writeFileSync(mine, '-500');
  } catch {
    return Promise.resolve(null);
  }
  return start()
    .then(() => true as const)
    .finally(() => writeFileSync(mine, '0'));
}

test('the protection from the OOM killer that its unit gives it is not handed on to PostgreSQL', async (t) => {
  const m = fresh();
  const adjustmentOf = (pid: number): number => Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'));
  const given = await protectedFromOom(async () => void (await m.startUnderSentinel(graceMs)));
  if (given === null) {
    t.diagnostic('no process can be protected here: nothing to see');
    await m.startUnderSentinel(graceMs);
  }
  const sentinel = m.sentinelPid();
  assert.ok(sentinel);
  assert.equal(adjustmentOf(sentinel), given === null ? adjustmentOf(process.pid) : -500);
  const expected = given === null ? adjustmentOf(process.pid) : 0;
  // Looked at once: the backend that answered whether the server is up may end at any moment.
  const seen = m.here().flatMap((pid) => {
    try {
      return [adjustmentOf(pid)];
    } catch {
      return [];
    }
  });
  assert.ok(seen.length > 1, 'the postmaster and its children');
  assert.deepEqual(
    seen,
    seen.map(() => expected),
  );
});

test('a deadline of another boot, none, or half a line means nothing', async () => {
  const m = fresh();
  await m.startUnderSentinel(0);
  for (const text of ['1 00000000-0000-0000-0000-000000000000', `none ${bootId}`, '1', '', `x1 ${bootId}`]) {
    tellDeadline(m, text);
    await clock.sleep(1_100); // it looks once a second
    assert.equal(m.up(), true, text);
  }
});

test('it watches a postmaster that it did not start, and is gone when that is', async () => {
  const m = fresh();
  await m.startPostgres();
  const sentinel = m.sentinel(['--watch', m.stateDir, m.dataDir, '0']);
  const ended = exitOf(sentinel);
  await until('it is there', () => m.sentinelPid() === sentinel.pid);
  assert.equal(await exitOf(m.sentinel(['--watch', m.stateDir, m.dataDir, '0'])), 0, 'one is enough');
  assert.equal(m.up(), true);
  tellDeadline(m, `1 ${bootId}`);
  await until('nothing runs', () => m.here().length === 0, 3_000);
  assert.equal(await ended, 0);
});
