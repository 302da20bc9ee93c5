import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { startApi } from '../../src/api/server.ts';
import type { RestSettings } from '../../src/model/settings.ts';
import { leading } from '../decide/values.ts';
import type { FakeAgent } from './handles.ts';

/** The real server over a small agent, on a port of its own. Gives its address. */
export async function serve(t: TestContext, agent: FakeAgent, rest: Partial<RestSettings> = {}): Promise<string> {
  const { local } = leading.settings;
  const listen = { host: '127.0.0.1', port: 0 };
  const api = await startApi(agent, { ...local, rest: { ...local.rest, ...rest, listen } });
  assert.equal(api.kind, 'ok');
  if (api.kind !== 'ok') return '';
  t.after(() => api.close());
  return `http://127.0.0.1:${api.port}`;
}

/** The sentence in an error page. */
export const messageIn = (html: string): string => /<p>Message: (.*)\.<\/p>/.exec(html)?.[1] ?? '';
