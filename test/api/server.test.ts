import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { test } from 'node:test';
import { startApi } from '../../src/api/server.ts';
import { following, leading } from '../decide/values.ts';
import { fakeAgent } from './handles.ts';
import { messageIn, serve } from './serve.ts';

const codeOf = async (url: string, method = 'GET', body?: string): Promise<number> =>
  (await fetch(url, { method, ...(body === undefined ? {} : { body }) })).status;

test('HEAD and OPTIONS judge health alone, also where GET reads something', async (t) => {
  const at = await serve(t, fakeAgent(leading));
  const table: readonly [path: string, get: number, others: number][] = [
    ['/', 200, 200],
    ['/primary', 200, 200],
    ['/master?lag=1', 200, 200],
    ['/read-write', 200, 200],
    ['/leader', 200, 200],
    ['/read-only', 200, 200],
    ['/health', 200, 200],
    ['/read-only-sync', 200, 200],
    ['/replica', 503, 503],
    ['/async', 503, 503],
    ['/standby-leader', 503, 503],
    ['/nosuch', 503, 503],
    ['/liveness', 200, 503],
    ['/readiness', 200, 503],
    ['/patroni', 200, 503],
    ['/patroni/anything?at=all', 200, 503],
    ['/cluster', 200, 503],
    ['/history', 200, 503],
    ['/config', 200, 503],
    ['/metrics', 200, 503],
    ['/journal', 200, 503],
    ['/failsafe', 502, 503],
  ];
  for (const [path, get, others] of table) {
    assert.equal(await codeOf(`${at}${path}`), get, `GET ${path}`);
    for (const method of ['HEAD', 'OPTIONS']) {
      const reply = await fetch(`${at}${path}`, { method });
      assert.deepEqual([reply.status, await reply.text()], [others, ''], `${method} ${path}`);
    }
  }
});

test('the address before a path, and slashes more than one, do not change what is asked', async (t) => {
  const at = await serve(t, fakeAgent(leading));
  const { port } = new URL(at);
  const ask = (path: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = request({ port, path, agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      });
      sent.on('error', reject);
      sent.end();
    });
  for (const path of ['http://x/patroni', 'http://x:8008/primary?lag=1', '//patroni', 'http://x', '///primary'])
    assert.equal(await ask(path), 200, path);
  assert.equal(await ask('http://leader.example/replica'), 503, 'what the agent is called is no path');
});

test('no size is so large, and no tag so odd, that a check breaks', async (t) => {
  const at = await serve(t, fakeAgent(following));
  assert.equal(await codeOf(`${at}/replica?lag=${'9'.repeat(400)}`), 200);
  assert.equal(await codeOf(`${at}/replica?tag___proto__=%5Bobject+object%5D`), 503);
  assert.equal(await codeOf(`${at}/restart`, 'POST', '{"postgres_version": {"toString": 1}}'), 400);
});

test('what was asked is repeated as no page of this agent', async (t) => {
  const at = await serve(t, fakeAgent(leading));
  const link = await fetch(`${at}/ui/why-not?node=${encodeURIComponent('<script>alert(1)</script>')}`);
  assert.equal(link.status, 404);
  assert.match(link.headers.get('content-security-policy') ?? '', /^sandbox; default-src 'none'$/);
  const posted = await fetch(`${at}/restart`, { method: 'POST', body: '{"<script>": 1}' });
  assert.equal(posted.status, 400);
  assert.match(posted.headers.get('content-security-policy') ?? '', /^sandbox/);
  assert.equal(posted.headers.get('x-content-type-options'), 'nosniff');
});

test('types are those that clients compare; extra headers go with full answers only', async (t) => {
  const at = await serve(t, fakeAgent(leading), { httpExtraHeaders: { 'x-extra': '1' } });
  const table: readonly [method: string, path: string, type: string | null, extra: string | null][] = [
    ['GET', '/primary', 'application/json', '1'],
    ['GET', '/patroni', 'application/json', '1'],
    ['GET', '/config', 'application/json', '1'],
    ['GET', '/metrics', 'text/plain', '1'],
    ['POST', '/reload', 'text/html', '1'],
    ['GET', '/failsafe', 'text/html;charset=utf-8', null],
    ['HEAD', '/primary', null, null],
    ['GET', '/liveness', null, null],
  ];
  for (const [method, path, type, extra] of table) {
    const { headers } = await fetch(`${at}${path}`, { method });
    assert.deepEqual([headers.get('content-type'), headers.get('x-extra')], [type, extra], `${method} ${path}`);
  }
});

test('a body is JSON whatever it is called, and refused when it is too large', async (t) => {
  const agent = fakeAgent(leading);
  const at = await serve(t, agent);
  for (const type of ['application/x-www-form-urlencoded', 'application/json', 'text/plain', 'not a type', null]) {
    const body = Buffer.from('{"ttl": 40}');
    const reply = await fetch(`${at}/config`, {
      method: 'PATCH',
      body,
      headers: type === null ? {} : { 'content-type': type },
    });
    assert.deepEqual([reply.status, await reply.text()], [200, '{"ttl": 40}'], String(type));
  }
  assert.equal(agent.puts.length, 5);
  const big = await fetch(`${at}/config`, { method: 'PATCH', body: JSON.stringify({ x: 'y'.repeat(70_000) }) });
  assert.deepEqual([big.status, messageIn(await big.text())], [413, 'the body is larger than 65536 bytes']);
  assert.equal(agent.puts.length, 5);
});

/** fetch always tells a length. */
const withoutLength = (url: string, method: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const call = request(url, { method }, (reply) => resolve(reply.resume().statusCode ?? 0));
    call.removeHeader('content-length');
    call.removeHeader('transfer-encoding');
    call.on('error', reject).end();
  });

test('no length: 411 where a body must be, {} where it may be missing', async (t) => {
  const at = await serve(t, fakeAgent(leading));
  for (const [method, path, code] of [
    ['PATCH', '/config', 411],
    ['PUT', '/config', 411],
    ['POST', '/switchover', 411],
    ['POST', '/failover', 411],
    ['POST', '/restart', 200],
    ['POST', '/reinitialize', 200],
    ['POST', '/reload', 202],
  ] as const)
    assert.equal(await withoutLength(`${at}${path}`, method), code, path);
});

test('a wrong body gets 400 with the reason, and nothing is done', async (t) => {
  const agent = fakeAgent(leading);
  const at = await serve(t, agent);
  const deep = `{"a": ${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
  const wrong: readonly [body: string, why: string][] = [
    ['{"ttl": 30', 'the body is not JSON'],
    ['ttl=30', 'the body is not JSON'],
    ['[1]', 'the body is an array, a JSON object is needed'],
    ['null', 'the body is null, a JSON object is needed'],
    ['"x"', 'the body is a string, a JSON object is needed'],
    [' ', 'the body is empty, a JSON object is needed'],
    [deep, 'the body is nested deeper than 100 levels'],
  ];
  const empty: readonly [string, string][] = [
    ['{}', 'the body is an empty object'],
    ['', 'the body is empty, a JSON object is needed'],
  ];
  const table: readonly [call: string, bodies: readonly (readonly [string, string])[]][] = [
    ['PATCH /config', [...wrong, ...empty]],
    ['PUT /config', [...wrong, ...empty]],
    ['POST /switchover', [...wrong, ...empty]],
    ['POST /failover', [...wrong, ...empty]],
    ['POST /restart', wrong],
    ['POST /reinitialize', wrong],
  ];
  for (const [call, bodies] of table) {
    const [method = '', path = ''] = call.split(' ');
    for (const [body, why] of bodies) {
      const reply = await fetch(`${at}${path}`, { method, body });
      assert.deepEqual([reply.status, messageIn(await reply.text())], [400, why], `${call} ${body.slice(0, 20)}`);
    }
  }
  assert.deepEqual([agent.asked, agent.puts], [[], []]);
});

test('a method that nothing is for is not supported', async (t) => {
  const at = await serve(t, fakeAgent(leading));
  const reply = await fetch(`${at}/nosuch`, { method: 'PUT', body: '{}' });
  assert.equal(reply.status, 501);
  assert.equal(reply.statusText, "Unsupported method ('PUT')");
  assert.match(await reply.text(), /Error code: 501/);
});

test('a port in use is one line that says what to do', async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.after(() => other.close());
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const { local } = following.settings;
  const listen = { host: '127.0.0.1', port };
  const api = await startApi(fakeAgent(following), { ...local, rest: { ...local.rest, listen } });
  assert.equal(api.kind, 'failed');
  assert.match(api.kind === 'failed' ? api.why : '', /127\.0\.0\.1:\d+ is in use .* restapi\.listen/);
});

test('what the operator adds to the headers does not change how an answer is read', async (t) => {
  const { local } = following.settings;
  const httpExtraHeaders = { 'x-frame-options': 'DENY', 'content-length': '1', 'transfer-encoding': 'chunked' };
  const rest = { ...local.rest, listen: { host: '127.0.0.1', port: 0 }, httpExtraHeaders };
  const api = await startApi(fakeAgent(following), { ...local, rest });
  assert.ok(api.kind === 'ok');
  t.after(() => api.close());
  for (const path of ['/patroni', '/metrics']) {
    const reply = await fetch(`http://127.0.0.1:${api.port}${path}`);
    assert.equal(reply.headers.get('x-frame-options'), 'DENY');
    assert.notEqual(reply.headers.get('content-length'), '1');
    assert.ok((await reply.text()).length > 100);
  }
});
