import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pid } from '../../src/model/units.ts';
import type { SimulatedCluster } from '../../src/sim/cluster.ts';
import { places } from '../../src/sim/settings.ts';
import { begunByFirst, first, second } from '../acceptance/stage.ts';
import { asked, ends, keyOf, pause } from '../scenarios/stage.ts';

async function scheduled(cluster: SimulatedCluster, inMs: number): Promise<void> {
  const at = new Date(cluster.node(first).machine.clock.wall() + inMs).toISOString();
  const request = JSON.stringify({ leader: first, candidate: second, scheduled_at: at });
  assert.equal(await asked(cluster, first, 'POST', '/switchover', request), 202);
}

test('a switchover that was scheduled, and came due in pause, promotes nobody in pause', async () => {
  const cluster = await begunByFirst(0x5e2);
  const { machine } = cluster.node(first);
  await scheduled(cluster, 60_000);
  await pause(cluster);
  await cluster.run(3_600_000);
  assert.equal(cluster.primary(), first);
  // An hour later the primary's machine is rebooted, and whoever is at work on it starts its server, as pause leaves it to people.
  cluster.powerOff(first);
  await cluster.run(60_000);
  cluster.powerOn(first);
  await cluster.run(120_000);
  const program = `${places.binDir}/postgres`;
  const args = ['-D', places.dataDir];
  const body = machine.programFor(program, args);
  assert.ok(body !== null);
  machine.processes.spawn({
    parent: pid(1),
    executable: program,
    start: { args, env: {}, input: '' },
    cwd: '/',
    program: body,
  });
  await cluster.run(60_000);
  assert.deepEqual(cluster.primaries(), [first]);
});

test('nor where the primary goes within seconds of that time, or people stop it', async () => {
  for (const how of ['power', 'stop'] as const) {
    const cluster = await begunByFirst(0x5e9);
    await scheduled(cluster, 30_000);
    await pause(cluster);
    await cluster.run(31_000);
    if (how === 'stop') cluster.node(first).signal('postgres', 'INT');
    else {
      cluster.powerOff(first);
      await cluster.run(3_000);
      cluster.powerOn(first); // it says that it is no primary any more
    }
    await cluster.run(120_000);
    assert.deepEqual(cluster.primaries(), [], how);
    assert.equal(keyOf(cluster, 'leader'), null, how);
  }
});

test('a switchover that was begun when its time came is brought to its end in pause, however long the primary takes to stop', async () => {
  const cluster = await begunByFirst(0x5ea);
  cluster.postgresWorld.tuning.checkpointMs = [90_000, 90_000];
  await scheduled(cluster, 10_000);
  await cluster.run(13_000);
  await pause(cluster);
  await cluster.until(() => cluster.primary() === second, { withinMs: 240_000 });
  cluster.postgresWorld.tuning.checkpointMs = [20, 60];
  void cluster.ask(second, 'PATCH', '/config', '{"pause":null}');
  await ends(cluster, 0);
});
