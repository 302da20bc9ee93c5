import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../src/sim/cluster.ts';
import { asked, ends, keyOf, three } from './stage.ts';

/** What people ask of a node, and what they leave behind. */

test('a reload is asked for: it is answered, and the server goes on as it is', async () => {
  const { cluster, others } = await three(571);
  const [name] = others;
  const before = cluster.server(name);
  assert.equal(await asked(cluster, name, 'POST', '/reload', ''), 202);
  await cluster.run(20_000);
  assert.equal(cluster.server(name), before);
  assert.ok(cluster.rulesOf(name).includes('asked.reload'));
  await ends(cluster, 0);
});

test('a scheduled restart that was taken back does not come; one that was not comes once, at its time', async () => {
  const { cluster, others } = await three(572);
  const [name] = others;
  const inS = (seconds: number): string =>
    JSON.stringify({
      schedule: new Date(cluster.node(name).machine.clock.wall() + seconds * 1000).toISOString(),
    });
  const before = cluster.server(name);
  assert.equal(await asked(cluster, name, 'POST', '/restart', inS(20)), 202);
  assert.equal(await asked(cluster, name, 'DELETE', '/restart', ''), 200);
  await cluster.run(40_000);
  assert.equal(cluster.server(name), before);

  assert.equal(await asked(cluster, name, 'POST', '/restart', inS(20)), 202);
  await cluster.run(18_000);
  assert.equal(cluster.server(name), before, 'too early');
  await cluster.until(() => cluster.server(name) !== before && cluster.server(name) !== null, { withinMs: 10_000 });
  const after = cluster.server(name);
  assert.equal(await asked(cluster, name, 'DELETE', '/restart', ''), 404);
  await cluster.run(40_000);
  assert.equal(cluster.server(name), after);
  await ends(cluster, 0);
});

test('a leader steps down, and none of the others gets to take the key: it lets them go first, and then takes it back', async () => {
  const members = ['n1', 'n2', 'n3'];
  const cluster = await simulate({ members, seed: 573, writeEveryMs: 250 }).untilSteady();
  await cluster.run(15_000);
  const leader = cluster.primary() ?? '';
  cluster.mark();
  void cluster.ask(leader, 'POST', '/switchover', JSON.stringify({ leader }));
  await cluster.until(() => keyOf(cluster, 'leader') === null, { withinMs: 15_000 });
  const stoppedMs = cluster.engine.now();
  for (const name of members) if (name !== leader) cluster.agent(name).freeze();
  await cluster.until(() => cluster.primary() === leader, { withinMs: 30_000 });
  assert.ok(cluster.rulesOf(leader).includes('race.formerLeader'), cluster.rulesOf(leader).join(' '));
  assert.ok(cluster.engine.now() - stoppedMs >= 5_000, 'it did not wait for the others');
  for (const name of members) if (name !== leader) cluster.agent(name).thaw();
  await ends(cluster, 0);
});

test('replay was paused at a standby, and forgotten: it goes on, and the standby may take over with all it has', async () => {
  const { cluster, others } = await three(574);
  const [name] = others;
  const server = cluster.server(name);
  assert.ok(server !== null);
  server.replayStands = 'paused';
  await cluster.until(() => server.replayStands === null, { withinMs: 25_000 });
  await cluster.until(() => cluster.rulesOf(name).includes('standby.replayPaused'), { withinMs: 1000 });
  await cluster.until(() => server.replayed >= server.wal.flushed, { withinMs: 2000 });
  await ends(cluster, 0);
});
