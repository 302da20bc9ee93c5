import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaseId, revision } from '../../src/model/units.ts';
import { drive, type EtcdLab, etcdLab } from './drive.ts';

const endpoint = (_lab: EtcdLab, host: string): string => `http://${host}:2379`;
const put = (lab: EtcdLab, host: string, key: string, value: string, limitMs = 400) =>
  lab.transport.call(
    endpoint(lab, host),
    'txn',
    { compare: [], success: [{ op: 'put', key, value }], failure: [] },
    limitMs,
    null,
  );
const read = async (lab: EtcdLab, host: string, key: string): Promise<string | null | 'failed'> => {
  const reply = await lab.transport.call(endpoint(lab, host), 'range', { key }, 400, null);
  return reply.kind === 'answered' ? (reply.answer.kvs[0]?.value ?? null) : 'failed';
};

async function grantAndHold(lab: EtcdLab, ttlS: number, key: string) {
  const granted = await lab.transport.call(endpoint(lab, 'e2'), 'leaseGrant', { ttlS }, 400, null);
  assert.equal(granted.kind, 'answered');
  const lease = granted.kind === 'answered' ? granted.answer.lease : leaseId(0n);
  await lab.transport.call(
    endpoint(lab, 'e2'),
    'txn',
    { compare: [], success: [{ op: 'put', key, value: 'x', lease }], failure: [] },
    400,
    null,
  );
  return lease;
}

test('a lease ends late, never early, in any run', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const lab = etcdLab(seed);
    await drive(
      lab.engine,
      (async () => {
        const lease = await grantAndHold(lab, 5, '/key');
        await lab.sleep(1234);
        const sentMs = lab.engine.now();
        await lab.transport.call(endpoint(lab, 'e3'), 'leaseKeepAlive', { lease }, 400, null);
        while ((await read(lab, 'e1', '/key')) === 'x') await lab.sleep(20);
        const afterMs = lab.engine.now() - sentMs;
        assert.ok(afterMs >= 5000 && afterMs < 5700, `gone ${afterMs} ms after the keep-alive`);
      })(),
    );
  }
});

test('when the etcd leader dies nothing is written for 1 to 2 s, and every lease gets its whole time again', async () => {
  const lab = etcdLab(4);
  await drive(
    lab.engine,
    (async () => {
      const leader = lab.etcd.leader() ?? '';
      const other = ['e1', 'e2', 'e3'].find((host) => host !== leader) ?? '';
      await grantAndHold(lab, 5, '/key');
      await lab.sleep(4000);
      lab.etcd.kill(leader);
      const diedMs = lab.engine.now();
      while ((await put(lab, other, '/w', '1', 100)).kind !== 'answered') await lab.sleep(10);
      const silentMs = lab.engine.now() - diedMs;
      assert.ok(silentMs > 1000 && silentMs < 2300, `silent for ${silentMs} ms`);
      while ((await read(lab, other, '/key')) === 'x') await lab.sleep(50);
      assert.ok(lab.engine.now() - diedMs > 6000);
      assert.equal((await put(lab, leader, '/w', '2')).kind, 'unsent');
      lab.etcd.start(leader);
      await lab.sleep(500);
      assert.equal(await read(lab, leader, '/w'), '1');
    })(),
  );
});

test('a request to a frozen member is carried out when it thaws, long after the client gave up', async () => {
  const lab = etcdLab(5);
  await drive(
    lab.engine,
    (async () => {
      assert.equal((await put(lab, 'e3', '/late', 'before')).kind, 'answered');
      lab.etcd.freeze('e3');
      assert.equal((await put(lab, 'e3', '/late', 'after')).kind, 'lost');
      await lab.sleep(3000);
      assert.equal(await read(lab, 'e1', '/late'), 'before');
      lab.etcd.thaw('e3');
      await lab.sleep(1500);
      assert.equal(await read(lab, 'e1', '/late'), 'after');
    })(),
  );
});

test('a member that is cut off says that it has no leader, ends its watches, and catches up when it is back', async () => {
  const lab = etcdLab(6);
  const seen: string[] = [];
  await drive(
    lab.engine,
    (async () => {
      const leader = lab.etcd.leader() ?? '';
      const [cut, other] = ['e1', 'e2', 'e3'].filter((host) => host !== leader);
      if (cut === undefined || other === undefined) throw new Error('three members');
      lab.transport.watch(
        endpoint(lab, cut),
        { key: '/', rangeEnd: '0', startRevision: revision(0n) },
        null,
        (message) => seen.push(message.kind === 'ended' ? `ended ${message.why}` : message.kind),
      );
      await lab.sleep(100);
      lab.network.partition([cut, 'client'], [leader, other, 'client']);
      lab.network.mend('client', other);
      lab.network.mend(other, 'client');
      for (const host of [cut, leader])
        for (const [a, b] of [
          [host, 'client'],
          ['client', host],
        ] as const)
          lab.network.mend(a, b);
      assert.equal((await put(lab, other, '/w', '1')).kind, 'answered');
      await lab.sleep(6000);
      const reply = await put(lab, cut, '/w', '2');
      assert.deepEqual(reply, { kind: 'error', code: 14, message: 'etcdserver: no leader' });
      assert.deepEqual(seen, ['created', 'ended etcdserver: no leader']);
      lab.network.heal();
      await lab.sleep(500);
      assert.equal(await read(lab, cut, '/w'), '1');
    })(),
  );
});

test('an isolated leader commits nothing, and what it alone holds is not there when it is back', async () => {
  const lab = etcdLab(9);
  await drive(
    lab.engine,
    (async () => {
      const leader = lab.etcd.leader() ?? '';
      const other = ['e1', 'e2', 'e3'].find((host) => host !== leader) ?? '';
      lab.network.isolate(leader);
      lab.network.mend('client', leader);
      lab.network.mend(leader, 'client');
      assert.equal((await put(lab, leader, '/mine', '1')).kind, 'lost');
      await lab.sleep(3000);
      assert.equal((await put(lab, other, '/theirs', '1')).kind, 'answered');
      lab.network.heal();
      await lab.sleep(1000);
      assert.equal(await read(lab, leader, '/mine'), null);
      assert.equal(await read(lab, leader, '/theirs'), '1');
    })(),
  );
});

test('the same seed gives the same run', async () => {
  const run = async (seed: number): Promise<string> => {
    const lab = etcdLab(seed);
    const lines: string[] = [];
    await drive(
      lab.engine,
      (async () => {
        for (let i = 0; i < 30; i++) {
          if (i === 10) lab.etcd.kill('e1');
          const reply = await put(lab, 'e2', `/k${i % 3}`, String(i));
          lines.push(`${lab.engine.now()} ${reply.kind}`);
        }
      })(),
    );
    return lines.join('\n');
  };
  assert.equal(await run(11), await run(11));
  assert.notEqual(await run(11), await run(12));
});
