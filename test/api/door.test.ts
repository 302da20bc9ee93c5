import assert from 'node:assert/strict';
import { createServer, get } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { keepDoor } from '../../src/api/door.ts';
import { leading } from '../decide/values.ts';
import { fakeAgent } from './handles.ts';
import { serve } from './serve.ts';

const statusOf = (port: number, path: string): Promise<number | string> =>
  new Promise((resolve) => {
    const asked = get({ port, path, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.on('error', ({ message }) => resolve(message));
  });

async function opened(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  await new Promise<void>((resolve) => void socket.once('connect', resolve));
  return socket;
}

test('whoever comes is let in, and whoever has said nothing for longest goes', async (t) => {
  let finish = (): void => undefined;
  const server = createServer((request, response) => {
    if (request.url === '/long') finish = () => void response.end();
    else response.end();
  });
  keepDoor(server, 4);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const long = statusOf(port, '/long');
  const silent: Socket[] = [];
  for (let n = 0; n < 12; n += 1) silent.push(await opened(t, port));
  for (let n = 0; n < 3; n += 1) assert.equal(await statusOf(port, '/primary'), 200);
  assert.ok(silent.slice(0, 9).every(({ readyState }) => readyState !== 'open'));
  finish();
  assert.equal(await long, 200, 'whoever is being answered stays');
});

test('readers of answers without end leave room for health checks', async (t) => {
  const { port: text } = new URL(await serve(t, fakeAgent(leading)));
  const port = Number(text);
  const readers: Socket[] = [];
  for (let n = 0; n < 100; n += 1) {
    const reader = await opened(t, port);
    reader.write(`GET ${n % 2 === 0 ? '/events' : '/ui/stream'} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await new Promise<void>((resolve) => void reader.once('data', () => resolve()));
    readers.push(reader);
  }
  assert.equal(await statusOf(port, '/events'), 503);
  assert.equal(await statusOf(port, '/primary'), 200);
  readers[0]?.destroy();
  let status: number | string = 503;
  for (let tries = 0; tries < 100 && status === 503; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    status = await statusOf(port, '/events');
  }
  assert.equal(status, 200);
});
