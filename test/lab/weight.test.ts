import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { getPriority } from 'node:os';
import { test } from 'node:test';
import { renice, unrenice } from '../../src/lab/faults/cpu.ts';
import type { LabNode } from '../../src/lab/node.ts';

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
