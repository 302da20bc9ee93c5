import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';
import { etcdctlDelete, etcdctlPut } from '../../src/sim/etcdctl.ts';
import { dataDirAt } from '../../src/sim/postgres/dataDir.ts';
import { dataDir, ends, keyOf, members, three } from './stage.ts';

/** Who the cluster is: while it is born, when that is forgotten, and when data of another one is found. */

/** The member on which the bootstrap has begun that step. */
const makerAt = (cluster: SimulatedCluster, step: string): string | undefined =>
  members.find((name) =>
    cluster.journal(name).some((one) => one.kind === 'job' && one.job === 'bootstrap' && one.step === step),
  );

test('initdb is killed: the claim is given back, the agent ends with the reason, and the cluster is born all the same', async () => {
  const cluster = simulate({ members, seed: 581, writeEveryMs: 250 });
  await cluster.until(
    () =>
      members.some((name) =>
        cluster
          .node(name)
          .machine.processes.all()
          .some((one) => one.executable().endsWith('initdb')),
      ),
    { withinMs: 30_000 },
  );
  for (const name of members)
    for (const one of cluster.node(name).machine.processes.all())
      if (one.executable().endsWith('initdb')) one.signal('KILL');
  await cluster.until(() => members.some((name) => cluster.rulesOf(name).includes('bootstrap.failed')), {
    withinMs: 10_000,
  });
  await ends(cluster);
});

test('the claim is deleted while the cluster is being made: whoever makes it claims it again, and nobody else begins', async () => {
  const cluster = simulate({ members, seed: 582, writeEveryMs: 250 });
  await cluster.until(() => makerAt(cluster, 'initdb') !== undefined, { withinMs: 30_000 });
  const maker = makerAt(cluster, 'initdb') ?? '';
  assert.ok(etcdctlDelete(cluster, 'initialize', 'initializing'));
  await cluster.until(() => cluster.rulesOf(maker).includes('bootstrap.claim'), { withinMs: 10_000 });
  await cluster.until(() => cluster.primary() !== null, { withinMs: 60_000 });
  assert.equal(cluster.primary(), maker);
  await ends(cluster);
});

test('the data of another cluster is found: nothing is touched, and the agent ends with the reason', async () => {
  const { cluster, others } = await three(583);
  const [name] = others;
  const { machine } = cluster.node(name);
  cluster.powerOff(name);
  const there = dataDirAt(machine, dataDir);
  const control = there.control();
  assert.ok(control !== null);
  there.writeControl({ ...control, systemId: '7000000000000000001' });
  cluster.powerOn(name);
  await cluster.until(() => cluster.rulesOf(name).includes('data.foreign'), { withinMs: 20_000 });
  await cluster.run(60_000);
  assert.equal(cluster.server(name), null);
  assert.equal(dataDirAt(machine, dataDir).control()?.systemId, '7000000000000000001');
  there.writeControl(control);
  await ends(cluster);
});

test('the identity was claimed anew by somebody who never finished, and the primary is gone: nobody is promoted until the claim is deleted', async () => {
  const { cluster, leader, others } = await three(584);
  const before = keyOf(cluster, 'initialize');
  assert.ok(etcdctlPut(cluster, 'initialize', ''));
  cluster.powerOff(leader);
  await cluster.until(() => others.some((name) => cluster.rulesOf(name).includes('race.uninitialized')), {
    withinMs: 60_000,
  });
  await cluster.run(120_000);
  assert.equal(cluster.primary(), null);
  assert.equal(keyOf(cluster, 'initialize'), '');
  assert.ok(etcdctlDelete(cluster, 'initialize'));
  await cluster.until(() => cluster.primary() !== null, { withinMs: 120_000 });
  assert.equal(keyOf(cluster, 'initialize'), before);
  cluster.powerOn(leader);
  await ends(cluster);
});
