import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begunByFirst, first, second, third } from '../acceptance/stage.ts';
import { ends, jobsOf } from '../scenarios/stage.ts';

test('a server dies right after its promotion, comes up as a standby, and another was promoted from the same place: it is rewound', async () => {
  const cluster = await begunByFirst(0x5eb);
  const request = JSON.stringify({ leader: first, candidate: second });
  void cluster.ask(first, 'POST', '/switchover', request);
  await cluster.until(() => cluster.server(second)?.inRecovery === false, { withinMs: 30_000 });
  // Nobody gets what it writes from here on, and it does not come to its first checkpoint.
  for (const other of [first, third]) {
    cluster.network.cut(second, other);
    cluster.network.cut(other, second);
  }
  cluster.etcd.shutOut.add(second);
  cluster.postgres(second).kill();
  await cluster.until(() => cluster.primary() === first || cluster.primary() === third, { withinMs: 120_000 });
  await cluster.until(() => cluster.server(second)?.phase === 'ready', { withinMs: 60_000 });
  const control = cluster.server(second)?.dir.control();
  assert.ok(control !== undefined && control !== null && control.minRecoveryEndTimeline > control.timeline);
  const sinceMs = cluster.engine.now();
  cluster.etcd.shutOut.clear();
  cluster.network.heal();
  await ends(cluster);
  assert.deepEqual(
    jobsOf(cluster, second, sinceMs)
      .filter(({ job }) => job === 'rewind')
      .map(({ outcome }) => outcome),
    ['done'],
  );
});
