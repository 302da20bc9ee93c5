import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeEtcdTransport } from '../../src/world/etcd/transport.ts';
import { drive, etcdLab } from './drive.ts';
import { etcdScript } from './etcdScript.ts';
import { startRealEtcd } from './realEtcd.ts';

test('the simulated etcd answers one script as the real one does', { timeout: 30_000 }, async () => {
  const real = await startRealEtcd();
  try {
    const transport = makeEtcdTransport({ tls: null });
    const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    const original = await etcdScript({ transport, endpoint: real.url, sleep });
    transport.cut(real.url);
    const lab = etcdLab(3);
    const endpoint = lab.etcd.endpoints[0] ?? '';
    const model = await drive(lab.engine, etcdScript({ transport: lab.transport, endpoint, sleep: lab.sleep }));
    assert.deepEqual(model, original);
  } finally {
    await real.stop();
  }
});
