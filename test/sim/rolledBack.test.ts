import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../src/sim/cluster.ts';
import { rollBackDisk } from '../../src/sim/rolledBack.ts';
import type { SimulatedCluster } from '../../src/sim/words.ts';

/** The disk of a primary no longer has what it had said to have. PostgreSQL does not see it, and positions tell it for a moment only. */

const members = ['n1', 'n2', 'n3'] as const;
const settings = { ttl: 30, loop_wait: 5, retry_timeout: 5 };
const acknowledged = (cluster: SimulatedCluster): number =>
  cluster.history().filter((seen) => seen.kind === 'write' && seen.outcome === 'acknowledged').length;

for (const mode of [null, true, 'quorum'] as const)
  test(`agent and server of a primary die, and its disk is rolled back: a standby that has more takes over, and nothing is lost (synchronous_mode ${mode})`, async () => {
    const cluster = await simulate({
      members,
      seed: 61,
      settings: { ...settings, synchronous_mode: mode },
      writeEveryMs: 100,
    }).untilSteady();
    await cluster.run(20_000);
    const old = cluster.primary() ?? '';
    const before = acknowledged(cluster);
    cluster.mark();
    cluster.agent(old).kill({ restartAfterMs: 200 });
    assert.ok(rollBackDisk(cluster, old, 12) > 5);
    await cluster.run(2_000);
    await cluster.untilSteady();
    assert.notEqual(cluster.primary(), old);
    await cluster.run(10_000);
    assert.ok(cluster.journal(old).some((entry) => entry.kind === 'decided' && entry.rule === 'primary.rolledBack'));
    assert.deepEqual(cluster.corrupted(), []);
    assert.deepEqual(cluster.violations(0), []);
    assert.ok(acknowledged(cluster) > before + 20);
  });
