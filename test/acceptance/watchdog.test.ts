import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';
import { asked, ends, leadsElsewhere, members, othersThan, type Stage } from '../scenarios/stage.ts';

/** Each machine has a watchdog device: it counts while its member leads, and at no other time. */

async function watched(seed: number, settings: Readonly<Record<string, unknown>>): Promise<Stage> {
  const watchdogs = { resetMs: 20_000 };
  const cluster = await simulate({ members, seed, writeEveryMs: 250, settings, watchdogs }).untilSteady();
  await cluster.run(15_000);
  cluster.mark();
  const leader = cluster.primary() ?? '';
  return { cluster, leader, others: othersThan(leader) };
}
const countsS = (cluster: SimulatedCluster, name: string): number | null | undefined =>
  cluster.node(name).machine.watchdog?.countsS();
const resets = (cluster: SimulatedCluster): readonly { readonly atMs: number; readonly node: string }[] =>
  cluster.told().filter(({ text }) => text === 'the watchdog resets the machine');
/** Less the safety margin the device counts 15 s. */
const ttlS = 20;
const settings = { ttl: ttlS, loop_wait: 5, retry_timeout: 5 };

test('the device follows a changed ttl, rests in pause, counts again after it, and is closed when the agent ends or steps down [B-24]', async () => {
  const { cluster, leader, others } = await watched(721, settings);
  const [candidate] = others;
  assert.deepEqual(
    [leader, ...others].map((name) => countsS(cluster, name)),
    [15, null, null],
  );
  assert.equal(await asked(cluster, leader, 'PATCH', '/config', '{"ttl": 30}'), 200);
  await cluster.until(() => countsS(cluster, leader) === 25, { withinMs: 10_000 });
  assert.equal(await asked(cluster, leader, 'PATCH', '/config', `{"ttl": ${ttlS}}`), 200);
  await cluster.until(() => countsS(cluster, leader) === 15, { withinMs: 10_000 });

  void cluster.ask(leader, 'PATCH', '/config', '{"pause": true}');
  await cluster.until(() => countsS(cluster, leader) === null, { withinMs: 2000 });
  await cluster.run(60_000);
  assert.equal(countsS(cluster, leader), null);
  void cluster.ask(leader, 'PATCH', '/config', '{"pause": null}');
  await cluster.until(() => countsS(cluster, leader) === 15, { withinMs: 2000 });

  cluster.node(leader).restartAgentAfterMs = 60_000;
  cluster.node(leader).signal('agent', 'TERM');
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 10_000 });
  await cluster.until(() => countsS(cluster, leader) === null, { withinMs: 2000 });
  const next = cluster.primary() ?? '';
  assert.equal(countsS(cluster, next), 15);
  await cluster.untilSteady();
  const back = next === candidate ? leader : candidate;
  void cluster.ask(next, 'POST', '/switchover', JSON.stringify({ leader: next, candidate: back }));
  await cluster.until(() => cluster.primary() === back && countsS(cluster, back) === 15, { withinMs: 10_000 });
  await cluster.until(() => countsS(cluster, next) === null, { withinMs: 2000 });
  await cluster.run(60_000);
  assert.deepEqual(resets(cluster), []);
  await ends(cluster, 0);
});

/** Where Patroni lets a standby wait while it still receives WAL, here there is nobody left to send any. */
for (const [who, roles] of [
  ['agent', ['agent']],
  ['agent, guardian and sentinel', ['agent', 'guardian', 'sentinel']],
] as const)
  test(`the primary's ${who} frozen: the watchdog resets the machine within 20 s, and no standby is promoted beside a living server, with primary_race_backoff or without [B-23]`, async () => {
    for (const primary_race_backoff of [0, 6]) {
      const { cluster, leader, others } = await watched(722, { ...settings, primary_race_backoff });
      const frozenMs = cluster.engine.now();
      for (const role of roles) cluster.node(leader).signal(role, 'STOP');
      await cluster.until(() => resets(cluster).length > 0, { withinMs: 20_000 });
      assert.equal(resets(cluster)[0]?.node, leader);
      assert.deepEqual(cluster.timelinesBegun(), [], 'nobody was promoted before');
      await cluster.until(() => others.some((name) => name === cluster.primary()), { withinMs: 15_000 });
      assert.ok(cluster.engine.now() - frozenMs < (ttlS + 6) * 1000, `${cluster.engine.now() - frozenMs} ms`);
      await cluster.run(60_000);
      assert.equal(resets(cluster).length, 1);
      await ends(cluster);
    }
  });

test("the primary's agent is frozen for 60 s, and there is no watchdog: the guardian ends the server before a standby is promoted [B-23]", async () => {
  const cluster = await simulate({ members, seed: 723, writeEveryMs: 250, settings }).untilSteady();
  await cluster.run(15_000);
  const leader = cluster.primary() ?? '';
  cluster.agent(leader).freeze();
  await cluster.until(() => cluster.server(leader) === null, { withinMs: 20_000 });
  assert.deepEqual(cluster.timelinesBegun(), []);
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 15_000 });
  await cluster.run(30_000);
  cluster.agent(leader).thaw();
  await ends(cluster);
});
