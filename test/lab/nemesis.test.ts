import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readScenario } from '../../src/codec/scenario/read.ts';
import { writeScenario } from '../../src/codec/scenario/write.ts';
import type { StepDone } from '../../src/lab/scenario/evidence.ts';
import { synchronousModes } from '../../src/lab/scenario/modes.ts';
import { drawStrikes } from '../../src/lab/scenario/nemesis.ts';
import { logsOf, randomPlay } from '../../src/lab/scenario/random.ts';
import { nemesisScript, scriptOf } from '../../src/lab/scenario/script.ts';
import type { Theatre } from '../../src/lab/scenario/theatre.ts';
import type { Step } from '../../src/model/scenario.ts';

const nodes = ['node1', 'node2', 'node3'];
const done: StepDone = { text: '', nature: 'fault', nodes: [], fromMs: 0, untilMs: 0, failed: null };

test('the same seed draws the same faults, another seed others; all are mended in time', () => {
  const strikes = drawStrikes(7, 600_000, nodes, 6_000);
  assert.deepEqual(drawStrikes(7, 600_000, nodes, 6_000), strikes);
  assert.notDeepEqual(drawStrikes(8, 600_000, nodes, 6_000), strikes);
  assert.ok(strikes.length > 40, `${strikes.length} in ten minutes`);
  assert.ok(strikes.every(({ atMs, lastsMs }) => atMs + lastsMs <= 600_000));
  assert.ok(new Set(strikes.map(({ fault }) => fault)).size > 10, 'faults of all kinds');
  assert.ok(
    strikes.some(({ node }) => node === null),
    'some strike whoever leads',
  );
});

test('one fault a machine at a time, each mended on the machine that it struck, and all of it in the log', async () => {
  const [taken, played]: [Step[], Step[]] = [[], []];
  let leader = 'node1';
  const strikes = [
    { atMs: 0, fault: 'power cut', node: null, lastsMs: 60 },
    { atMs: 20, fault: 'agent frozen', node: 'node2', lastsMs: 20 },
    { atMs: 30, fault: 'cable out', node: 'node1', lastsMs: 20 },
    { atMs: 70, fault: 'postmaster killed', node: 'node1', lastsMs: 20 },
    { atMs: 75, fault: 'postmaster killed', node: 'node2', lastsMs: 20 }, // a server that is being repaired
  ] as const;
  const script = nemesisScript(
    strikes,
    { leader: async () => leader, runs: (node) => node !== 'node2' || played.length < 5 },
    (step) => void taken.push(step),
  );
  await script(async (step) => {
    played.push(step);
    leader = 'node3'; // another leads by the time that the power is back
    return done;
  });
  const of = (name: string) => [{ kind: 'node', name }];
  assert.deepEqual(played, [
    { kind: 'powerOff', of: of('node1') },
    { kind: 'freeze', what: { services: ['agent'], of: of('node2') } },
    { kind: 'thaw', what: { services: ['agent'], of: of('node2') } },
    { kind: 'powerOn', of: of('node1') },
    { kind: 'kill', what: { services: ['postmaster'], of: of('node1') } },
  ]);
  assert.deepEqual(
    taken.filter(({ kind }) => kind !== 'wait'),
    played,
  );
  const waitedMs = taken.reduce((sum, step) => sum + (step.kind === 'wait' ? step.duration.ms : 0), 0);
  assert.ok(waitedMs >= 69 && waitedMs < 200, `${waitedMs} ms between the first and the last`);
});

test('in a synchronous mode the lab is set up for it, under a name of its own, and not one write may be lost', () => {
  const options = { seed: 7, minutes: 2, ttlS: 6, nodes: 3 };
  const { scenario: asynchronous } = randomPlay({ ...options, mode: 'async' });
  assert.deepEqual([asynchronous.name, asynchronous.setUp.config], ['random-7', {}]);
  assert.deepEqual(asynchronous.expect.lostWrites, { ttls: 0, ms: 2_000 });
  for (const mode of synchronousModes) {
    const { name, setUp, expect } = randomPlay({ ...options, mode }).scenario;
    assert.equal(name, `random-${mode}-7`);
    assert.match(JSON.stringify(setUp.config), /"dcs":\{"synchronous_mode":/);
    assert.equal(expect.lostWrites, null);
  }
});

test('the log of a stretch, read again, has the same faults on the same machines at the same steps, with the pauses between', async () => {
  let asked = 0;
  const lab = {
    // Another leads each time: played again, a fault strikes whom it struck, not who leads by then.
    status: async () => ({ leader: nodes[asked++ % 3] }),
    node: () => ({ process: () => ({}) }),
  };
  for (const seed of [1, 2, 3]) {
    const play = randomPlay({ seed, minutes: 0.01, ttlS: 0.1, nodes: 3, mode: 'quorum' });
    const played: Step[] = [];
    await play.script?.(
      { lab } as unknown as Theatre,
      1,
    )(async (step) => {
      played.push(step);
      return done;
    });
    const taken = play.taken(1);
    assert.ok(taken !== null);
    const log = { ...taken, setUp: { ...taken.setUp, ttlS: 6 } }; // a lease of 100 ms is of this test alone
    const read = readScenario(writeScenario(log), 'log.yml', log.name);
    assert.ok(read.kind === 'ok', JSON.stringify(read));
    assert.deepEqual(read.scenario, log, 'nothing of it is lost on the way through the file');
    const again: Step[] = [];
    await scriptOf(read.scenario)(async (step) => {
      again.push(step);
      return done;
    });
    assert.deepEqual(again, log.steps);
    assert.deepEqual(
      again.filter(({ kind }) => kind !== 'wait'),
      played,
    );
    assert.ok(played.length >= 4, `${played.length} steps`);
    assert.ok(!JSON.stringify(played).includes('role'), 'each by its name');
    assert.ok(
      again.every(({ kind }, at) => (kind === 'wait') === (at % 2 === 0)),
      'a pause before each',
    );
  }
});

test('a stretch that is played again has a log of each run, which says how much of it struck', async () => {
  const play = randomPlay({ seed: 7, minutes: 0.02, ttlS: 0.1, nodes: 3, mode: 'async' });
  const lab = { status: async () => ({ leader: 'node1' }), node: () => ({ process: () => ({}) }) };
  assert.deepEqual(logsOf(play, 2), [], 'nothing has struck yet');
  const playedIn: Step[][] = [];
  for (const run of [1, 2]) {
    const played: Step[] = [];
    playedIn.push(played);
    const script = play.script?.({ lab } as unknown as Theatre, run);
    const playing = script?.(async (step) => {
      // The second run is ended before its time.
      if (run === 2 && played.length === 2) throw new Error('ended');
      played.push(step);
      return done;
    });
    await (run === 2 ? assert.rejects(playing ?? Promise.resolve(), /ended/) : playing);
  }
  assert.ok((playedIn[0]?.length ?? 0) > 3 && playedIn[1]?.length === 2, 'the second run is the shorter one');
  const logs = logsOf(play, 2);
  assert.deepEqual(
    logs.map(({ file }) => file),
    ['random-7-1.yml', 'random-7-2.yml'],
  );
  const drawn = /^(\d+) faults drawn/.exec(play.scenario.description)?.[1];
  const first = logs[0]?.log;
  assert.deepEqual(
    first?.steps.filter(({ kind }) => kind !== 'wait'),
    playedIn[0],
  );
  const struck = logs.map(
    ({ log }) => new RegExp(`^Of ${drawn} faults drawn in 0.02 min, the (\\d+) that struck`).exec(log.description)?.[1],
  );
  const faults = first?.steps.filter(
    ({ kind }) => !['wait', 'heal', 'powerOn', 'start', 'thaw', 'relieve'].includes(kind),
  );
  assert.equal(Number(struck[0]), faults?.length);
  assert.ok(Number(struck[1]) < Number(drawn), 'not as many struck as were drawn');
  assert.deepEqual(
    logsOf(play, 1).map(({ file }) => file),
    ['random-7.yml'],
    'of a single run the plain name',
  );
});
