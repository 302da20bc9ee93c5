import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { Slot } from '../../src/model/postgres.ts';
import { later, lsnOf } from '../../src/model/units.ts';
import { walBudget } from '../../src/model/walBudget.ts';
import { idleSlot, leading, primary, standby } from './values.ts';

/** What each slot keeps, how fast that grows, and when it ends; told before it does. */

const mb = 1_048_576;
const slot = (name: string, restartMb: number, more: Partial<Slot> = {}): Slot =>
  idleSlot(name, { active: true, restartLsn: lsnOf(BigInt(restartMb * mb)), ...more });
/** Looks of a primary that writes 1 MB a second, one every 10 s; `slots` by what was written so far. */
function looks(
  seconds: number,
  slots: (writtenMb: number) => readonly Slot[],
  freeMb: (writtenMb: number) => number | null,
): { readonly last: Observation; readonly told: readonly string[] } {
  let seen: Observation = leading;
  const told: string[] = [];
  for (let s = 0; s <= seconds; s += 10) {
    const writtenMb = 1_000 + s;
    const free = freeMb(writtenMb);
    const flushLsn = lsnOf(BigInt(writtenMb * mb));
    const walFreeBytes = free === null ? null : free * mb;
    const postgres = { ...primary, flushLsn, walFreeBytes, slots: slots(writtenMb) };
    seen = { ...seen, nowMs: later(leading.nowMs, s * 1_000), postgres };
    const decision = decide(seen);
    for (const action of decision.upkeep) if (action.kind === 'tell') told.push(`${s} s: ${action.text}`);
    seen = { ...seen, memory: decision.memory };
  }
  return { last: seen, told };
}

test('a slot that stands still: its pace is that of the WAL, and the disk ends it', () => {
  const { last, told } = looks(
    600,
    () => [slot('n2', 900)],
    (written) => 11_600 - written,
  );
  const [budget] = walBudget(last);
  assert.deepEqual(budget, {
    name: 'n2',
    kind: 'physical',
    active: true,
    retainedBytes: 700 * mb,
    growthBytesPerS: mb,
    leftBytes: 10_000 * mb,
    limit: 'disk',
    endsInMs: 10_000_000,
  });
  assert.equal(told.length, 1, 'once');
  assert.match(
    told[0] ?? '',
    /^300 s: slot n2 keeps 400\.0 MB of WAL, 1\.0 MB more each second \(its consumer is too slow\): in about 3 h the disk is full$/,
  );
});

test('max_slot_wal_keep_size counts where it comes first; what another slot keeps anyway takes no more of the disk', () => {
  const slots = (written: number) => [
    slot('n2', 900, { safeWalBytes: (2_700 - written) * mb, active: false }),
    slot('n3', 100),
  ];
  const { last, told } = looks(120, slots, () => 100_000);
  const [n2, n3] = walBudget(last);
  assert.deepEqual([n2?.limit, n2?.leftBytes, n2?.endsInMs], ['max_slot_wal_keep_size', 1_580 * mb, 1_580_000]);
  assert.deepEqual([n3?.limit, n3?.leftBytes], ['disk', 100_000 * mb]);
  assert.match(
    told.join(),
    /^\d+ s: slot n2 .*\(nobody consumes it\): in about \d+ min max_slot_wal_keep_size is reached/,
  );
  const shared = walBudget({
    ...last,
    postgres: {
      ...primary,
      flushLsn: lsnOf(BigInt(2_000 * mb)),
      walFreeBytes: mb,
      slots: [slot('a', 500), slot('b', 1_500)],
    },
  });
  assert.deepEqual(
    shared.map(({ leftBytes }) => leftBytes),
    [mb, 1_001 * mb],
  );
});

test('a burst is no pace, a slot that keeps up never ends, and one that has caught up is told', () => {
  assert.equal(
    walBudget(
      looks(
        50,
        () => [slot('n2', 900)],
        () => 100,
      ).last,
    )[0]?.growthBytesPerS,
    null,
  );
  const even = looks(
    600,
    (written) => [slot('n2', written - 16)],
    () => 100,
  );
  assert.deepEqual(
    [walBudget(even.last)[0]?.growthBytesPerS, walBudget(even.last)[0]?.endsInMs, even.told],
    [0, null, []],
  );
  const caught = looks(
    900,
    (written) => [slot('n2', written < 1_400 ? 900 : written)],
    () => 2_000,
  );
  assert.equal(caught.told.length, 2);
  assert.match(caught.told[1] ?? '', /slot n2 is out of danger: it keeps 0 B of WAL$/);
});

test('without a limit that is known there is no forecast; a standby makes none', () => {
  const { last } = looks(
    120,
    () => [slot('n2', 900)],
    () => null,
  );
  assert.deepEqual([walBudget(last)[0]?.limit, walBudget(last)[0]?.endsInMs], [null, null]);
  assert.deepEqual(walBudget({ ...last, postgres: standby }), []);
  assert.deepEqual(decide({ ...last, postgres: standby }).memory.slotLooks, []);
});
