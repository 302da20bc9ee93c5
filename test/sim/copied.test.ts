import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SimulatedCluster } from '../../src/sim/cluster.ts';
import { begunByFirst, first, second, third } from '../acceptance/stage.ts';
import { asked, dataDir, ends, jobsOf, keyOf } from '../scenarios/stage.ts';

/**
 * /sync says of a standby that it has every commit that was acknowledged. Its data goes, and a copy of a member that lags takes its
 * place: whoever went by the name alone would elect it.
 */

const syncStandbyOf = (cluster: SimulatedCluster): string | null =>
  (JSON.parse(keyOf(cluster, 'sync') ?? '{}') as { sync_standby?: string }).sync_standby ?? null;

/** The third is the machine for backups: nobody waits for it, copies are made from it, and nothing gets to it from the primary. */
async function withOneThatLags(seed: number, settings: Readonly<Record<string, unknown>>): Promise<SimulatedCluster> {
  const cluster = await begunByFirst(seed, { settings, tags: { [third]: { nosync: true, clonefrom: true } } });
  cluster.network.cut(first, third);
  cluster.network.cut(third, first);
  await cluster.run(40_000);
  await cluster.until(() => keyOf(cluster, 'leader') === first && syncStandbyOf(cluster) === second, {
    withinMs: 60_000,
  });
  return cluster;
}

/** The primary goes for two minutes, and comes back: it has all that was acknowledged, and nothing of it may be lost. */
async function losesPrimary(cluster: SimulatedCluster): Promise<void> {
  cluster.powerOff(first);
  await cluster.run(120_000);
  cluster.powerOn(first);
  await ends(cluster, 0);
}

for (const [name, settings] of [
  ['strict', { synchronous_mode: true, synchronous_mode_strict: true }],
  ['on', { synchronous_mode: true }],
  ['quorum strict', { synchronous_mode: 'quorum', synchronous_mode_strict: true }],
] as const)
  test(`${name}: a synchronous standby that is copied anew is not filled from one that lags, and elected for what it had before`, async () => {
    const cluster = await withOneThatLags(0x5e1, settings);
    const sinceMs = cluster.engine.now();
    assert.equal(await asked(cluster, second, 'POST', '/reinitialize', '{"force": true}'), 200);
    await cluster.until(() => jobsOf(cluster, second, sinceMs).some(({ job }) => job === 'clone'), {
      withinMs: 30_000,
    });
    await losesPrimary(cluster);
  });

test('strict: the machine of the synchronous standby is replaced by an empty one: it is filled from the leader', async () => {
  const cluster = await withOneThatLags(0x5e8, { synchronous_mode: true, synchronous_mode_strict: true });
  const sinceMs = cluster.engine.now();
  cluster.powerOff(second);
  const { disk } = cluster.node(second).machine;
  for (const name of disk.names(dataDir) ?? []) disk.remove(`${dataDir}/${name}`);
  await cluster.run(5_000);
  cluster.powerOn(second);
  const copied = () => jobsOf(cluster, second, sinceMs).filter(({ job }) => job === 'clone');
  await cluster.until(() => copied().some(({ endedMs }) => Number.isFinite(endedMs)), { withinMs: 60_000 });
  await losesPrimary(cluster);
});
