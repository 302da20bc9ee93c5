import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCluster } from '../../../src/codec/dcs/cluster.ts';
import { parseJson } from '../../../src/codec/dcs/json.ts';
import { revision } from '../../../src/model/units.ts';

test('a value of absurd depth in any key is garbage like any other', () => {
  for (const depth of [200, 5_000, 50_000]) {
    const deep = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    assert.equal(parseJson(deep), undefined);
    assert.equal(parseJson(`{"optime":12345678901234567890,"a":${deep}}`), undefined);
    const at = { createRevision: revision(1n), modRevision: revision(1n), lease: null };
    const kvs = ['config', 'failover', 'history', 'members/x', 'status', 'sync', 'failsafe'].map((name) => ({
      ...at,
      key: `/service/demo/${name}`,
      value: name === 'members/x' ? `{"conn_url":"postgres://x:1/p","tags":${deep}}` : deep,
    }));
    const cluster = readCluster(kvs, revision(9n), '/service/demo/');
    assert.ok(cluster.garbage.some(({ key }) => key.endsWith('/x')));
    assert.equal(cluster.status, null);
  }
});
