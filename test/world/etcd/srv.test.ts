import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { resolveSrv } from '../../../src/world/etcd/srv.ts';

interface Srv {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

/** A name server that knows some SRV records; null: it never answers. */
async function nameServer(records: Record<string, readonly Srv[]> | null) {
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    if (records === null) return;
    const question = query.subarray(12);
    const end = question.indexOf(0) + 5;
    const found = records[nameIn(question)] ?? [];
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(found.length === 0 ? 0x8183 : 0x8180, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(found.length, 6);
    socket.send(Buffer.concat([header, question.subarray(0, end), ...found.map(record)]), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return { address: `127.0.0.1:${socket.address().port}`, close: () => socket.close() };
}

function nameIn(question: Buffer): string {
  const labels: string[] = [];
  for (let at = 0; question[at] !== 0; at += (question[at] ?? 0) + 1)
    labels.push(question.toString('ascii', at + 1, at + 1 + (question[at] ?? 0)));
  return labels.join('.');
}

function record({ priority, weight, port, target }: Srv): Buffer {
  const labels = target.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  const name = Buffer.concat([...labels, Buffer.from([0])]);
  const fixed = Buffer.alloc(18);
  [0xc00c, 33, 1, 0, 60, 6 + name.length, priority, weight, port].forEach((field, i) => {
    fixed.writeUInt16BE(field, i * 2);
  });
  return Buffer.concat([fixed, name]);
}

test('records come by priority and weight, the encrypted service before the plain one', async () => {
  const server = await nameServer({
    '_etcd-client._tcp.plain.test': [
      { priority: 20, weight: 1, port: 2379, target: 'c.test' },
      { priority: 10, weight: 1, port: 2379, target: 'b.test' },
      { priority: 10, weight: 5, port: 2479, target: 'a.test' },
    ],
    '_etcd-client-ssl._tcp.both.test': [{ priority: 1, weight: 1, port: 2379, target: 's.test' }],
    '_etcd-client._tcp.both.test': [{ priority: 1, weight: 1, port: 2379, target: 'p.test' }],
  });
  assert.deepEqual(await resolveSrv('plain.test', 1_000, [server.address]), [
    'http://a.test:2479',
    'http://b.test:2379',
    'http://c.test:2379',
  ]);
  assert.deepEqual(await resolveSrv('both.test', 1_000, [server.address]), ['https://s.test:2379']);
  assert.deepEqual(await resolveSrv('none.test', 1_000, [server.address]), []);
  server.close();
});

test('a silent name server costs no more than the limit', async () => {
  const server = await nameServer(null);
  const beganMs = performance.now();
  assert.deepEqual(await resolveSrv('plain.test', 300, [server.address]), []);
  assert.ok(performance.now() - beganMs < 600);
  server.close();
});
