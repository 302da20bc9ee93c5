import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { lsn } from '../../src/model/units.ts';
import { leading, peer } from '../decide/values.ts';
import { fakeAgent } from './handles.ts';
import { serve } from './serve.ts';

const authentication = { username: 'u', password: 'p' };
const basic = `Basic ${Buffer.from('u:p').toString('base64')}`;
const seen = { ...leading, peers: [peer('n2', lsn('0/5000100'))] };

async function desk(t: TestContext, rest: Parameters<typeof serve>[2] = { authentication }) {
  const agent = fakeAgent(seen);
  const base = await serve(t, agent, rest);
  const ask = async (body: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${base}/ui/do`, {
      method: 'POST',
      headers: { origin: base, authorization: basic, ...headers },
      body: JSON.stringify(body),
    });
    return [answer.status, await answer.text()] as const;
  };
  return { agent, base, ask };
}

test('POST /ui/do: only who has the password, and comes from this very page; nothing happens otherwise', async (t) => {
  const { agent, base, ask } = await desk(t);
  assert.deepEqual(await ask({ deed: 'signIn' }), [200, 'welcome']);
  const restart = { deed: 'restart' };
  assert.equal((await ask(restart, { authorization: 'Basic eDp5' }))[0], 401);
  for (const origin of ['http://evil.example', 'null', `${base}0`, 'http://127.0.0.1'])
    assert.deepEqual(await ask(restart, { origin }), [403, 'asked from another site than this page'], origin);
  const noOrigin = await fetch(`${base}/ui/do`, {
    method: 'POST',
    headers: { authorization: basic },
    body: JSON.stringify(restart),
  });
  assert.equal(noOrigin.status, 403);
  assert.deepEqual([agent.asked, agent.puts], [[], []]);
});

test('POST /ui/do: where no password is set nobody is known, and nobody may', async (t) => {
  const { agent, ask } = await desk(t, {});
  const [status, text] = await ask({ deed: 'pause' });
  assert.equal(status, 403);
  assert.match(text, /set restapi\.authentication/);
  assert.deepEqual(agent.puts, []);
});

test('POST /ui/do: restart, reinit, pause, resume and a switchover go the way of their own endpoints; others are refused', async (t) => {
  const { agent, ask } = await desk(t);
  assert.deepEqual(await ask({ deed: 'restart' }), [200, 'restarted successfully']);
  assert.equal((await ask({ deed: 'reinit' }))[0], 200);
  assert.deepEqual(
    agent.asked.map(({ kind }) => kind),
    ['restart', 'reinitialize'],
  );
  assert.equal((await ask({ deed: 'pause' }))[0], 200);
  assert.deepEqual(
    agent.puts.map(({ key, text }) => [key, JSON.parse(text).pause]),
    [['config', true]],
  );
  assert.equal((await ask({ deed: 'down' }))[0], 400);
  const [status, text] = await ask({ deed: 'switchover', node: 'nobody' });
  assert.equal(status, 412, text);
});
