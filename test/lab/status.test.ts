import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brief, witnessOf } from '../../src/lab/status.ts';

const member = (name: string, role: string) => ({ name, role, state: 'running', timeline: 3 });

test('who answers is not told as silent where etcd answers nobody', () => {
  const members = [member('node1', 'primary')];
  assert.equal(witnessOf({ members, toldBy: 'node2' }), 'as node2 sees it');
  assert.equal(
    brief({ members, toldBy: null, machines: [] }),
    'node1 primary running timeline 3 lag ?; etcd answers no agent: each as it sees itself',
  );
  assert.equal(brief({ members: [], toldBy: null, machines: [] }), 'no agent answers');
});
