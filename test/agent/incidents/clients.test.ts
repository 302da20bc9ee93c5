import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeHearClients, type Span } from '../../../src/agent/incidents/clients.ts';
import { makeIncidents } from '../../../src/agent/incidents/store.ts';
import { writeGaps } from '../../../src/codec/probe.ts';
import type { ProbeWord } from '../../../src/model/incident.ts';
import type { ClientGap } from '../../../src/model/probe.ts';
import { instantMs } from '../../../src/model/units.ts';
import type { HttpReply, World } from '../../../src/model/world.ts';
import { makeFiles } from '../../../src/world/files.ts';

const probes = [{ host: 'p1', port: 9988 }];
const span: Span = { beganMs: instantMs(100_000), endedMs: instantMs(104_000) };

/** A small world: time passes while somebody sleeps, and probes answer by the clock. */
function place(answers: (nowMs: number, url: string) => HttpReply, beginMs = 104_000) {
  let nowMs = beginMs;
  const asked: number[] = [];
  const clock = {
    now: () => instantMs(nowMs),
    sleep: async (ms: number) => {
      nowMs += ms;
    },
  };
  const http = {
    request: async (url: string) => {
      asked.push(nowMs);
      return answers(nowMs, url);
    },
  };
  return { world: { clock, http } as unknown as Pick<World, 'clock' | 'http'>, asked };
}

const answer = (body: string, status = 200): HttpReply => ({ kind: 'answered', status, headers: {}, body });
/** A gap on this agent's clock, as a probe tells it at `nowMs`. */
const gap = (fromMs: number, untilMs: number | null, nowMs: number): ClientGap => ({
  kind: 'write',
  target: 'ha:5000/app',
  gapMs: (untilMs ?? nowMs) - fromMs,
  fromWallMs: 5,
  beganAgoMs: nowMs - fromMs,
  endedAgoMs: untilMs === null ? null : nowMs - untilMs,
  hostBefore: 'a',
  hostAfter: untilMs === null ? null : 'b',
});

async function hear(answers: (nowMs: number, url: string) => HttpReply, addresses: typeof probes = probes) {
  const { world, asked } = place(answers);
  const told: (readonly ProbeWord[])[] = [];
  await makeHearClients(world, () => addresses)(span, (words) => void told.push(words));
  return { told, asked };
}

test('of all gaps of a probe, those count that overlap the incident; its clock does not matter', async () => {
  const { told, asked } = await hear((nowMs) =>
    answer(writeGaps([gap(50_000, 90_000, nowMs), gap(99_000, 103_500, nowMs), gap(106_000, 107_000, nowMs)])),
  );
  assert.deepEqual(asked, [109_000]);
  assert.deepEqual(told.at(-1), [
    {
      probe: 'p1:9988',
      unheard: null,
      gaps: [
        {
          kind: 'write',
          target: 'ha:5000/app',
          gapMs: 4_500,
          beganAfterMs: -1_000,
          ended: true,
          hostBefore: 'a',
          hostAfter: 'b',
        },
      ],
    },
  ]);
});

test('a gap that still runs is asked about again, until it has ended', async () => {
  const { told, asked } = await hear((nowMs) =>
    answer(writeGaps([gap(99_000, nowMs < 150_000 ? null : 140_000, nowMs)])),
  );
  assert.equal(asked.length, 3);
  assert.deepEqual(
    told.map(([word]) => word?.gaps.map(({ gapMs, ended }) => [gapMs, ended])),
    [[[10_000, false]], [[40_000, false]], [[41_000, true]]],
  );
});

test('a probe that is not heard, or is none, is told as such, asked again and then left; what it had said stays', async () => {
  const silent = await hear(() => ({ kind: 'silent', why: 'refused' }));
  assert.equal(silent.asked.length, 10);
  assert.deepEqual(silent.told.at(-1), [{ probe: 'p1:9988', unheard: 'refused', gaps: [] }]);
  const other = await hear(() => answer('<html>hello', 200));
  assert.equal(other.told.at(-1)?.[0]?.unheard, 'no probe answers there (status 200)');
  const once = await hear((nowMs) =>
    nowMs < 110_000 ? answer(writeGaps([gap(99_000, null, nowMs)])) : { kind: 'silent', why: 'refused' },
  );
  assert.equal(once.told.at(-1)?.[0]?.gaps.length, 1);
});

test('without probes nobody is asked, and nothing is waited for', async () => {
  assert.deepEqual(await hear(() => assert.fail('asked'), []), { told: [], asked: [] });
});

test('the incident has what clients felt, in memory and on the disk, a moment after it is over', async () => {
  const written = new Map<string, string>();
  const done = async () => ({ kind: 'done' }) as const;
  const files = {
    ...makeFiles(),
    makeDirectory: done,
    list: async () => ({ kind: 'absent' }) as const,
    write: async (path: string, text: string) => {
      written.set(path, text);
      return { kind: 'done' } as const;
    },
  };
  const { world } = place((nowMs) => answer(writeGaps([gap(900, 2_500, nowMs)])), 2_000);
  let heard: Promise<void> = Promise.resolve();
  const hearClients = makeHearClients(world, () => probes);
  const incidents = makeIncidents({ files }, { scope: 'demo', node: 'n2', stateDir: '/state' }, (at, tell) => {
    heard = hearClients(at, tell);
    return heard;
  });
  const entry = { atMs: instantMs(1_000), wall: '1970-01-01T00:00:01.000Z', because: [] } as const;
  incidents.hear({ ...entry, kind: 'changed', what: 'leader', from: 'n1', to: '-' });
  incidents.hear({ ...entry, atMs: instantMs(2_000), kind: 'note', level: 'info', text: 'agent ends: stopped' });
  await heard;
  await incidents.flushed();
  const [incident] = incidents.recent();
  assert.deepEqual(
    [incident?.clients?.[0]?.gaps[0]?.gapMs, incident?.clients?.[0]?.gaps[0]?.beganAfterMs],
    [1_600, -100],
  );
  const [text = ''] = [...written.values()];
  assert.deepEqual(JSON.parse(text).clients, incident?.clients);
});
