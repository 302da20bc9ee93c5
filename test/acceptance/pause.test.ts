import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asked, ends, jobsOf, keyOf, pause, three } from '../scenarios/stage.ts';

/** People at work on a paused cluster: what they ask for by name is done, and nothing else. */

test('paused: a replica that goes down stays down, and says so; a restart brings it back, a fresh copy is made, the primary is restarted [B-26]', async () => {
  const { cluster, leader, others } = await three(711);
  const [replica] = others;
  await pause(cluster);
  cluster.postgres(replica).kill();
  await cluster.run(30_000);
  assert.equal(cluster.server(replica), null);
  const state = (): unknown => (JSON.parse(keyOf(cluster, `members/${replica}`) ?? '{}') as { state?: unknown }).state;
  assert.equal(state(), 'stopped');
  assert.equal(await asked(cluster, replica, 'POST', '/restart'), 200);
  await cluster.until(() => cluster.steady(), { withinMs: 10_000 });

  const copiedMs = cluster.engine.now();
  assert.equal(await asked(cluster, replica, 'POST', '/reinitialize', '{"from_leader": true}'), 200);
  await cluster.until(() => cluster.steady() && jobsOf(cluster, replica, copiedMs).some(isCopy), { withinMs: 20_000 });

  const before = cluster.server(leader);
  assert.equal(await asked(cluster, leader, 'POST', '/restart'), 200);
  assert.notEqual(cluster.server(leader), before);
  await cluster.until(() => cluster.steady(), { withinMs: 20_000 });
  assert.equal(cluster.primary(), leader);
  assert.equal(cluster.timeline(), 1);
  await pause(cluster, false);
  await ends(cluster, 0);
});
const isCopy = ({ job, outcome }: ReturnType<typeof jobsOf>[number]): boolean => job === 'clone' && outcome === 'done';

test('paused: a switchover to a candidate works, and the old primary follows; one for later, or without a candidate, is refused [B-27]', async () => {
  const { cluster, leader, others } = await three(712);
  const [candidate] = others;
  await pause(cluster);
  const ask = (more: object): Promise<number | null> =>
    asked(cluster, leader, 'POST', '/switchover', JSON.stringify({ leader, ...more }));
  const inOneMinute = new Date(cluster.node(leader).machine.clock.wall() + 60_000).toISOString();
  assert.equal(await ask({ candidate, scheduled_at: inOneMinute }), 400);
  assert.equal(await ask({}), 400);
  await cluster.run(90_000);
  assert.equal(cluster.primary(), leader);
  const askedMs = cluster.engine.now();
  assert.equal(await ask({ candidate }), 200);
  await cluster.until(() => cluster.primary() === candidate && cluster.steady(), { withinMs: 10_000 });
  assert.ok(cluster.engine.now() - askedMs < 10_000);
  assert.deepEqual(
    jobsOf(cluster, leader, askedMs).filter(({ job }) => ['rewind', 'removeData', 'clone'].includes(job)),
    [],
  );
  assert.equal(cluster.timeline(), 2);
  await pause(cluster, false);
  await ends(cluster, 0);
});
