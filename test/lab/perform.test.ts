import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { getPriority } from 'node:os';
import { test } from 'node:test';
import { renice, unrenice } from '../../src/lab/faults/cpu.ts';
import type { LabNode } from '../../src/lab/node.ts';
import { perform, type Stage } from '../../src/lab/scenario/perform.ts';

test('who was made light has the usual weight again once the scenario is over', {
  skip: process.getuid?.() !== 0,
}, () => {
  const child = spawn('sleep', ['60']);
  try {
    const { pid = 0 } = child;
    renice({ name: 'node1', process: () => ({ pid }) } as unknown as LabNode, 'agent');
    assert.equal(getPriority(pid), 19);
    unrenice({ pid });
    assert.equal(getPriority(pid), 0);
  } finally {
    child.kill('SIGKILL');
  }
});

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
