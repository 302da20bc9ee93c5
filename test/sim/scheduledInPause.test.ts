import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pid } from '../../src/model/units.ts';
import { places } from '../../src/sim/settings.ts';
import { begunByFirst, first, second } from '../acceptance/stage.ts';
import { asked, pause } from '../scenarios/stage.ts';

test('a switchover that was scheduled, and came due in pause, promotes nobody in pause', async () => {
  const cluster = await begunByFirst(0x5e2);
  const { machine } = cluster.node(first);
  const at = new Date(machine.clock.wall() + 60_000).toISOString();
  const request = JSON.stringify({ leader: first, candidate: second, scheduled_at: at });
  assert.equal(await asked(cluster, first, 'POST', '/switchover', request), 202);
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
