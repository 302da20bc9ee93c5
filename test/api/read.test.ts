import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cluster, failsafe, history, journal } from '../../src/api/handlers/read.ts';
import type { Entry } from '../../src/model/decision.ts';
import { lsn, revision, timeline } from '../../src/model/units.ts';
import { leading, unreachable, withCluster } from '../decide/values.ts';
import { fakeAgent, viewOf } from './handles.ts';
import { serve } from './serve.ts';

const note = (text: string): Entry => ({
  kind: 'note',
  atMs: leading.nowMs,
  wall: '2026-01-01T00:00:00.000Z',
  level: 'info',
  text,
  because: [],
});

test('/cluster and /history are read afresh; without etcd they are 503, not old news', async () => {
  const lines = [
    {
      timeline: timeline(1),
      end: lsn('0/3048550'),
      reason: 'no recovery target specified',
      at: '2026-11-23T01:44:52+00:00',
      newLeader: 'n1',
    },
    { timeline: timeline(2), end: lsn('0/4000000'), reason: 'x', at: null, newLeader: null },
  ];
  const agent = fakeAgent(withCluster(leading, { history: { lines, modRevision: revision(3n) } }));
  const whole = await cluster(agent, 'demo');
  assert.ok(whole.kind === 'json' && whole.status === 200);
  assert.deepEqual(await history(agent), {
    kind: 'json',
    status: 200,
    value: [
      [1, 50627920, 'no recovery target specified', '2026-11-23T01:44:52+00:00', 'n1'],
      [2, 67108864, 'x'],
    ],
  });
  assert.deepEqual(await history(fakeAgent(withCluster(leading, { history: null }))), {
    kind: 'json',
    status: 200,
    value: [],
  });
  const cut = fakeAgent(unreachable(leading));
  for (const reply of [await cluster(cut, 'demo'), await history(cut)])
    assert.deepEqual(reply, { kind: 'page', status: 503, why: 'etcd does not answer: no endpoint answers' });
});

test('/failsafe tells the map, or 502 where there is none', () => {
  const map = { n1: 'http://n1:8008/patroni' };
  assert.deepEqual(failsafe(viewOf(withCluster(leading, { failsafe: { members: map, modRevision: revision(9n) } }))), {
    kind: 'json',
    status: 200,
    value: map,
  });
  assert.deepEqual(failsafe(viewOf(leading)), { kind: 'page', status: 502 });
  assert.deepEqual(failsafe(viewOf(leading, { snapshot: null })), { kind: 'page', status: 502 });
});

test('/journal: the newest entries, oldest first, so many as asked', () => {
  const entries = ['a', 'b', 'c'].map(note);
  const texts = (limit?: string): string[] => {
    const reply = journal(
      { method: 'GET', path: '/journal', query: limit === undefined ? {} : { limit }, body: null },
      fakeAgent(leading, { entries }),
    );
    const lines = reply.kind === 'text' ? reply.text.split('\n').filter((line) => line !== '') : [];
    return lines.map((line) => JSON.parse(line).text);
  };
  assert.deepEqual([texts(), texts('2'), texts('0'), texts('x')], [['a', 'b', 'c'], ['b', 'c'], [], ['a', 'b', 'c']]);
});

test('/events streams each entry as it is told, and lets go of a reader that leaves', async (t) => {
  const agent = fakeAgent(leading);
  const at = await serve(t, agent);
  const leave = new AbortController();
  const reply = await fetch(`${at}/events`, { signal: leave.signal });
  assert.equal(reply.headers.get('content-type'), 'text/event-stream');
  const reader = reply.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader?.read())?.value, ': open\n\n');
  agent.tell(note('hello'));
  assert.match((await reader?.read())?.value ?? '', /^data: \{.*"text":"hello".*\}\n\n$/);
  leave.abort();
  await assert.rejects(async () => reader?.read());
});
