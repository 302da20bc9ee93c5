import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../src/sim/cluster.ts';
import { places } from '../../src/sim/settings.ts';

const members = ['n1', 'n2', 'n3'] as const;

test('a rewind is interrupted, and the data directory is a mount point: its content is kept inside, and the node comes back', async () => {
  for (const seed of [601, 602]) {
    const cluster = await simulate({ members, seed, writeEveryMs: 250 }).untilSteady();
    await cluster.run(15_000);
    const leader = cluster.primary() ?? '';
    const { machine } = cluster.node(leader);
    machine.mountPoints.add(places.dataDir);
    cluster.network.isolate(leader);
    await cluster.until(() => cluster.primary() !== null && cluster.primary() !== leader, { withinMs: 60_000 });
    await cluster.run(5000);
    cluster.network.heal();
    const rewinding = () =>
      cluster.journal(leader).some((entry) => entry.kind === 'job' && entry.step.startsWith('pg_rewind from'));
    await cluster.until(rewinding, { withinMs: 60_000 });
    await cluster.run(150);
    cluster.powerOff(leader);
    await cluster.run(1000);
    cluster.powerOn(leader);
    await cluster.untilSteady();
    await cluster.run(5000);
    const jobs = cluster
      .journal(leader)
      .flatMap((entry) => (entry.kind === 'job' ? [`${entry.job} ${entry.step}`] : []));
    assert.ok(
      jobs.some((one) => one === 'removeData set aside'),
      jobs.join('\n'),
    );
    assert.ok(machine.disk.names(`${places.dataDir}/.set-aside.old`)?.includes('global'));
    assert.equal(machine.disk.names(`${places.dataDir}/.clone.new`), null);
    assert.deepEqual(cluster.violations(), []);
    assert.deepEqual(cluster.corrupted(), []);
  }
});
