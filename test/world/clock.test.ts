import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { instantMs } from '../../src/model/units.ts';
import { makeClock } from '../../src/world/clock.ts';

test('now is what /proc/uptime counts, the clock that goes on in suspend', () => {
  const uptimeMs = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
  const nowMs = makeClock().now();
  assert.ok(Math.abs(nowMs - uptimeMs) < 500, `${nowMs} ${uptimeMs}`);
  assert.ok(Number.isInteger(nowMs));
});

test('a wait never ends before its instant, and a cancelled one never', async () => {
  const clock = makeClock();
  const cancelled = clock.at(instantMs(clock.now() + 5), () => assert.fail('cancelled'));
  cancelled();
  for (const ms of [0, 1, 7, 30]) {
    const atMs = instantMs(clock.now() + ms);
    let isLate = false;
    const later = setTimeout(() => {
      isLate = true;
    }, ms + 500);
    await new Promise<void>((resolve) => clock.at(atMs, resolve));
    clearTimeout(later);
    assert.ok(clock.now() >= atMs);
    assert.ok(!isLate, 'a timer of this process that was due later came first');
  }
});

test('an instant that has passed fires, but not before the caller went on', async () => {
  const clock = makeClock();
  let fired = false;
  const done = new Promise<void>((resolve) =>
    clock.at(instantMs(0), () => {
      fired = true;
      resolve();
    }),
  );
  assert.equal(fired, false);
  await done;
});

test('a machine that slept: what is due fires soon after waking, not later by the length of the sleep', async () => {
  let sleptMs = 0;
  const real = makeClock();
  const clock = makeClock(() => real.now() + sleptMs);
  const beganMs = real.now();
  const fired = new Promise<void>((resolve) => clock.at(instantMs(clock.now() + 3_600_000), resolve));
  sleptMs = 3_600_000;
  await fired;
  assert.ok(real.now() - beganMs < 2_500);
});

test('a sleep ends at once when it is aborted', async () => {
  const clock = makeClock();
  const abort = new AbortController();
  const slept = clock.sleep(60_000, abort.signal);
  abort.abort();
  await slept;
  await clock.sleep(60_000, abort.signal);
});
