import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reinitialize, reload } from '../../src/api/handlers/data.ts';
import { cancelRestart, restart } from '../../src/api/handlers/restart.ts';
import type { Reply } from '../../src/api/reply.ts';
import type { AskAnswer } from '../../src/model/ask.ts';
import { leading } from '../decide/values.ts';
import { fakeAgent } from './handles.ts';

const request = (body: unknown) => ({
  method: 'POST',
  path: '/x',
  query: {},
  body: body === undefined ? null : JSON.stringify(body),
});
const said = (reply: Reply): readonly [number, string] =>
  reply.kind === 'text' ? [reply.status, reply.text] : [-1, JSON.stringify(reply)];
const answering = (kind: AskAnswer['kind'] | 'timeout', text = '') =>
  fakeAgent(leading, { answer: () => (kind === 'timeout' ? { kind } : { id: 1, kind, text }) });

test('/restart: what is wrong with a request is told before anybody is asked', async () => {
  const role = 'PostgreSQL role should be either primary, standby_leader, or replica';
  const timeout = 'Timeout should be a positive number of seconds';
  const zone = 'Timezone information is mandatory for the scheduled restart';
  const unreadable = 'Unable to parse scheduled timestamp. It should be in an unambiguous format, e.g. ISO 8601';
  const table: readonly [body: unknown, code: number, text: string][] = [
    [{ role: 'foo' }, 400, role],
    [{ role: 5 }, 400, role],
    [{ postgres_version: '9.5' }, 400, 'Invalid PostgreSQL version format: X.Y or X.Y.Z is accepted: 9.5'],
    [{ postgres_version: '15' }, 400, 'Invalid PostgreSQL version format: X.Y or X.Y.Z is accepted: 15'],
    [{ postgres_version: 'abc' }, 400, 'Invalid PostgreSQL version: abc'],
    [{ timeout: 0 }, 400, timeout],
    [{ timeout: -1 }, 400, timeout],
    [{ timeout: 'soon' }, 400, timeout],
    [{ timeout: null }, 400, timeout],
    [{ timeout: [5] }, 400, timeout],
    [{ foo: 1 }, 400, 'Unknown filter for the scheduled restart: foo'],
    [{ schedule: '2036-01-01T00:00:00' }, 400, zone],
    [{ schedule: '2036-01-01' }, 400, zone],
    [{ schedule: '2006-01-01T00:00:00Z' }, 422, 'Cannot schedule restart in the past'],
    [{ schedule: 'tomorrow' }, 422, unreadable],
    [{ schedule: 5 }, 422, unreadable],
  ];
  for (const [body, code, text] of table) {
    const agent = fakeAgent(leading);
    assert.deepEqual(said(await restart(request(body), agent)), [code, text]);
    assert.deepEqual(agent.asked, [], text);
  }
});

test('/restart: what is asked of the loop', async () => {
  const ask = { kind: 'restart', role: null, pendingOnly: false, belowVersion: null, timeoutMs: null, schedule: null };
  const asked = async (body: unknown): Promise<unknown> => {
    const agent = fakeAgent(leading);
    assert.deepEqual(said(await restart(request(body), agent)), [200, 'restarted successfully']);
    return agent.asked[0];
  };
  assert.deepEqual(await asked(undefined), { ...ask, raw: {} });
  assert.deepEqual(await asked({}), { ...ask, raw: {} });
  const body = { role: 'replica', restart_pending: false, postgres_version: '16.1', timeout: '2min' };
  assert.deepEqual(await asked(body), {
    ...ask,
    role: 'replica',
    pendingOnly: true, // presence counts
    belowVersion: 160_001,
    timeoutMs: 120_000,
    raw: body,
  });
});

test('/restart: what the loop answers', async () => {
  const table: readonly [kind: AskAnswer['kind'] | 'timeout', text: string, code: number, told: string][] = [
    ['done', 'x', 200, 'restarted successfully'],
    ['accepted', 'x', 202, 'Restart scheduled'],
    ['refused', 'restart conditions are not satisfied', 503, 'restart conditions are not satisfied'],
    ['refused', 'Another restart is already scheduled', 409, 'Another restart is already scheduled'],
    ['refused', "Can't schedule restart in the paused state", 500, "Can't schedule restart in the paused state"],
    ['failed', 'it did not start', 503, 'restart failed'],
    ['timeout', '', 503, 'restart failed'],
  ];
  for (const [kind, text, code, told] of table)
    assert.deepEqual(said(await restart(request({}), answering(kind, text))), [code, told]);
  assert.deepEqual(said(await cancelRestart(answering('done'))), [200, 'scheduled restart deleted']);
  assert.deepEqual(said(await cancelRestart(answering('refused'))), [404, 'no restarts are scheduled']);
});

test('/reload answers before anything has happened', () => {
  const agent = fakeAgent(leading);
  assert.deepEqual(said(reload(agent)), [202, 'reload scheduled']);
  assert.deepEqual(agent.asked, [{ kind: 'reload' }]);
});

test('/reinitialize: accepted, refused, or not refused in time', async () => {
  const never = new Promise<void>(() => {});
  const run = (agent = answering('accepted'), body: unknown = {}, sleep = () => never) =>
    reinitialize(request(body), { handles: agent, sleep });
  const agent = answering('accepted');
  assert.deepEqual(said(await run(agent, { force: 'true', from_leader: 1 })), [200, 'reinitialize started']);
  assert.deepEqual(agent.asked, [{ kind: 'reinitialize', force: true, fromLeader: true }]);
  const sentence = 'I am the leader, can not reinitialize';
  assert.deepEqual(said(await run(answering('refused', sentence))), [503, sentence]);
  const slow = fakeAgent(leading);
  const mailbox = { ask: () => new Promise<AskAnswer>(() => {}) };
  const reply = await run({ ...slow, mailbox }, {}, () => Promise.resolve() as Promise<never>);
  assert.deepEqual(said(reply), [200, 'reinitialize started']);
});
