import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ui } from '../../src/api/handlers/ui.ts';
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
  const api = await startApi(
    fakeAgent(leading),
    { ...local, rest: { ...local.rest, listen } },
    {
      livePage: () => '<p>built</p>',
    },
  );
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

test('GET /ui/why: what was decided at a moment, each rule that declined with what it would have said, and what came next', async () => {
  const decided = (second: number, rule: string, passed: readonly string[]): Entry => ({
    kind: 'decided',
    atMs: now,
    wall: `2026-11-23T10:00:0${second}.000Z`,
    cycle: second,
    wakes: [],
    rule,
    leaseRule: '',
    reason: `it is ${rule}`,
    because: [['leader', 'n2']],
    passed,
    actions: [],
    seen: {
      postgres: 'stopped',
      timeline: 1,
      lsn: null,
      dcs: 'reachable',
      leader: 'n2',
      leaseLeftMs: null,
      guard: 'disarmed',
      job: null,
    },
  });
  const entries = [decided(1, 'standby.following', ['paused', 'data.foreign']), decided(5, 'race.acquire', [])];
  const rules = new Map([['paused', 'people are at work']]);
  const ask = async (at: string) => {
    const query = at === '' ? {} : { at };
    const deps = { handles: fakeAgent(leading, { entries }), local, rules, sleep: async () => {} };
    return ui({ method: 'GET', path: '/ui/why', query, body: null }, deps);
  };
  const toldAt = async (at: string) => {
    const reply = await ask(at);
    return reply.kind === 'json' ? JSON.parse(JSON.stringify(reply.value))[0] : assert.fail(reply.kind);
  };
  const told = await toldAt('2026-11-23T10:00:04.500Z');
  assert.deepEqual([told.node, told.decided.rule, told.ageMs], [local.name, 'standby.following', 3_500]);
  assert.deepEqual(told.decided.because, [['leader', 'n2']]);
  assert.deepEqual(told.decided.passed, [
    { rule: 'paused', reason: 'people are at work' },
    { rule: 'data.foreign', reason: '' },
  ]);
  assert.deepEqual([told.next.rule, told.next.wall], ['race.acquire', '2026-11-23T10:00:05.000Z']);
  const after = await toldAt('2026-11-23T11:00:00Z');
  assert.deepEqual([after.decided.rule, after.next, after.silent], ['race.acquire', null, true]);
  const early = await toldAt('2026-11-23T09:00:00Z');
  assert.deepEqual([early.decided, early.beginsWall], [null, '2026-11-23T10:00:01.000Z']);
  const nonsense = await ask('');
  assert.equal(nonsense.kind === 'text' && nonsense.status, 400);
});

test('GET /ui/why-not: how a member stands if the leader went now, by rule and reason; who leads, and who is nobody', async () => {
  const behind = peer('n3', lsn('0/5000000'));
  const seen = { ...leading, peers: [peer('n2', lsn('0/5000100')), behind] };
  const ask = async (node: string) => {
    let nowMs = Number(now);
    // Nobody answers anew: the wait for that has its bound.
    const handles = { ...fakeAgent(seen), now: () => instantMs(nowMs) };
    const sleep = async (ms: number): Promise<void> => {
      nowMs += ms;
    };
    const reply = await ui(
      { method: 'GET', path: '/ui/why-not', query: { node }, body: null },
      { handles, local, sleep },
    );
    return reply.kind === 'json' ? JSON.parse(JSON.stringify(reply.value)) : reply;
  };
  const n3 = await ask('n3');
  assert.deepEqual([n3.leader, n3.standing.verdict, n3.standing.behindBytes], ['n1', 'goes later', 256]);
  assert.match(n3.answer, /^without n1: n2 takes over/);
  assert.ok(n3.standing.against.length > 0 && n3.standing.against[0].reason.length > 0, JSON.stringify(n3));
  const n2 = await ask('n2');
  assert.deepEqual([n2.standing.verdict, n2.standing.against], ['takes over', []]);
  assert.ok(n2.standing.passed.length > 0);
  assert.equal((await ask('n1')).standing, null, 'it leads');
  assert.equal((await ask('n9')).status, 404);
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
