import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import type { Connection } from '../../src/model/world.ts';
import { makeSockets } from '../../src/world/sockets.ts';

const sockets = makeSockets();
const home = mkdtempSync('/tmp/sockets-');
after(() => rmSync(home, { recursive: true, force: true }));

const listen = async (path: string) => {
  const accepted: Connection[] = [];
  let arrive: (connection: Connection) => void = () => undefined;
  const first = new Promise<Connection>((resolve) => {
    arrive = resolve;
  });
  const listening = await sockets.listen(path, (connection) => {
    accepted.push(connection);
    arrive(connection);
  });
  assert.ok(listening.kind === 'listening');
  const connected = await sockets.connect(path, 1_000);
  assert.ok(connected.kind === 'connected');
  return { listening, client: connected.connection, server: await first };
};
const line = (connection: Connection) => new Promise<string>((resolve) => connection.onLine(resolve));
const closed = (connection: Connection) => new Promise<void>((resolve) => connection.onClosed(resolve));

test('lines go both ways; the file is for its owner alone; a stale one is replaced', async () => {
  const path = `${home}/a.sock`;
  writeFileSync(path, 'stale');
  const { listening, client, server } = await listen(path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  client.send('{"ü":1}'); // before anybody listens: it waits
  assert.equal(await line(server), '{"ü":1}');
  server.send('two');
  assert.equal(await line(client), 'two');
  const end = closed(client);
  listening.close();
  await end;
  assert.equal((await sockets.connect(path, 1_000)).kind, 'failed');
});

test('a line that does not end closes the connection', async () => {
  const { listening, client, server } = await listen(`${home}/b.sock`);
  server.onLine(() => assert.fail('no line'));
  const ends = [closed(server), closed(client)];
  client.send('x'.repeat(300_000));
  await Promise.all(ends);
  listening.close();
});

test('a path longer than the kernel takes is refused with the reason, not cut', async () => {
  const path = `${home}/${'x'.repeat(120)}`;
  const refused = await sockets.listen(path, () => undefined);
  assert.ok(refused.kind === 'failed' && /at most 107 bytes/.test(refused.why));
  assert.equal((await sockets.connect(path, 100)).kind, 'failed');
});
