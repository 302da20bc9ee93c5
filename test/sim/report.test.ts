import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readIncident } from '../../src/codec/incident.ts';
import { readReport } from '../../src/codec/report.ts';
import type { RepairReport } from '../../src/model/report.ts';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';
import { places } from '../../src/sim/settings.ts';

/** What a former primary had alone is written down before it is rewound, whatever becomes of its agent meanwhile. */

function textsIn(cluster: SimulatedCluster, name: string, folder: string): readonly string[] {
  const { disk } = cluster.node(name).machine;
  const path = `${places.stateDir}/${folder}`;
  return (disk.names(path) ?? [])
    .filter((file) => file.endsWith('.json'))
    .map((file) => {
      const node = disk.get(`${path}/${file}`);
      return node?.kind === 'file' ? node.text : '';
    });
}
const reportsOf = (cluster: SimulatedCluster, name: string): readonly RepairReport[] =>
  textsIn(cluster, name, 'reports').map((text) => readReport(text) ?? assert.fail(`no report: ${text}`));

/** A leader is cut off with writes that nobody else has, and another takes over. */
async function parted(seed: number): Promise<{ cluster: SimulatedCluster; old: string }> {
  const cluster = await simulate({ members: ['n1', 'n2', 'n3'], seed, writeEveryMs: 100 }).untilSteady();
  await cluster.run(10_000);
  const old = cluster.primary() ?? assert.fail('there is no one primary');
  cluster.network.isolate(old);
  await cluster.until(() => cluster.primary() !== null && cluster.primary() !== old, { withinMs: 60_000 });
  await cluster.run(5_000);
  assert.deepEqual(reportsOf(cluster, old), []);
  cluster.network.heal();
  return { cluster, old };
}

test('a primary that was cut off reports what it had alone before it is rewound, and the incident says where', async () => {
  const { cluster, old } = await parted(9);
  await cluster.untilSteady();
  await cluster.run(5_000);
  const [report, ...others] = reportsOf(cluster, old);
  assert.ok(report !== undefined && others.length === 0);
  assert.deepEqual([report.state, report.deed, report.outcome], ['done', 'rewind', 'rewound']);
  assert.ok(report.transactions.count > 10 && report.bytes > 0, JSON.stringify(report));
  assert.deepEqual(
    report.tables.map(({ name, inserted }) => [name, inserted]),
    [['public.rows', report.transactions.count]],
  );
  assert.equal(report.why.rule, 'rejoin.stopped');
  const incidents = textsIn(cluster, old, 'incidents').map(readIncident);
  assert.deepEqual(
    incidents.flatMap((one) => one?.reports ?? []),
    [report.id],
  );
  assert.deepEqual(cluster.violations(), []);
});

/** Each moment of a repair at which its agent is killed. */
const moments: readonly (readonly [when: string, is: (cluster: SimulatedCluster, name: string) => boolean])[] = [
  ['as its report is begun', (cluster, name) => textsIn(cluster, name, 'reports').length > 0],
  [
    'as its report is whole, before the rewind',
    (cluster, name) => (reportsOf(cluster, name)[0]?.wal.until ?? null) !== null,
  ],
  [
    'as the data directory is half rewound',
    (cluster, name) => cluster.node(name).machine.disk.get(`${places.dataDir}/global/mixed.sim`) !== null,
  ],
];
moments.forEach(([when, is], at) => {
  test(`the agent of a repair is killed ${when}: the next one repairs it, and there is one report`, async () => {
    const { cluster, old } = await parted(20 + at);
    await cluster.until(() => is(cluster, old), { withinMs: 60_000 });
    cluster.agent(old).kill();
    await cluster.untilSteady();
    await cluster.run(5_000);
    const reports = reportsOf(cluster, old);
    assert.equal(reports.length, 1);
    assert.equal(reports[0]?.state, 'done');
    assert.match(reports[0]?.outcome ?? '', at < 2 ? /^rewound$/ : /rewound|set aside as/);
    assert.ok((reports[0]?.transactions.count ?? 0) > 10);
    assert.deepEqual(cluster.violations(), []);
  });
});
