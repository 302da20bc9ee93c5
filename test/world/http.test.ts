import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { after, before, test } from 'node:test';
import { makeHttp } from '../../src/world/http.ts';

let server: Server;
let base = '';
before(async () => {
  server = createServer((request, response) => {
    if (request.url === '/never') return;
    if (request.url === '/half') {
      response.write('{"half');
      return;
    }
    if (request.url === '/endless') {
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      return more();
    }
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      response.writeHead(503, { 'x-said': 'yes' });
      const { authorization, connection, 'content-length': length } = request.headers;
      response.end(JSON.stringify({ method: request.method, body, authorization, connection, length }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  base = `http://127.0.0.1:${address.port}`;
});
after(() => server.closeAllConnections());
after(() => server.close());

test('any status is an answer; each request has a connection of its own', async () => {
  const http = makeHttp({ basicAuth: { username: 'u', password: 'p' } });
  const reply = await http.request(`${base}/x`, { method: 'POST', body: '{"ü":1}', limitMs: 2_000 });
  assert.ok(reply.kind === 'answered');
  assert.equal(reply.status, 503);
  assert.equal(reply.headers['x-said'], 'yes');
  assert.deepEqual(JSON.parse(reply.body), {
    method: 'POST',
    body: '{"ü":1}',
    authorization: `Basic ${Buffer.from('u:p').toString('base64')}`,
    connection: 'close',
    length: '8',
  });
});

test('silence, half an answer, an endless one, nobody there, nonsense: all silent, in time', async () => {
  const http = makeHttp();
  for (const url of [`${base}/never`, `${base}/half`, 'http://127.0.0.1:1/', 'nonsense', 'http://127.0.0.1:99999/']) {
    const began = performance.now();
    const reply = await http.request(url, { method: 'GET', limitMs: 300 });
    assert.equal(reply.kind, 'silent', url);
    assert.ok(performance.now() - began < 1_000, url);
  }
  assert.equal((await http.request(`${base}/endless`, { method: 'GET', limitMs: 5_000 })).kind, 'silent');
});
