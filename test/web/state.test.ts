import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Happening, MachinePicture, Picture } from '../../src/model/live.ts';
import type { PlayedStep, PlayPicture } from '../../src/model/livePlay.ts';
import { placeFlags } from '../../src/web/flags.ts';
import { marksOf, segmentsOf } from '../../src/web/marks.ts';
import { apply, laneSpanMs, nothingYet } from '../../src/web/state.ts';
import { foresightOf, standOf, verdictOf } from '../../src/web/verdict.ts';
import { age, bytes, duration } from '../../src/web/words.ts';

const at = (second: number): string => new Date(1_795_000_000_000 + second * 1000).toISOString();
const happened = (second: number, text: string, kind: Happening['kind'] = 'changed', node = 'node1'): Happening => ({
  wall: at(second),
  atMs: null,
  skewMs: 0,
  node,
  kind,
  text,
  because: [],
  decision: null,
});
const machine = (name: string, role: string, change: Partial<MachinePicture> = {}): MachinePicture => ({
  name,
  address: null,
  member: { role, state: role === 'leader' ? 'running' : 'streaming', timeline: 3, lagBytes: 0 },
  own: null,
  beside: { power: 'on', cable: 'in', saturated: false, parts: [], services: [] },
  ...change,
});
const well: Picture = {
  source: 'lab',
  scope: 'demo',
  sinceWallMs: 0,
  toldBy: 'node1',
  leader: 'node1',
  paused: false,
  outlook: null,
  machines: [machine('node1', 'leader'), machine('node2', 'replica'), machine('node3', 'replica')],
  client: null,
};

test('of what happened in one instant the last comes first', () => {
  const all = ['a', 'b', 'c'].map((text) => happened(1, text));
  const together = apply(nothingYet, { kind: 'happened', happenings: all }, 0);
  assert.deepEqual(
    together.happenings.map(({ text }) => text),
    ['c', 'b', 'a'],
  );
  const apart = all.reduce((state, one) => apply(state, { kind: 'happened', happenings: [one] }, 0), nothingYet);
  assert.deepEqual(apart.happenings, together.happenings);
});

test('what happened is kept once, the newest first, also when a new connection tells it again', () => {
  const first = [happened(1, 'a'), happened(3, 'c')];
  const once = apply(nothingYet, { kind: 'happened', happenings: first }, 0);
  const again = apply(once, { kind: 'happened', happenings: first }, 0);
  assert.equal(again.happenings, once.happenings);
  const more = apply(again, { kind: 'happened', happenings: [happened(2, 'b'), ...first] }, 0);
  assert.deepEqual(
    more.happenings.map(({ text }) => text),
    ['c', 'b', 'a'],
  );
  assert.equal(more.happenings[2], once.happenings[1], 'what was drawn stays the same object');
});

test('a lane takes samples by the second, and a gap that grows or ends under its beginning', () => {
  const sample = (wallMs: number, perSecond = 20) => ({ wallMs, perSecond, host: 'node1' });
  const lane = (samples: ReturnType<typeof sample>[], toWallMs: number | null) => ({
    kind: 'lanes' as const,
    lanes: [{ kind: 'write' as const, now: null, samples, gaps: [{ fromWallMs: 1500, toWallMs }] }],
  });
  const open = apply(nothingYet, lane([sample(1000), sample(1100, 21)], null), 0);
  assert.deepEqual(open.lanes.write.samples, [sample(1100, 21)]);
  assert.deepEqual(open.lanes.write.gaps, [{ fromWallMs: 1500, toWallMs: null }]);
  const over = apply(open, lane([sample(4000)], 3900), 0);
  assert.deepEqual(over.lanes.write.gaps, [{ fromWallMs: 1500, toWallMs: 3900 }]);
  const later = apply(over, lane([sample(4000 + laneSpanMs)], 3900), 0);
  assert.deepEqual(later.lanes.write.gaps, [], 'what has left the plot is let go');
  assert.deepEqual(later.lanes.read, nothingYet.lanes.read);
});

test('the server’s clock counts, not ours; how long a message took does not', () => {
  const ahead = apply(nothingYet, { kind: 'pulse', wallMs: 5_000 }, 3_000);
  assert.equal(ahead.aheadMs, 2_000);
  assert.equal(apply(ahead, { kind: 'pulse', wallMs: 6_000 }, 4_060).aheadMs, 2_000);
});

test('the verdict says who leads and who does not follow, and is never green over a machine that is out', () => {
  const replaced = (change: Partial<MachinePicture>, name = 'node2'): Picture => ({
    ...well,
    machines: well.machines.map((one) => (one.name === name ? { ...one, ...change } : one)),
  });
  const told = (picture: Picture): string => `${verdictOf(picture).tone}: ${verdictOf(picture).sentence}`;
  assert.equal(told(well), 'good: node1 leads, both others follow');
  const member = { role: 'replica', state: 'streaming', timeline: 2, lagBytes: 0 };
  assert.equal(told(replaced({ member })), 'warn: node1 leads; node2 does not follow');
  const off = { power: 'off', cable: 'in', saturated: false, parts: [], services: [] } as const;
  assert.equal(told(replaced({ beside: off })), 'warn: node1 leads; node2 does not follow');
  assert.equal(told(replaced({ beside: off }, 'node1')), 'bad: node1 holds the leader key, and does not serve');
  const cut = { power: 'on', cable: 'out', saturated: false, parts: [], services: [] } as const;
  assert.equal(told(replaced({ beside: cut }, 'node1')), 'bad: node1 holds the leader key, and does not serve');
  assert.equal(told({ ...well, leader: null }), 'bad: Nobody leads');
  assert.equal(told({ ...well, toldBy: null, leader: null }), 'bad: etcd answers nobody who can be asked');
  assert.equal(told({ ...well, paused: true }), 'warn: Paused: nothing is done by itself');
  assert.equal(told({ ...well, machines: [machine('node1', 'leader')] }), 'good: node1 leads, alone');
});

test('what would follow if the leader died now, in a sentence; nothing over one that is out already', () => {
  const takesOver = { kind: 'takesOver', leader: 'node1', heirs: ['node3'], afterMs: 31_040, bytesAtRisk: 0 } as const;
  const told = (outlook: Picture['outlook'], machines = well.machines): string | null =>
    foresightOf({ ...well, machines, outlook })?.sentence ?? null;
  const because: readonly [] = [];
  assert.equal(told(null), null);
  assert.equal(told({ ...takesOver, because }), 'If node1 died now: node3 in about 31.0 s, 0 bytes at risk');
  assert.equal(
    told({ ...takesOver, because, heirs: ['node2', 'node3'], bytesAtRisk: null }),
    'If node1 died now: node2 or node3 in about 31.0 s, how much is at risk only node1 sees',
  );
  assert.equal(
    told({ kind: 'nobody', leader: 'node1', why: 'no other member is left', because }),
    'If node1 died now: nobody would take over, because no other member is left',
  );
  const off = { power: 'off', cable: 'in', saturated: false, parts: [], services: [] } as const;
  assert.equal(told({ ...takesOver, because }, [machine('node1', 'leader', { beside: off })]), null);
});

test('how a scenario stands: what is waited for, its step, its verdict, and what is done after it', () => {
  const step = (state: PlayedStep['state']): PlayedStep => ({ text: 'cut primary', state, why: null, tookMs: null });
  const play: PlayPicture = {
    number: 1,
    title: 'The cable',
    startedWallMs: 0,
    endedWallMs: null,
    doing: 'waits for clients',
    steps: [step('done'), step('now'), step('ahead')],
    verdict: null,
  };
  const verdict = { kind: 'passed', complaints: [], report: true } as const;
  const told = (change: Partial<PlayPicture>): string => standOf({ ...play, ...change }).sentence;
  assert.equal(told({}), 'waits for clients');
  assert.equal(told({ doing: null }), 'step 2 of 3');
  assert.equal(told({ verdict, doing: 'mends what was broken' }), 'passed; mends what was broken');
  assert.equal(told({ verdict, doing: null, endedWallMs: 1 }), 'passed');
  const state = apply(apply(nothingYet, { kind: 'play', play }, 0), { kind: 'play', play: null }, 0);
  assert.equal(state.play, null);
});

test('flags: each deed, and each new leader once, however many saw it', () => {
  const newestFirst = [
    happened(40, 'leader: - → node1'),
    happened(12, 'leader: - → node2', 'changed', 'node3'),
    happened(11, 'leader: - → node2', 'changed', 'node2'),
    happened(9, 'leader: node1 → -'),
    happened(5, 'plug out of node1', 'deed', 'you'),
    happened(1, 'leader: - → node1'),
  ];
  assert.deepEqual(
    marksOf(newestFirst).map(({ text }) => text),
    ['node1 leads', 'plug out of node1', 'node2 leads', 'node1 leads'],
  );
  const told = apply(nothingYet, { kind: 'happened', happenings: newestFirst }, 0);
  assert.equal(told.marks.length, 4);
  const more = apply(told, { kind: 'happened', happenings: [happened(50, 'timeline: 1 → 2')] }, 0);
  assert.equal(more.marks, told.marks, 'nothing new on the axis: nothing is drawn anew');
});

test('segments begin where another host serves', () => {
  const sample = (wallMs: number, host: string | null) => ({ wallMs, perSecond: 1, host });
  assert.deepEqual(segmentsOf([sample(1, 'a'), sample(2, 'a'), sample(3, null), sample(4, 'b'), sample(5, 'a')]), [
    { fromWallMs: 1, host: 'a' },
    { fromWallMs: 4, host: 'b' },
    { fromWallMs: 5, host: 'a' },
  ]);
});

test('numbers as people read them', () => {
  assert.deepEqual(
    [duration(130), duration(6_240), duration(185_000), duration(7_300_000)],
    ['130 ms', '6.2 s', '3 min 05 s', '2 h 01 min'],
  );
  assert.deepEqual([age(300), age(14_400)], ['1 s', '14 s']);
  assert.deepEqual([bytes(0), bytes(2_048), bytes(5_242_880)], ['0 B', '2.0 kB', '5.0 MB']);
});

test('what was just done is named on the axis, however close it is to what was before; at the right end to the left', () => {
  const mark = (second: number, text: string) => ({ wallMs: second * 1000, text, kind: 'deed' as const });
  // A minute on 960 pixels: a leader's flag takes five seconds.
  const rowsAt = (nowS: number, ...marks: ReturnType<typeof mark>[]): (number | null)[] =>
    placeFlags(marks, (wallMs) => 960 - (nowS - wallMs / 1000) * 16, 960).map(({ row }) => row);
  const leads = mark(0, 'node2 leads');
  const plug = mark(2, 'plug out of node2');
  for (let nowS = 2; nowS < 40; nowS++) assert.equal(rowsAt(nowS, leads, plug)[1], 0, `after ${nowS} s`);
  assert.deepEqual(rowsAt(30, leads, plug), [1, 0], 'the older one gives way');
  assert.deepEqual(rowsAt(30, plug, mark(11, 'node1 leads')), [0, 0], 'far enough apart');
  assert.deepEqual(rowsAt(30, leads, mark(1, 'plug out of node3'), mark(2, 'plug out of node1')), [null, 1, 0]);
  assert.equal(placeFlags([plug], () => 900, 960)[0]?.before, true);
  assert.equal(placeFlags([plug], () => 700, 960)[0]?.before, false);
});

test('an agent whose clock is set back tells on in its order; a lab, which puts clocks right, by time', () => {
  const told = (source: Picture['source']) => {
    const seen = apply(nothingYet, { kind: 'picture', wallMs: 0, picture: { ...well, source } }, 0);
    return [happened(3_600, 'before'), happened(5, 'set back'), happened(6, 'after')]
      .reduce((state, one) => apply(state, { kind: 'happened', happenings: [one] }, 0), seen)
      .happenings.map(({ text }) => text);
  };
  assert.deepEqual(told('agent'), ['after', 'set back', 'before']);
  assert.deepEqual(told('lab'), ['before', 'after', 'set back']);
});
