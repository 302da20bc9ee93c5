import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { leaseId, revision } from '../../../src/model/units.ts';
import type { EtcdWatchMessage } from '../../../src/model/world.ts';
import { makeEtcdTransport } from '../../../src/world/etcd/transport.ts';
import { startEtcd, type TestEtcd } from '../../support/etcd.ts';
import { freeze } from '../../support/frozen.ts';

let etcd: TestEtcd;
let url: string;
const transport = makeEtcdTransport({ tls: null });
before(async () => {
  etcd = await startEtcd({ members: 1 });
  url = etcd.urls[0] ?? '';
});
after(async () => {
  transport.cut(url);
  await etcd.stop();
});

const absent = revision(0n);

test('a transaction puts, compares and reads', async () => {
  const ask = {
    compare: [{ target: 'create' as const, key: 'a', equals: absent }],
    success: [{ op: 'put' as const, key: 'a', value: 'é' }],
    failure: [{ op: 'range' as const, key: 'a' }],
  };
  const first = await transport.call(url, 'txn', ask, 1_000, null);
  const second = await transport.call(url, 'txn', ask, 1_000, null);
  assert.ok(first.kind === 'answered' && first.answer.succeeded);
  assert.ok(second.kind === 'answered' && !second.answer.succeeded);
  assert.equal(second.answer.ranges[0]?.[0]?.value, 'é');
  assert.equal(second.answer.ranges[0]?.[0]?.createRevision, first.header.revision);
});

test('a lease lives, answers, ends; a keep-alive of no lease says 0', async () => {
  const granted = await transport.call(url, 'leaseGrant', { ttlS: 5 }, 1_000, null);
  assert.ok(granted.kind === 'answered');
  const { lease } = granted.answer;
  const kept = await transport.call(url, 'leaseKeepAlive', { lease }, 1_000, null);
  assert.ok(kept.kind === 'answered' && kept.answer.ttlS === 5);
  const left = await transport.call(url, 'leaseTimeToLive', { lease }, 1_000, null);
  assert.ok(left.kind === 'answered' && left.answer.leftS >= 3 && left.answer.grantedS === 5);
  await transport.call(url, 'leaseRevoke', { lease }, 1_000, null);
  const gone = await transport.call(url, 'leaseKeepAlive', { lease }, 1_000, null);
  assert.ok(gone.kind === 'answered' && gone.answer.ttlS === 0);
  const ended = await transport.call(url, 'leaseTimeToLive', { lease }, 1_000, null);
  assert.ok(ended.kind === 'answered' && ended.answer.leftS === -1);
});

test('a status of the server is an error, with its code and text', async () => {
  const ask = { compare: [], success: [{ op: 'put' as const, key: 'b', value: '', lease: leaseId(42n) }], failure: [] };
  const reply = await transport.call(url, 'txn', ask, 1_000, null);
  assert.deepEqual(reply, { kind: 'error', code: 5, message: 'etcdserver: requested lease not found' });
});

test('a closed port, an unknown host and a connection that is never ready are unsent, in time', async () => {
  const free = await closedPort();
  const refused = await transport.call(`http://127.0.0.1:${free}`, 'status', {}, 1_000, null);
  assert.equal(refused.kind, 'unsent');
  const unknown = await transport.call('http://no-such-host.invalid:2379', 'status', {}, 1_000, null);
  assert.equal(unknown.kind, 'unsent');
  const silent = await silentServer();
  const beganMs = performance.now();
  const swallowed = await transport.call(`https://127.0.0.1:${silent.port}`, 'status', {}, 300, null);
  assert.equal(swallowed.kind, 'unsent');
  assert.ok(performance.now() - beganMs < 500);
  transport.cut(`https://127.0.0.1:${silent.port}`);
  silent.close();
});

test('a frozen server is lost at the limit, and answers again after a cut', async () => {
  const [member] = etcd.members;
  assert.ok(member !== undefined);
  await freeze(member.pid);
  const beganMs = performance.now();
  const reply = await transport.call(url, 'range', { key: 'a' }, 300, null);
  const tookMs = performance.now() - beganMs;
  transport.cut(url);
  member.signal('SIGCONT');
  assert.deepEqual(reply, { kind: 'lost', why: 'no answer within 300 ms' });
  assert.ok(tookMs < 450, `${tookMs}`);
  const again = await transport.call(url, 'range', { key: 'a' }, 2_000, null);
  assert.equal(again.kind, 'answered');
});

test('a watch tells of puts and deletions, answers progress, and survives a cut of the calls', {
  timeout: 10_000,
}, async () => {
  const now = await transport.call(url, 'range', { key: 'w' }, 1_000, null);
  assert.ok(now.kind === 'answered');
  const stream = collect();
  const startRevision = revision(now.header.revision + 1n);
  const watch = transport.watch(url, { key: 'w/', rangeEnd: 'w0', startRevision }, null, stream.receive);
  await stream.until((messages) => messages.some(({ kind }) => kind === 'created'));
  transport.cut(url);
  const put = { op: 'put' as const, key: 'w/x', value: 'ä' };
  await transport.call(url, 'txn', { compare: [], success: [put], failure: [] }, 1_000, null);
  await transport.call(url, 'txn', { compare: [], success: [{ op: 'delete', key: 'w/x' }], failure: [] }, 1_000, null);
  const events = () => stream.messages.flatMap((message) => (message.kind === 'events' ? message.events : []));
  await stream.until(() => events().length === 2);
  assert.deepEqual(
    events().map(({ type, key, value }) => [type, key, value]),
    [
      ['put', 'w/x', 'ä'],
      ['delete', 'w/x', ''],
    ],
  );
  watch.askProgress();
  await stream.until((messages) => messages.some(({ kind }) => kind === 'progress'));
  watch.close();
});

test('a watch at a compacted revision is cancelled with the revision', { timeout: 10_000 }, async () => {
  await transport.call(
    url,
    'txn',
    { compare: [], success: [{ op: 'put', key: 'c', value: '1' }], failure: [] },
    1_000,
    null,
  );
  const now = await transport.call(url, 'range', { key: 'c' }, 1_000, null);
  assert.ok(now.kind === 'answered');
  const compacted = now.header.revision;
  await fetch(`${url}/v3/kv/compaction`, { method: 'POST', body: JSON.stringify({ revision: String(compacted) }) });
  const stream = collect();
  transport.watch(url, { key: 'c', rangeEnd: 'd', startRevision: revision(1n) }, null, stream.receive);
  await stream.until((messages) => messages.some(({ kind }) => kind === 'canceled'));
  const canceled = stream.messages.find(({ kind }) => kind === 'canceled');
  assert.ok(canceled?.kind === 'canceled' && canceled.compactRevision === compacted);
});

test('a name without SRV records gives no endpoints, in time', async () => {
  const beganMs = performance.now();
  assert.deepEqual(await transport.resolveSrv('no-such-domain.invalid', 500), []);
  assert.ok(performance.now() - beganMs < 1_000);
});

function collect() {
  const messages: EtcdWatchMessage[] = [];
  let look = (): void => {};
  return {
    messages,
    receive(message: EtcdWatchMessage): void {
      messages.push(message);
      look();
    },
    until: (met: (messages: readonly EtcdWatchMessage[]) => boolean): Promise<void> =>
      new Promise((resolve) => {
        look = () => void (met(messages) && resolve());
        look();
      }),
  };
}

const closedPort = async (): Promise<number> => {
  const server = await silentServer();
  server.close();
  return server.port;
};

/** Accepts connections and never says a word: no TLS handshake ends here. */
const silentServer = (): Promise<{ port: number; close(): void }> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      resolve({ port, close: () => server.close() });
    });
  });
