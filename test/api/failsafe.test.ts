import assert from 'node:assert/strict';
import { test } from 'node:test';
import { promise } from '../../src/api/handlers/failsafe.ts';
import { lsn, term } from '../../src/model/units.ts';
import { makeHttp } from '../../src/world/http.ts';
import { httpOptionsOf } from '../../src/world/httpOptions.ts';
import { following, leading } from '../decide/values.ts';
import { fakeAgent } from './handles.ts';
import { serve } from './serve.ts';

/** POST /failsafe: a 200 is a promise, whatever else is none. */

const request = (body: string | null) => ({ method: 'POST', path: '/failsafe', query: {}, body });
const question =
  '{"name": "n1", "conn_url": "postgres://n1:5432/postgres", "slots": {}, "matriarch": {"term": "40", "ttl_ms": 30000}}';

test('a promise says how far this node is', async (t) => {
  const agent = fakeAgent(following, { promise: { kind: 'accepted', lsn: lsn('0/3061380') } });
  assert.deepEqual(await promise(request(question), agent), {
    kind: 'text',
    status: 200,
    text: 'Accepted',
    headers: { lsn: '50729856' },
  });
  assert.deepEqual(agent.promises, [
    {
      name: 'n1',
      at: { host: 'n1', port: 5432 },
      slots: {},
      term: term(40n),
      ttlMs: 30_000,
      lsn: null,
      asks: null,
      tries: [],
    },
  ]);
  const sent = await fetch(`${await serve(t, agent)}/failsafe`, { method: 'POST', body: question });
  assert.deepEqual([sent.status, await sent.text(), sent.headers.get('lsn')], [200, 'Accepted', '50729856']);
});

test('a refusal says why; what is no question is never passed on', async () => {
  const leads = fakeAgent(leading, { promise: { kind: 'refused', status: 500, why: 'Running as a leader' } });
  assert.deepEqual(await promise(request(question), leads), { kind: 'text', status: 500, text: 'Running as a leader' });
  const off = fakeAgent(following, { promise: { kind: 'refused', status: 502, why: 'failsafe_mode is off' } });
  assert.deepEqual(await promise(request(question), off), { kind: 'page', status: 502, why: 'failsafe_mode is off' });
  const agent = fakeAgent(following);
  for (const [body, status] of [
    [null, 411],
    ['[', 400],
    ['{"name": 5}', 400],
  ] as const) {
    const reply = await promise(request(body), agent);
    assert.equal('status' in reply ? reply.status : null, status, String(body));
  }
  assert.deepEqual(agent.promises, []);
});

test('where the API wants a password, an agent asks with the one that guards its own, or that of the section ctl', async (t) => {
  const { local } = leading.settings;
  const login = { username: 'admin', password: 'secret' };
  const agent = fakeAgent(following);
  const url = `${await serve(t, agent, { authentication: login })}/failsafe`;
  const statusOf = async (of: Parameters<typeof httpOptionsOf>[0]) => {
    const http = makeHttp(httpOptionsOf(of));
    const reply = await http.request(url, { method: 'POST', body: question, limitMs: 5_000 });
    return reply.kind === 'answered' ? reply.status : reply.why;
  };
  const guarded = { ...local, rest: { ...local.rest, authentication: login } };
  assert.equal(await statusOf(local), 401);
  assert.equal(await statusOf(guarded), 200);
  assert.equal(await statusOf({ ...local, ctl: { ...local.ctl, authentication: login } }), 200);
});
