import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';
import { keyOf } from '../scenarios/stage.ts';

/** The ttl is changed under a primary that was started with another: deadline, margin and sentinel must fit the lease of now. */

const members = ['n1', 'n2', 'n3'] as const;

const reload = (cluster: SimulatedCluster, safetyMarginMs: number): void => {
  for (const name of members) {
    cluster.node(name).edit((file) => ({ ...file, watchdog: { ...file.watchdog, safetyMarginMs } }));
    cluster.node(name).signal('agent', 'HUP');
  }
};

async function led(ttl: number, safetyMarginMs: number) {
  const settings = { ttl, loop_wait: 1, retry_timeout: 2 };
  const cluster = simulate({ members, seed: 5, settings, writeEveryMs: 50 });
  reload(cluster, safetyMarginMs);
  await cluster.untilSteady();
  await cluster.run(8000);
  cluster.mark();
  return { cluster, leader: cluster.primary() ?? '' };
}

for (const [before, after, marginMs] of [
  [30, 5, 5000],
  [60, 6, 5000],
  [60, 20, -1000], // safety_margin: -1
] as const)
  test(`ttl ${before} to ${after} s, margin ${marginMs}: agent and guardian stand still, and the sentinel acts before the lease ends`, async () => {
    const { cluster, leader } = await led(before, marginMs);
    void cluster.ask('n1', 'PATCH', '/config', JSON.stringify({ ttl: after }));
    await cluster.run(90_000);
    cluster.agent(leader).freeze();
    cluster.guardian(leader).freeze();
    await cluster.until(() => cluster.server(leader) === null && cluster.primary() !== null, { withinMs: 90_000 });
    await cluster.run(5000);
    assert.deepEqual(cluster.judged().standing, []);
  });

for (const [before, after, marginMs] of [
  [5, 20, 5000],
  [20, 60, -1000],
  [30, 60, -1000],
] as const)
  test(`ttl ${before} to ${after} s, margin ${marginMs}: the margin of the longer ttl does not end a primary on its short lease`, async () => {
    const { cluster, leader } = await led(before, marginMs);
    void cluster.ask('n1', 'PATCH', '/config', JSON.stringify({ ttl: after }));
    await cluster.run(60_000);
    assert.equal(cluster.primary(), leader);
    assert.deepEqual(cluster.rulesOf(leader), ['primary.healthy']);
  });

for (const [before, after] of [
  [5000, 0],
  [5000, 1000],
  [0, 5000],
] as const)
  test(`safety_margin ${before} to ${after} ms by a reload: deadline and guard follow, and a sentinel that runs already acts before the lease ends`, async () => {
    const { cluster, leader } = await led(8, before);
    reload(cluster, after);
    await cluster.run(10_000);
    const seen = () => cluster.node(leader).handles()?.snapshot()?.seen ?? assert.fail();
    const armedMs = () => {
      const { guard } = seen();
      return guard.kind === 'present' ? guard.armedMs : null;
    };
    await cluster.until(() => armedMs() === seen().held?.deadlineMs, { withinMs: 5000 });
    const { held } = seen();
    assert.equal((held?.deadlineMs ?? 0) - (held?.sentMs ?? 0), 8000 - Math.min(2000, Math.max(1000, after)));
    cluster.agent(leader).freeze();
    cluster.guardian(leader).freeze();
    await cluster.until(() => cluster.server(leader) === null, { withinMs: 20_000 });
    assert.equal(keyOf(cluster, 'leader'), leader, 'the server ended first');
    await cluster.until(() => cluster.primary() !== null, { withinMs: 20_000 });
    await cluster.run(5000);
    // That a deadline leaves the whole margin of the default is no law where another was asked for.
    assert.deepEqual(
      cluster.judged().standing.filter(({ kind }) => kind !== 'rightOutlivesLease'),
      [],
    );
  });
