import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readScenario } from '../../../src/codec/scenario/read.ts';
import { readDuration } from '../../../src/codec/scenario/words.ts';
import { writeScenario } from '../../../src/codec/scenario/write.ts';
import { cutScenarios } from '../../../src/lab/proofs/cuts.ts';
import { matrixScenarios } from '../../../src/lab/proofs/matrix.ts';
import { synchronousModes } from '../../../src/lab/scenario/modes.ts';
import { shippedScenarios } from '../../../src/lab/scenario/shelf.ts';
import { durationMs } from '../../../src/model/scenario.ts';

const good = `title: Two cables
description: Both are pulled.
set-up:
  ttl: 20 s
  config: { tags: { nofailover: true } }
steps:
  - cut: [primary, replica]
  - wait: ttl + 500 ms
  - freeze: agent and guardian of primary, node3
  - switchover: { to: another replica, in: 5 s }
  - switchover: { meanwhile: true }
  - terminate: etcd of etcd leader
  - wait for: postmaster and sentinel of primary
  - wait for: no leader
  - pgbench: { of: primary, for: 20 s }
  - wait for: end of etcd of primary
expect:
  primary: changed
  write gap: 2 ttl + 4 s
`;
const readText = (text: string) => readScenario(text, 'two.yml', 'two');
const problemsOf = (text: string): readonly string[] => {
  const read = readText(text);
  return read.kind === 'bad' ? read.problems : [];
};

test('a scenario is read whole, with what it does not say filled in', () => {
  const read = readText(good);
  assert.ok(read.kind === 'ok', JSON.stringify(read));
  const { scenario } = read;
  assert.deepEqual(scenario.setUp, {
    nodes: 3,
    ttlS: 20,
    diskMb: 1024,
    fakeClocks: false,
    config: { tags: { nofailover: true } },
  });
  assert.deepEqual(scenario.steps[2], {
    kind: 'freeze',
    what: {
      services: ['agent', 'guardian'],
      of: [
        { kind: 'role', role: 'primary' },
        { kind: 'node', name: 'node3' },
      ],
    },
  });
  assert.deepEqual(scenario.steps[3], {
    kind: 'switchover',
    to: { kind: 'role', role: 'another replica' },
    after: { ttls: 0, ms: 5_000 },
    asked: false,
    meanwhile: false,
  });
  const primary = { kind: 'role', role: 'primary' } as const;
  assert.deepEqual(scenario.steps.slice(4), [
    { kind: 'switchover', to: null, after: null, asked: false, meanwhile: true },
    { kind: 'terminate', what: { services: ['etcd'], of: [{ kind: 'role', role: 'etcd leader' }] } },
    { kind: 'waitForServices', what: { services: ['postmaster', 'sentinel'], of: [primary] } },
    { kind: 'waitFor', what: 'no leader' },
    { kind: 'pgbench', of: primary, duration: { ttls: 0, ms: 20_000 } },
    { kind: 'waitForEnd', what: { services: ['etcd'], of: [primary] } },
  ]);
  assert.deepEqual(scenario.expect.writeGap, { ttls: 2, ms: 4_000 });
  assert.equal(scenario.expect.lostWrites, null, 'nothing may be lost unless it is said');
  assert.equal(scenario.long, false);
});

test('durations hang on the lease where they say so', () => {
  assert.equal(durationMs(readDuration('2 ttl + 4 s') ?? { ttls: 0, ms: 0 }, 6_000), 16_000);
  assert.equal(durationMs(readDuration('-1 h') ?? { ttls: 0, ms: 0 }, 6_000), -3_600_000);
  for (const wrong of ['5', 's', '5 seconds', '2 ttl 3 s', '', 'ttl +']) assert.equal(readDuration(wrong), null, wrong);
});

test('every complaint names the line, the path there, and what to write instead', () => {
  const cases: readonly (readonly [from: string, to: string, complaint: RegExp])[] = [
    ['title: Two cables\n', '', /^two\.yml:1:1: title: missing, and needed/],
    [
      'cut: [primary, replica]',
      'cut: [primary, replca]',
      /^two\.yml:7:5: steps\[0\]\.cut: "replca" is no machine \(did you mean replica\?\)/,
    ],
    ['- wait: ttl + 500 ms', '- wait: 5', /^two\.yml:8:5: steps\[1\]\.wait: 5 is no duration: write it as 5 s/],
    ['- freeze:', '- freze:', /^two\.yml:9:5: steps\[2\]\.freze: no such verb; did you mean "freeze"\?/],
    [
      'agent and guardian of',
      'agentt of',
      /^two\.yml:9:5: steps\[2\]\.freeze: "agentt" is no service \(did you mean agent\?\): there are postmaster/,
    ],
    [
      'to: another replica',
      'to: replicas',
      /^two\.yml:10:19: steps\[3\]\.switchover\.to: one machine is expected here/,
    ],
    [
      'wait for: no leader',
      'wait for: no leadr',
      /^two\.yml:14:5: steps\[7\]\.wait for: "no leadr" is unknown: there are another primary/,
    ],
    [
      'postmaster and sentinel of',
      'postmastr and sentinel of',
      /^two\.yml:13:5: steps\[6\]\.wait for: "postmastr" is no service \(did you mean postmaster\?\)/,
    ],
    ['primary: changed', 'primary: chnged', /^two\.yml:18:3: expect\.primary: "chnged": say changed, unchanged, any/],
    ['write gap', 'write gp', /^two\.yml:19:3: expect\.write gp: unknown; did you mean "write gap"\?/],
    ['ttl: 20 s', 'ttl: 2 ttl', /^two\.yml:4:3: set-up\.ttl: whole seconds are expected/],
    ['title: Two cables', 'title: [', /^two\.yml:\d+:\d+: /],
  ];
  for (const [from, to, complaint] of cases) {
    assert.ok(good.includes(from), from);
    assert.match(problemsOf(good.replace(from, to))[0] ?? 'no complaint', complaint);
  }
});

test('all complaints come at once', () => {
  const text = good.replace('- cut:', '- ct:').replace('write gap', 'write gp').replace('title: Two cables\n', '');
  assert.equal(problemsOf(text).length, 3);
});

test('the cases of campaigns can be written as files, and read again', () => {
  for (const scenario of [...matrixScenarios(), ...synchronousModes.flatMap(cutScenarios)])
    assert.deepEqual(readScenario(writeScenario(scenario), 'case.yml', scenario.name), { kind: 'ok', scenario });
});

test('the scenarios that come with the program can be read, and each says what it is', () => {
  const scenarios = shippedScenarios();
  assert.ok(scenarios.length > 30);
  assert.equal(new Set(scenarios.map(({ name }) => name)).size, scenarios.length, 'names are unique');
  for (const scenario of scenarios)
    assert.deepEqual(
      readScenario(writeScenario(scenario), 'again.yml', scenario.name),
      { kind: 'ok', scenario },
      `${scenario.name}: written and read again it is the same`,
    );
  for (const { name, title, description } of scenarios) {
    assert.ok(title.length < 70, `${name}: a title fits into a line`);
    assert.match(description, /^\S.*\.$/, `${name}: a sentence`);
  }
});
