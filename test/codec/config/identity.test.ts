import assert from 'node:assert/strict';
import { test } from 'node:test';
import { otherNode } from '../../../src/codec/config/identity.ts';
import { leading } from '../../decide/values.ts';

const { local } = leading.settings;

test('a file read again may say anything but that this is another node', () => {
  assert.equal(otherNode(local, { ...local, tags: { ...local.tags, nofailover: true } }), null);
  assert.equal(otherNode(local, { ...local, postgres: { ...local.postgres, port: 1 } }), null);
  for (const [name, other] of [
    ['scope', { ...local, scope: 'x' }],
    ['name', { ...local, name: 'x' }],
    ['namespace', { ...local, namespace: 'x' }],
    ['postgresql.data_dir', { ...local, postgres: { ...local.postgres, dataDir: 'x' } }],
    ['matriarch.state_dir', { ...local, stateDir: 'x' }],
  ] as const)
    assert.ok(otherNode(local, other)?.startsWith(`${name} is now "x", and was `), name);
});
