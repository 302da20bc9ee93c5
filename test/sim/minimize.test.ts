import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keysOf, minimize } from '../../src/sim/minimize.ts';
import { planOf, type RunAccount, runPlan } from '../../src/sim/run.ts';

/** Freezing every guard at once is beyond what the laws promise: it breaks them, is excused, and so there is something to minimize. */
async function broken(): Promise<RunAccount> {
  const faults = ['all guards frozen', 'etcd killed', 'network slow', 'restart asked', 'agent killed'];
  for (let seed = 1; seed <= 20; seed += 1) {
    const account = await runPlan({ ...planOf(seed), members: 3, faults, safetyMs: 120_000 });
    if (keysOf(account)[0] === '1 splitBrain, excused') return account;
  }
  throw new Error('nothing was broken by it: the laws see nothing');
}

test('the few faults that break a law are found among the many that struck', async () => {
  const before = await broken();
  const lengths: number[] = [];
  const small = await minimize(before, { tried: ({ faults }) => void lengths.push(faults) });
  assert.deepEqual(before.findings, []);
  assert.ok(keysOf(small).includes('1 splitBrain, excused'));
  assert.ok(
    small.strikes.length <= 3 && small.strikes.length < before.strikes.length,
    `${small.strikes.length} faults`,
  );
  assert.ok(small.strikes.some(({ fault }) => fault === 'all guards frozen'));
  assert.ok(small.plan.safetyMs < before.plan.safetyMs);
  assert.ok(lengths.length > 1);
  const again = await runPlan(small.plan);
  assert.deepEqual(again.broken, small.broken);
});
