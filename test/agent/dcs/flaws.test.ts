import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flawOf } from '../../../src/agent/dcs/flaws.ts';

test('versions of etcd that end leases early, or lose data, are told with what to run instead', () => {
  assert.match(flawOf('3.4.23') ?? '', /ends leases early.*3\.4\.31 or newer/);
  assert.match(flawOf('3.5.12') ?? '', /ends leases early.*3\.5\.13 or newer/);
  assert.match(flawOf('3.5.2') ?? '', /different data.*3\.5\.13 or newer/);
  for (const version of ['3.4.31', '3.4.44', '3.5.13', '3.5.29', '3.6.0', '3.7.1', '4.0.0', 'dev', ''])
    assert.equal(flawOf(version), null, version);
});
