import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePremise } from '../../src/agent/premise.ts';
import type { HeldLease } from '../../src/model/cluster.ts';
import { leading } from '../decide/values.ts';

/** What is asked right before an irreversible step under my own lease. */

const { nowMs, guard, settings, held } = leading;
assert.ok(held !== null);
const premise = { term: held.term, leader: settings.local.name, systemId: null };
const asked = (lease: HeldLease | null): Promise<string | null> => {
  const dcs = { held: () => lease } as Parameters<typeof makePremise>[0]['dcs'];
  const clock = { now: () => nowMs } as Parameters<typeof makePremise>[0]['clock'];
  return makePremise({ clock, dcs, settings: () => settings, guard: () => guard })(premise);
};

test('the lease is there, lasts, and is not being given away', async () => {
  assert.equal(await asked(held), null);
  assert.match((await asked(null)) ?? '', /not held any more/);
  assert.match((await asked({ ...held, deadlineMs: nowMs })) ?? '', /only 0 ms of the lease are left/);
  assert.match((await asked({ ...held, releaseInDoubt: true })) ?? '', /may still arrive/);
});
