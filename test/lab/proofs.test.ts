import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutScenarios } from '../../src/lab/proofs/cuts.ts';
import { matrixScenarios } from '../../src/lab/proofs/matrix.ts';
import { nextOf, shuffled } from '../../src/lab/proofs/order.ts';
import { tellStep } from '../../src/lab/scenario/tell.ts';

const matrix = matrixScenarios();
const stepsOf = (name: string): readonly string[] =>
  matrix.find((scenario) => scenario.name === name)?.steps.map(tellStep) ?? [];

test('the matrix has each process, signal, node and moment, under names of their own', () => {
  assert.ok(matrix.length >= 60, `${matrix.length} cases`);
  assert.equal(new Set(matrix.map(({ name }) => name)).size, matrix.length);
  const services = ['postmaster', 'agent', 'guardian', 'sentinel', 'etcd'];
  const signals = services.flatMap((service) => ['kill', 'stop', 'term'].map((end) => `${service}-${end}`));
  for (const of of ['primary', 'replica'])
    for (const blow of [...signals, 'power', 'cable'])
      for (const moment of ['quiet', 'load', 'switchover', 'takeover', 'copy', 'return']) {
        const name = `matrix-${of}-${blow}-${moment}`;
        // The cable of the primary is what that takeover begins with; and where a copy is made no server runs, nor what watches it.
        const isNone =
          name === 'matrix-primary-cable-takeover' || /^matrix-replica-(postmaster|sentinel)-.*-copy$/.test(name);
        assert.equal(stepsOf(name).length > 0, !isNone, name);
      }
  for (const { title } of matrix) assert.ok(title.length < 70, title);
});

test('a case strikes at its moment, and mends all that it broke', () => {
  assert.deepEqual(stepsOf('matrix-replica-agent-kill-takeover'), [
    'power off primary',
    'wait for no leader',
    'kill agent of replica',
    'wait 1 s',
    'start agent of replica',
    'wait for another primary',
    'wait for steady writes',
    'power on primary',
    'wait for steady writes',
  ]);
  const mendedBy = { powerOff: 'powerOn', cut: 'heal', freeze: 'thaw' } as const;
  for (const { name, steps } of [...matrix, ...cutScenarios('on')]) {
    const times = (wanted: string): number => steps.filter(({ kind }) => kind === wanted).length;
    for (const [fault, remedy] of Object.entries(mendedBy))
      assert.equal(times(fault), times(remedy), `${name}: as many of ${remedy} as of ${fault}`);
  }
});

test('in every mode power and cable are cut, and nothing may be lost', () => {
  const scenarios = cutScenarios('strict');
  assert.deepEqual(
    scenarios.map(({ name, expect }) => [name, expect.lostWrites]),
    [
      ['cuts-strict-power', null],
      ['cuts-strict-cable', null],
    ],
  );
  assert.deepEqual(scenarios[0]?.setUp.config, {
    bootstrap: { dcs: { synchronous_mode: true, synchronous_mode_strict: true } },
  });
});

test('the same seed gives the same order, another one another, and each has all of them', () => {
  const names = matrix.map(({ name }) => name);
  assert.deepEqual(shuffled(names, 7), shuffled(names, 7));
  assert.notDeepEqual(shuffled(names, 7), shuffled(names, 8));
  assert.deepEqual(shuffled(names, 7).toSorted(), names.toSorted());
});

test('a campaign goes on with what is not on record, and begins again when all of it is', () => {
  const order = ['c', 'a', 'b'].map((name) => ({ name }));
  const next = (played: Readonly<Record<string, number>>, wanted: number): string =>
    nextOf(order, new Map(Object.entries(played)), wanted)
      .map(({ name }) => name)
      .join(' ');
  assert.equal(next({}, 2), 'c a');
  assert.equal(next({ c: 1, a: 1 }, 2), 'b c');
  assert.equal(next({ c: 1, b: 1 }, 1), 'a', 'also what was added in between');
  assert.equal(next({ c: 2, a: 2, b: 2, gone: 9 }, 4), 'c a b c');
});
