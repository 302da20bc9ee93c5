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

test('what no lab could do is refused when the file is read', () => {
  const textOf = (step: string, expect: string, setUp: string): string =>
    `title: A slip\ndescription: It is told.\nset-up: { ${setUp} }\nsteps:\n  - wait: 1 s\n  - ${step}\nexpect: { ${expect} }\n`;
  const stepped = (step: string, setUp = ''): readonly string[] => problemsOf(textOf(step, '', setUp));
  const expected = (expect: string): readonly string[] => problemsOf(textOf('wait: 1 s', expect, ''));
  const cases: readonly (readonly [problems: readonly string[], complaint: RegExp])[] = [
    [stepped('wait: -3 s'), /^two\.yml:6:5: steps\[1\]\.wait: "-3 s" is less than no time: write it as 5 s/],
    [stepped('switchover: { in: -3 s }'), /steps\[1\]\.switchover\.in: "-3 s" is less than no time/],
    [stepped('dump: { of: primary, for: -3 s }'), /steps\[1\]\.dump\.for: "-3 s" is less than no time/],
    [stepped('slow etcd disk: { of: primary, by: -3 s }'), /steps\[1\]\.slow etcd disk\.by: "-3 s" is less than/],
    [expected('write gap: -1 s'), /^two\.yml:7:11: expect\.write gap: "-1 s" is less than no time/],
    [expected('streaming within: -1 ttl'), /expect\.streaming within: "-1 ttl" is less than no time/],
    [expected('lost writes: -1 s'), /expect\.lost writes: "-1 s" is less than no time: .*, or none$/],
    [expected('primary: client'), /expect\.primary: "client": say changed, unchanged, any, or who must lead/],
    [expected('primary: etcd leader'), /expect\.primary: "etcd leader": say changed/],
    [expected('primary: node4'), /expect\.primary: a set-up of 3 nodes has no node4: .* "nodes: 4" in set-up/],
    [
      stepped('kill: haproxy of primary'),
      /steps\[1\]\.kill: haproxy runs on client alone: write it as "haproxy of client"/,
    ],
    [stepped('kill: agent of client'), /steps\[1\]\.kill: agent does not run on client: haproxy alone does/],
    [stepped('wait for: end of etcd of client'), /steps\[1\]\.wait for: etcd does not run on client/],
    [stepped('reinit: client'), /steps\[1\]\.reinit: client has no PostgreSQL, agent or etcd: name a node/],
    [stepped('switchover: { to: client }'), /steps\[1\]\.switchover\.to: client has no PostgreSQL/],
    [
      stepped('start: postmaster of primary'),
      /steps\[1\]\.start: postmaster is started by the agent: start one of agent, etcd, haproxy/,
    ],
    [
      stepped('set clock: { of: primary, by: 1 h }'),
      /steps\[1\]\.set clock: the clocks of this set-up cannot be set: say "fake clocks: yes"/,
    ],
    [
      stepped('cut: node9'),
      /^two\.yml:6:5: steps\[1\]\.cut: a set-up of 3 nodes has no node9: name another, or say "nodes: 9" in set-up/,
    ],
    [stepped('freeze: agent of node4'), /steps\[1\]\.freeze: a set-up of 3 nodes has no node4/],
    [
      stepped('failover: { to: another replica }', 'nodes: 2'),
      /a set-up of 2 nodes has no another replica: .* "nodes: 3"/,
    ],
  ];
  for (const [problems, complaint] of cases) {
    assert.equal(problems.length, 1, `${complaint}: ${problems.join(' | ')}`);
    assert.match(problems[0] ?? '', complaint);
  }
  const well: readonly (readonly string[])[] = [
    stepped('set clock: { of: primary, by: -1 h }', 'fake clocks: yes'),
    stepped('cut: node9', 'nodes: 9'),
    stepped('power off: client'),
    stepped('kill: haproxy of client'),
    stepped('wait: 0 s'),
    expected('primary: another replica, lost writes: none'),
  ];
  for (const problems of well) assert.deepEqual(problems, []);
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
