import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ends, three } from '../scenarios/stage.ts';

/** A smart stop, as by `kill PID` or systemd, waits for clients that do not leave. */

test('somebody sends the postmaster of the primary a SIGTERM: it works again in seconds, and nobody is needed', async () => {
  const { cluster, leader } = await three(91);
  cluster.node(leader).signal('postgres', 'TERM');
  await cluster.run(1_000);
  assert.equal(cluster.server(leader)?.phase, 'stopping', 'its clients keep it');
  await cluster.until(() => cluster.primary() === leader, { withinMs: 10_000 });
  assert.ok(cluster.rulesOf(leader).includes('postgres.stopsUnasked'));
  await ends(cluster, 0);
});

test('the same on a standby, with a client that reads there', async () => {
  const { cluster, others } = await three(92);
  const [standby] = others;
  cluster.node(standby).signal('postgres', 'TERM');
  await cluster.run(1_000);
  await cluster.until(() => cluster.server(standby)?.phase === 'ready', { withinMs: 15_000 });
  await ends(cluster, 0);
});

test('in pause it is left to people', async () => {
  const { cluster, leader } = await three(93);
  void cluster.ask(leader, 'PATCH', '/config', JSON.stringify({ pause: true }));
  await cluster.run(5_000);
  cluster.node(leader).signal('postgres', 'TERM');
  await cluster.run(60_000);
  assert.equal(cluster.server(leader)?.phase, 'stopping');
  assert.ok(!cluster.rulesOf(leader).includes('postgres.stopsUnasked'));
});

test('a fast stop of somebody else is at work for long: it is not hastened into a crash', async () => {
  const { cluster, leader } = await three(94);
  const { tuning } = cluster.postgresWorld;
  const { stopMs } = tuning;
  Object.assign(tuning, { stopMs: [100_000, 100_000] }); // its checkpoint
  cluster.node(leader).signal('postgres', 'INT');
  await cluster.run(95_000);
  assert.equal(cluster.server(leader)?.phase, 'stopping');
  Object.assign(tuning, { stopMs });
  await cluster.until(() => cluster.primary() === leader, { withinMs: 30_000 });
  await ends(cluster, 0);
});
