import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import { startApi } from '../../src/api/server.ts';
import type { RestSettings } from '../../src/model/settings.ts';
import { following, leading } from '../decide/values.ts';
import { type FakeAgent, fakeAgent } from './handles.ts';

async function serve(t: TestContext, agent: FakeAgent, rest: Partial<RestSettings> = {}): Promise<string> {
  const { local } = leading.settings;
  const listen = { host: '127.0.0.1', port: 0 };
  const api = await startApi(agent, { ...local, rest: { ...local.rest, ...rest, listen } });
  assert.equal(api.kind, 'ok');
  if (api.kind !== 'ok') return '';
  t.after(() => api.close());
  return `http://127.0.0.1:${api.port}`;
}

const codeOf = async (url: string, method = 'GET', body?: string): Promise<number> =>
  (await fetch(url, { method, ...(body === undefined ? {} : { body }) })).status;

test('GET routes, and HEAD and OPTIONS judge health alone', async (t) => {
  const at = await serve(t, fakeAgent(leading));
  assert.equal(await codeOf(`${at}/liveness`), 200);
  assert.equal(await codeOf(`${at}/liveness`, 'HEAD'), 503);
  assert.equal(await codeOf(`${at}/patroni`, 'OPTIONS'), 503);
  assert.equal(await codeOf(`${at}/master`, 'OPTIONS'), 200);
  assert.equal(await codeOf(`${at}/primary`, 'HEAD'), 200);
  assert.equal(await codeOf(`${at}/replica`, 'HEAD'), 503);
  assert.equal(await codeOf(`${at}/nosuch`), 503);
  assert.equal(await codeOf(`${at}/patroni/anything?at=all`), 200);
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
