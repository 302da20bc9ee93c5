import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hands } from '../../src/agent/act.ts';
import { keep } from '../../src/agent/keep.ts';
import type { Action } from '../../src/model/decision.ts';
import { instantMs, later } from '../../src/model/units.ts';
import { held, leading } from '../decide/values.ts';

const cause = { rule: 'primary.healthy', because: [] } as const;
const term = held.term;
const actions: readonly Action[] = [
  { kind: 'publishMember', member: {} as never },
  { kind: 'writeFailsafe', members: {}, seenModRevision: null, term },
  { kind: 'setSynchronousNames', names: '' },
];

/** Hands of a leader that renewed so long ago. */
function hands(sinceRenewalMs: number, answers: 'done' | 'unknown') {
  const budgetsMs: number[] = [];
  const nowMs = instantMs(held.sentMs + sinceRenewalMs);
  const asked = (budgetMs: number) => {
    budgetsMs.push(budgetMs);
    return Promise.resolve({ kind: answers, why: 'no answer' });
  };
  const all = {
    clock: { now: () => nowMs },
    configuration: { settings: () => leading.settings, reloadAsked: () => false },
    dcs: {
      held: () => ({ ...held, deadlineMs: later(held.sentMs, 25_000) }),
      publishMember: (_: unknown, budgetMs: number) => asked(budgetMs),
      writeFailsafe: (_: unknown, __: unknown, ___: unknown, budgetMs: number) => asked(budgetMs),
    },
    jobs: { board: () => ({ kind: 'idle' }) },
    postgres: { applyConfiguration: () => Promise.resolve({ kind: 'done' }) },
  };
  return { budgetsMs, hands: all as unknown as Hands };
}

test('an etcd that gave no answer is not waited for again in the same cycle; what needs none is done all the same', async () => {
  const outcomes = async (answers: 'done' | 'unknown', acted: Parameters<typeof keep>[3] = []) =>
    (await keep(actions, cause, hands(1_000, answers).hands, acted)).map(({ outcome }) => outcome);
  assert.deepEqual(await outcomes('done'), ['done', 'done', 'done']);
  assert.deepEqual(await outcomes('unknown'), ['unknown', 'skipped', 'done']);
  const renewal = { action: 'renewLease', why: 'no answer', tookMs: 1_400 } as const;
  assert.deepEqual(await outcomes('done', [{ ...renewal, outcome: 'unreachable' }]), ['skipped', 'skipped', 'done']);
  assert.deepEqual(await outcomes('done', [{ ...renewal, outcome: 'refused' }]), ['done', 'done', 'done']);
});

test('what upkeep waits for does not keep the loop from the next renewal', async () => {
  const waits = async (sinceRenewalMs: number): Promise<readonly number[]> => {
    const { budgetsMs, hands: all } = hands(sinceRenewalMs, 'done');
    await keep(actions, cause, all, []);
    return budgetsMs.map(Math.round);
  };
  assert.deepEqual(await waits(1_000), [1_400, 1_400]);
  assert.deepEqual(await waits(8_500), [500, 500], 'it is due after 9 s');
  assert.deepEqual(await waits(9_500), [200, 200], 'overdue');
});
