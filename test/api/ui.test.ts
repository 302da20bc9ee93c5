import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApi } from '../../src/api/server.ts';
import { agentPicture } from '../../src/codec/rest/live.ts';
import type { Entry } from '../../src/model/decision.ts';
import type { LiveMessage } from '../../src/model/live.ts';
import type { Observation } from '../../src/model/observation.ts';
import { instantMs, lsn } from '../../src/model/units.ts';
import { following, leading, peer } from '../decide/values.ts';
import { fakeAgent, now, snapshotOf } from './handles.ts';
import { serve } from './serve.ts';

const { local } = leading.settings;
const context = { scope: 'demo', name: local.name, nowMs: now, wallMs: 1_795_000_000_000, rehearsal: null };

test('an agent’s picture: of itself at first hand, of the others what etcd tells', () => {
  const picture = agentPicture(snapshotOf(leading), { ...context, fenceDeadlineMs: instantMs(now + 12_000) });
  const own = picture.machines.find(({ name }) => name === local.name);
  assert.equal(picture.leader, local.name);
  assert.equal(own?.member?.role, 'leader');
  assert.equal(own?.own?.postgres, 'running primary');
  assert.equal(own?.own?.lease?.endsWallMs, context.wallMs + 12_000);
  assert.equal(own?.own?.lsn, '0/5000100');
  const others = picture.machines.filter(({ name }) => name !== local.name);
  assert.ok(others.length > 0);
  for (const { own: word, beside, member } of others) {
    assert.deepEqual([word, beside], [null, null]);
    assert.notEqual(member, null);
  }
});

test('if the leader died now: who, when and what is at risk, by the last look; of nobody the reason; JSON can carry it', () => {
  const outlookOf = (seen: Observation) => {
    const played = fakeAgent(seen).rehearse(null);
    assert.ok(played !== null && !('kind' in played));
    const picture = agentPicture(snapshotOf(seen), { ...context, fenceDeadlineMs: null, rehearsal: played });
    return JSON.parse(JSON.stringify(picture)).outlook;
  };
  const peers = [peer('n2', lsn('0/5000100')), peer('n3', lsn('0/5000000'))];
  const { because, afterMs, ...rest } = outlookOf({ ...leading, peers });
  assert.deepEqual(rest, { kind: 'takesOver', leader: 'n1', heirs: ['n2'], bytesAtRisk: 0 });
  assert.ok(afterMs > 10_000 && because.length >= 3, JSON.stringify({ afterMs, because }));
  assert.equal(outlookOf({ ...following, peers: [peer('n3', lsn('0/5000000'))] }).bytesAtRisk, null, 'two looks');
  const silent = peers.map((one) => ({ ...one, last: { kind: 'silent', atMs: now, why: 'no answer' } }) as const);
  const none = outlookOf({ ...leading, peers: silent });
  assert.deepEqual([none.kind, none.leader, none.why], ['nobody', 'n1', 'n2 and n3: its agent: no answer']);
});

test('without etcd it names no leader, and keeps what it knew of the members', () => {
  const { dcs } = following;
  assert.equal(dcs.kind, 'reachable');
  if (dcs.kind !== 'reachable') return;
  const lost = { kind: 'unreachable', sinceMs: now, why: 'no connection', lastSeen: dcs.cluster } as const;
  const picture = agentPicture(snapshotOf({ ...following, dcs: lost }), { ...context, fenceDeadlineMs: null });
  assert.deepEqual([picture.leader, picture.toldBy], [null, null]);
  assert.ok(picture.machines.length > 1);
  const own = picture.machines.find((one) => one.own !== null)?.own;
  assert.equal(own?.etcdSilentBecause, 'no connection');
  assert.equal(own?.lease, null);
});

test('before its first look an agent shows itself and nothing it does not know', () => {
  const picture = agentPicture(null, { ...context, fenceDeadlineMs: null });
  assert.deepEqual(picture.machines, [{ name: local.name, address: null, member: null, own: null, beside: null }]);
});

test('GET /ui is the page as it was built, in no other site’s frame; without a build 404 says so', async (t) => {
  const listen = { host: '127.0.0.1', port: 0 };
  const api = await startApi(fakeAgent(leading), { ...local, rest: { ...local.rest, listen } }, () => '<p>built</p>');
  assert.equal(api.kind, 'ok');
  if (api.kind !== 'ok') return;
  t.after(() => api.close());
  const page = await fetch(`http://127.0.0.1:${api.port}/ui`);
  assert.equal(page.status, 200);
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.equal(page.headers.get('x-frame-options'), 'DENY');
  assert.equal(await page.text(), '<p>built</p>');
  assert.equal((await fetch(`http://127.0.0.1:${api.port}/ui/other`)).status, 404);
  const bare = await serve(t, fakeAgent(leading));
  assert.equal((await fetch(`${bare}/ui`)).status, 404);
});

test('GET /ui/stream pushes the picture and what happened; when nobody listens nothing of it is left', async (t) => {
  const note = (level: 'info' | 'warning', text: string): Entry => ({
    kind: 'note',
    atMs: now,
    wall: '2026-11-23T10:00:00.000Z',
    level,
    text,
    because: [],
  });
  const agent = fakeAgent(leading, { entries: [note('info', 'routine'), note('warning', 'before')] });
  const base = await serve(t, agent);
  const gone = new AbortController();
  const answer = await fetch(`${base}/ui/stream`, { signal: gone.signal });
  assert.equal(answer.headers.get('content-type'), 'text/event-stream');
  const messages = messagesOf(answer);
  const texts = (message: LiveMessage): string[] =>
    message.kind === 'happened' ? message.happenings.map(({ text }) => text) : [message.kind];
  assert.deepEqual(texts(await messages.next()), ['picture']);
  assert.deepEqual(texts(await messages.next()), ['warning: before']);
  assert.equal(agent.readers(), 2);

  const saidMs = performance.now();
  agent.publish();
  agent.publish();
  assert.deepEqual(texts(await messages.next()), ['picture']);
  assert.ok(performance.now() - saidMs < 200, 'pushed, not fetched');
  agent.tell(note('warning', 'now'));
  assert.deepEqual(texts(await messages.next()), ['warning: now'], 'two snapshots of one cycle were one picture');

  gone.abort();
  for (let tries = 0; agent.readers() > 0 && tries < 100; tries++) await new Promise((done) => setTimeout(done, 20));
  assert.equal(agent.readers(), 0);
});

/** The data of a stream of server-sent events, one message after the other. */
function messagesOf(answer: Response): { next(): Promise<LiveMessage> } {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return {
    async next() {
      for (;;) {
        const end = text.indexOf('\n\n');
        if (end < 0) {
          const more = await reader?.read();
          if (more === undefined || more.done) throw new Error('the stream ended');
          text += more.value;
          continue;
        }
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        if (block.startsWith('data: ')) return JSON.parse(block.slice(6));
      }
    },
  };
}
