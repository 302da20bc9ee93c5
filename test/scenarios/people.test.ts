import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';
import { asked, ends, keyOf, three } from './stage.ts';

/** What people ask of a node, and what they leave behind. */

const wallIn = (cluster: SimulatedCluster, name: string, seconds: number): string =>
  new Date(cluster.node(name).machine.clock.wall() + seconds * 1000).toISOString();

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
  const inS = (seconds: number): string => JSON.stringify({ schedule: wallIn(cluster, name, seconds) });
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

test('a scheduled restart comes only where role, version and pending settings are as asked, and leaves none of those [B-25]', async () => {
  const { cluster, leader, others } = await three(575);
  const [name] = others;
  const before = cluster.server(name);
  const pending = (): unknown => {
    const seen = cluster.node(name).handles()?.snapshot()?.seen.postgres;
    return seen?.kind === 'running' && Object.keys(seen.pendingRestart).length > 0;
  };
  const planned = async (filter: Readonly<Record<string, unknown>>): Promise<void> => {
    const body = JSON.stringify({ ...filter, schedule: wallIn(cluster, name, 4) });
    assert.equal(await asked(cluster, name, 'POST', '/restart', body), 202);
    await cluster.run(20_000);
    assert.equal(await asked(cluster, name, 'DELETE', '/restart', ''), 404, 'it is over');
  };
  await planned({ restart_pending: true });
  const settings = '{"postgresql": {"parameters": {"max_connections": 123}}}';
  assert.equal(await asked(cluster, leader, 'PATCH', '/config', settings), 200);
  await cluster.until(() => pending() === true, { withinMs: 15_000 });
  const published = (): unknown => JSON.parse(keyOf(cluster, `members/${name}`) ?? '').pending_restart;
  await cluster.until(() => published() === true, { withinMs: 11_000 });
  await planned({ role: 'primary' });
  await planned({ role: 'replica', postgres_version: '14.9' });
  assert.equal(cluster.server(name), before, 'none of these was for it');
  await planned({ role: 'replica', postgres_version: '99.0', restart_pending: true });
  assert.notEqual(cluster.server(name), before);
  assert.equal(pending(), false);
  assert.equal(published(), undefined);
  assert.equal(cluster.primary(), leader);
  await ends(cluster, 0);
});

test('a switchover is scheduled in ten seconds: it begins at its time, and is over within twenty [B-28]', async () => {
  const { cluster, leader, others } = await three(576);
  const [candidate] = others;
  const beganMs = cluster.engine.now();
  const body = JSON.stringify({ leader, candidate, scheduled_at: wallIn(cluster, leader, 10) });
  assert.equal(await asked(cluster, candidate, 'POST', '/switchover', body), 202);
  await cluster.run(beganMs + 9_500 - cluster.engine.now());
  assert.equal(cluster.primary(), leader, 'too early');
  await cluster.until(() => cluster.primary() === candidate && cluster.steady(), { withinMs: 10_000 });
  assert.equal(cluster.timeline(), 2);
  await cluster.run(2000);
  assert.equal(keyOf(cluster, 'failover'), '{}', 'nothing is left to be done');
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
