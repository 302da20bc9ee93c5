import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import { type GuardLink, makeGuardLink } from '../../src/agent/guard/link.ts';
import type { GuardView } from '../../src/model/guard.ts';
import type { WatchdogSettings } from '../../src/model/settings.ts';
import { instantMs, leaseId, pid as pidOf, term } from '../../src/model/units.ts';
import { makeFiles } from '../../src/world/files.ts';
import { makeSockets } from '../../src/world/sockets.ts';
import { freeze } from '../support/frozen.ts';
import { bootId, clock, endShop, kill, type Machine, makeMachine, makeShop, processes, until } from './machine.ts';

/** The agent's side, with a real guardian. */
let shop = '';
let machine: Machine;
let count = 0;
let links: GuardLink[] = [];
const world = { clock, processes, files: makeFiles(), sockets: makeSockets() };
const settings: WatchdogSettings = { mode: 'automatic', device: '/none', safetyMarginMs: 5_000, guard: 'any' };

function fresh(more: Partial<Parameters<typeof makeGuardLink>[1]> = {}): {
  m: Machine;
  link: GuardLink;
  notes: string[];
} {
  count += 1;
  machine = makeMachine(shop, `m${count}`);
  return { m: machine, ...linkTo(machine, more) };
}
function linkTo(
  m: Machine,
  more: Partial<Parameters<typeof makeGuardLink>[1]> = {},
): { link: GuardLink; notes: string[] } {
  const notes: string[] = [];
  const link = makeGuardLink(world, {
    stateDir: m.stateDir,
    dataDir: m.dataDir,
    watchdog: settings,
    launchGuardian: m.launchGuardian(),
    note: (_, text) => notes.push(text),
    wake: () => undefined,
    ...more,
  });
  links.push(link);
  return { link, notes };
}
const pidIn = (view: GuardView): number => {
  assert.ok(view.kind === 'present' && view.pid !== null, JSON.stringify(view));
  return view.pid;
};
const lease = (ms: number) => {
  const nowMs = clock.now();
  return { deadlineMs: instantMs(nowMs + ms), sentMs: nowMs, ttlMs: ms + 5_000, lease: leaseId(7n), term: term(9n) };
};

before(async () => {
  shop = await makeShop();
});
afterEach(async () => {
  await Promise.all(links.map((link) => link.close()));
  links = [];
  await machine.end();
});
after(() => endShop(shop));

test('a guardian is started, armed and disarmed; it leaves with the agent', async () => {
  const { link } = fresh();
  const pid = pidIn(await link.open());
  assert.equal(link.restored(), null);
  const held = lease(20_000);
  assert.deepEqual(await link.setDeadline(held, 1_000), { kind: 'done' });
  const view = link.view();
  assert.equal(view.kind === 'present' && view.armedMs, held.deadlineMs);
  assert.deepEqual(await link.disarm(3_000), { kind: 'done' }, 'nothing runs');
  await link.close();
  await until('it is gone', () => processes.describe(processes.myPid) !== null && !alive(pid));
});
const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('an earlier deadline of the same term is in force when it is asked for by name', async () => {
  const { link } = fresh();
  await link.open();
  const long = lease(300_000);
  await link.setDeadline(long, 1_000);
  const armedMs = (): number | null => {
    const view = link.view();
    return view.kind === 'present' ? view.armedMs : null;
  };
  const short = { ...long, deadlineMs: instantMs(long.deadlineMs - 290_000) };
  assert.deepEqual(await link.setDeadline(short, 1_000), { kind: 'done' });
  assert.equal(armedMs(), long.deadlineMs);
  const other = { ...short, term: term(99n) };
  assert.equal((await link.lowerDeadline(other, instantMs(short.deadlineMs + 500), 1_000)).kind, 'failed');
  assert.equal(armedMs(), long.deadlineMs);
  assert.deepEqual(await link.lowerDeadline(short, instantMs(short.deadlineMs + 500), 1_000), { kind: 'done' });
  assert.equal(armedMs(), short.deadlineMs);
});

test('a guardian that dies, or no longer answers, is replaced, and the next one holds the same deadline', async (t) => {
  const { m, link } = fresh();
  const first = pidIn(await link.open());
  const held = lease(20_000);
  await link.setDeadline(held, 1_000);

  kill(first, 'SIGKILL');
  await until('the loss is felt', () => link.view().kind === 'absent', 500);
  const tookMs = await until('another is there', () => link.view().kind === 'present', 2_000);
  t.diagnostic(`replaced after ${tookMs} ms`);
  const second = pidIn(link.view());
  assert.notEqual(second, first);
  assert.equal(m.held()?.deadlineMs, held.deadlineMs);

  await freeze(second);
  const moved = lease(25_000);
  assert.equal((await link.setDeadline(moved, 300)).kind, 'failed');
  const armed = (): unknown => {
    const view = link.view();
    return view.kind === 'present' ? view.armedMs : null;
  };
  await until('another is armed', () => armed() === moved.deadlineMs, 5_000);
  assert.notEqual(pidIn(link.view()), second);
  assert.equal(m.held()?.deadlineMs, moved.deadlineMs, 'told without being asked again');
});

test('the next agent takes over the running guardian and what it holds', async () => {
  const { m, link } = fresh();
  await m.startPostgres();
  const pid = pidIn(await link.open());
  const held = lease(20_000);
  await link.setDeadline(held, 1_000);
  await link.close();
  assert.equal(alive(pid), true, 'armed and with a primary: it stays');

  const next = linkTo(m, { version: '2' });
  assert.equal(pidIn(await next.link.open()), pid);
  const { bootId: boot, dataDir, ...rest } = next.link.restored() ?? assert.fail();
  assert.deepEqual({ boot, dataDir, ...rest }, { boot: bootId, dataDir: m.dataDir, ...held });
  assert.ok(next.notes.some((text) => /another version/.test(text)));
  assert.deepEqual(await next.link.disarm(2_000), {
    kind: 'failed',
    why: 'PostgreSQL runs, and its control file says: in production',
  });
  assert.deepEqual(await next.link.disarm(2_000, { paused: true }), { kind: 'done' });
});

test('no guardian can be had: the file of this boot tells what was in force', async () => {
  const { m, link } = fresh({ launchGuardian: { program: '/bin/false', args: [] } });
  const deadlineMs = clock.now() + 9_000;
  const state = {
    bootId,
    dataDir: m.dataDir,
    deadlineMs,
    lease: '7',
    term: '9',
    ttlMs: 9_000,
    sentMs: deadlineMs - 9_000,
  };
  writeFileSync(`${m.stateDir}/guard.json`, JSON.stringify(state));
  const view = await link.open();
  assert.ok(view.kind === 'absent' && /ended at once/.test(view.why), JSON.stringify(view));
  assert.equal(link.restored()?.term, 9n);
  assert.equal((await link.setDeadline(lease(9_000), 200)).kind, 'failed');
});

test('switched off by name: no guardian, and nothing waits for one', async () => {
  const { link } = fresh({ watchdog: { ...settings, guard: 'off' } });
  assert.deepEqual(await link.open(), { kind: 'off' });
  assert.deepEqual(await link.setDeadline(lease(1), 10), { kind: 'done' });
  assert.deepEqual(await link.disarm(10), { kind: 'done' });
});

test('the device is written to after a confirmed deadline, and given back when disarmed', async () => {
  const calls: string[] = [];
  const device = {
    open: () => ({
      kind: 'open' as const,
      device: {
        setSeconds(s: number) {
          calls.push(`timeout ${s}`);
          return s;
        },
        pat: () => calls.push('pat') > 0,
        close: () => calls.push('close') > 0,
      },
    }),
  };
  const { link } = fresh({ device, watchdog: { ...settings, mode: 'required', guard: 'device' } });
  await link.open();
  await link.setDeadline(lease(20_000), 1_000);
  await link.setDeadline(lease(20_000), 1_000);
  const view = link.view();
  assert.deepEqual(view.kind === 'present' && [view.device, view.freezeGuard], ['open', 'device']);
  await link.disarm(3_000);
  assert.deepEqual(calls, ['timeout 20', 'pat', 'pat', 'close']);
});

test('the device asked for by name and not there: no guard', async () => {
  const device = { open: () => ({ kind: 'failed' as const, why: 'ENOENT' }) };
  const { link } = fresh({ device, watchdog: { ...settings, mode: 'required', guard: 'device' } });
  await link.open();
  assert.deepEqual(await link.setDeadline(lease(20_000), 1_000), { kind: 'failed', why: 'ENOENT' });
  assert.equal(link.view().kind, 'absent');
});

test('an agent that ends while a new guardian is on its way is not started again by that one', async () => {
  const { m, link } = fresh();
  const pid = pidIn(await link.open());
  kill(pidOf(pid), 'SIGKILL');
  await until('the loss is felt', () => link.view().kind === 'absent');
  await link.close();
  const [last] = readFileSync(`${m.stateDir}/guardian.pid`, 'utf8').split(' ').map(Number);
  assert.notEqual(last, pid, 'the new one had begun');
  await until('it has been told to leave', () => processes.describe(pidOf(last ?? 0))?.state !== 'running', 5_000);
});
