import assert from 'node:assert/strict';
import { test } from 'node:test';
import { etcdctlPut } from '../../src/sim/etcdctl.ts';
import { ends, keyOf, three } from '../scenarios/stage.ts';

/** Somebody took it off the list of whom a primary without etcd asks: it may not lead, and answers that it is ahead. */
test('the furthest standby answers and does not take the key: it is passed over after its turn, and that is told', async () => {
  const { cluster, leader, others } = await three(0x7a1, { failsafe_mode: true });
  const [further, behind] = others;
  cluster.network.cut(leader, behind);
  await cluster.run(2000);
  cluster.powerOff(leader);
  await cluster.run(2000); // etcd has a leader again
  const list = JSON.parse(keyOf(cluster, 'failsafe') ?? '{}') as Record<string, string>;
  const without = Object.fromEntries(Object.entries(list).filter(([name]) => name !== further));
  assert.ok(etcdctlPut(cluster, 'failsafe', JSON.stringify(without)));
  await cluster.until(() => keyOf(cluster, 'leader') === null, { withinMs: 60_000 });
  const goneMs = cluster.engine.now();
  await cluster.until(() => keyOf(cluster, 'leader') === behind, { withinMs: 20_000 });
  const tookMs = cluster.engine.now() - goneMs;
  assert.ok(tookMs > 5000 && tookMs < 8000, `${behind} has the key after ${tookMs} ms`);
  await cluster.until(() => cluster.primary() === behind, { withinMs: 20_000 });
  const taken = cluster.journal(behind).findLast((one) => one.kind === 'decided' && one.rule === 'race.acquire');
  const facts = taken?.kind === 'decided' ? taken.because : [];
  const told = facts.find(([name]) => name === 'passedOver')?.[1];
  assert.match(String(told), new RegExp(`^${further} at 0/`));
  cluster.powerOn(leader);
  await ends(cluster);
});

/** Within the limit by the last status, which is older than what the other has: the policy is about what is known. */
test('one that is ahead by more than maximum_lag_on_failover is not passed over; people are told, and it leads as soon as it can', async () => {
  const { cluster, leader, others } = await three(0x7a2, { failsafe_mode: true, maximum_lag_on_failover: 256 });
  const [further, behind] = others;
  const optime = (): string => keyOf(cluster, 'status') ?? '';
  const before = optime();
  await cluster.until(() => optime() !== before, { withinMs: 15_000 });
  await cluster.run(200);
  cluster.network.cut(leader, behind);
  await cluster.run(3000);
  cluster.powerOff(leader);
  await cluster.run(2000);
  const list = keyOf(cluster, 'failsafe') ?? '{}';
  const without = Object.entries(JSON.parse(list) as Record<string, string>).filter(([name]) => name !== further);
  assert.ok(etcdctlPut(cluster, 'failsafe', JSON.stringify(Object.fromEntries(without))));
  await cluster.until(() => keyOf(cluster, 'leader') === null, { withinMs: 60_000 });
  await cluster.run(30_000);
  assert.equal(cluster.primary(), null);
  const told = cluster.node(behind).handles()?.snapshot()?.decision;
  assert.equal(told?.rule, 'race.peerAhead');
  assert.match(String(told.because.find(([name]) => name === 'needsOperator')?.[1]), new RegExp(`see why ${further} `));
  assert.ok(etcdctlPut(cluster, 'failsafe', list));
  await cluster.until(() => cluster.primary() === further, { withinMs: 30_000 });
  const taken = cluster.journal(further).findLast((one) => one.kind === 'decided' && one.rule === 'race.acquire');
  const facts = taken?.kind === 'decided' ? taken.because.map(([name]) => name) : [];
  assert.ok(facts.includes('statusAgeMs'), facts.join());
  cluster.powerOn(leader);
  await ends(cluster);
});
