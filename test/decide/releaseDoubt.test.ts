import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import { promisesDue } from '../../src/decide/failsafe.ts';
import type { Observation } from '../../src/model/observation.ts';
import { jobOf, kinds } from './read.ts';
import { cleanlyStopped, crashed, held, leading, unreachable, withSettings, won } from './values.ts';

/** A release of the leader key that was lost sight of may take it at any moment, whatever the lease says. */

const doubted = { ...held, releaseInDoubt: true } as const;
const map = { n1: 'http://n1:8008/patroni', n2: 'http://n2:8008/patroni' };

test('nothing starts or is promoted as the primary over it: the lease is renewed, which calls it off', () => {
  for (const sure of [won, { ...leading, postgres: crashed }] as const) {
    assert.ok(['promote', 'startPrimary'].includes(jobOf(sure)?.kind ?? ''));
    const seen: Observation = { ...sure, held: sure.held === null ? null : { ...sure.held, releaseInDoubt: true } };
    assert.equal(jobOf(seen), undefined);
    assert.ok(kinds(seen).includes('renewLease'));
    const waits = decide(seen).because.find(([name]) => name === 'waitsFor')?.[1];
    assert.match(String(waits), /whether the key is being given away/);
  }
});

test('without etcd nobody is asked for a promise that it would void, and the server does not start by one', () => {
  const away = withSettings(unreachable({ ...leading, postgres: cleanlyStopped }), { cluster: { failsafeMode: true } });
  const asks: Observation = { ...away, failsafe: { ...away.failsafe, map } };
  assert.deepEqual([promisesDue({ ...asks, held }), promisesDue({ ...asks, held: doubted })], [true, false]);
  const promised = { ...asks, held: { ...held, byMembers: true } } as const;
  assert.equal(decide(promised).rule, 'primary.crashed.withoutEtcd');
  assert.notEqual(decide({ ...asks, held: { ...doubted, byMembers: true } }).rule, 'primary.crashed.withoutEtcd');
});
