import assert from 'node:assert/strict';
import { test } from 'node:test';
import { perform, type Stage } from '../../src/lab/scenario/perform.ts';

/** One machine whose etcd is there for as many looks as are given, or is not until then. */
function stageWith(changesAfter: number, runsFirst: boolean) {
  let looks = 0;
  const node = { name: 'node1', process: () => (looks++ < changesAfter === runsFirst ? {} : null) };
  // A lease of this length makes the wait end after 200 ms.
  const stage = { lab: { node: () => node, nodes: [node] }, cast: {}, ttlMs: -15_000 + 50 } as unknown as Stage;
  return { stage, looks: () => looks };
}
const what = { services: ['etcd'], of: [{ kind: 'node', name: 'node1' }] } as const;

test('a service is waited for until it runs, or until it has ended', async () => {
  const ending = stageWith(3, true);
  await perform(ending.stage, { kind: 'waitForEnd', what });
  assert.equal(ending.looks(), 4);
  const starting = stageWith(3, false);
  await perform(starting.stage, { kind: 'waitForServices', what });
  assert.equal(starting.looks(), 4);
});

test('one that goes on is no end: the step fails', async () => {
  const never = stageWith(Number.POSITIVE_INFINITY, true);
  await assert.rejects(perform(never.stage, { kind: 'waitForEnd', what }), /etcd of node1 did not end within/);
});
