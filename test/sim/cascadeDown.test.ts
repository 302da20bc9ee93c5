import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SimulatedCluster } from '../../src/sim/cluster.ts';
import { begunByFirst, first, second, third } from '../acceptance/stage.ts';

/** The member that a cascade streams from has an agent that is well, and a server that does not come up: a full disk, a library that is gone. */

function breakServer(cluster: SimulatedCluster): () => void {
  const { machine } = cluster.node(second);
  const real = machine.programFor('/usr/lib/postgresql/15/bin/postgres', []);
  assert.ok(real !== null);
  machine.install('postgres', (self) => self.exit(1));
  cluster.postgres(second).kill();
  return () => machine.install('postgres', real);
}

const replicatefrom = { [third]: { replicatefrom: second } };

test('a cascade whose upstream does not come up turns to the leader, and back when that is well', async () => {
  const cluster = await begunByFirst(0x5e7, { tags: replicatefrom });
  const from = () => [...(cluster.server(first)?.senders ?? [])].map(({ host }) => host);
  assert.deepEqual(from(), [second]);
  const comesUpAgain = breakServer(cluster);
  await cluster.until(() => from().join() === third, { withinMs: 60_000 });
  comesUpAgain();
  await cluster.until(() => from().join() === second, { withinMs: 180_000 });
});

test('strict: the synchronous standby does not come up; who cascades from it is waited for in its place, until it is back', async () => {
  const settings = { synchronous_mode: true, synchronous_mode_strict: true };
  const cluster = await begunByFirst(0x5e7, { settings, tags: replicatefrom });
  const goesOn = async () => {
    const sinceMs = cluster.engine.now();
    await cluster.run(30_000);
    assert.ok(cluster.writesSince(sinceMs));
  };
  const comesUpAgain = breakServer(cluster);
  await cluster.run(120_000);
  await goesOn();
  comesUpAgain();
  await cluster.run(120_000);
  await goesOn();
});
