import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';

/** A fresh copy is asked for while the leader's server is not well: the standby that is stopped for it is all that is left. */

const two = ['n1', 'n2'];

async function pair(seed: number, settings: Readonly<Record<string, unknown>> = {}) {
  const cluster = await simulate({ members: two, seed, writeEveryMs: 250, settings }).untilSteady();
  await cluster.run(15_000);
  cluster.mark();
  const leader = cluster.primary() ?? '';
  return { cluster, leader, standby: two.find((name) => name !== leader) ?? '' };
}

async function writesGoOn(cluster: SimulatedCluster): Promise<void> {
  await cluster.run(120_000);
  const sinceMs = cluster.engine.now();
  await cluster.run(30_000);
  assert.ok(cluster.writesSince(sinceMs));
}

for (const reinit of [false, true])
  test(`the primary's postmaster is frozen${reinit ? ', and people ask for a fresh copy of the standby' : ''}: writes go on`, async () => {
    const { cluster, leader, standby } = await pair(0x5e4);
    cluster.node(leader).signal('postgres', 'STOP');
    await cluster.run(5_000);
    // "It does not get on": whoever looks at its lag asks for a fresh copy.
    if (reinit) void cluster.ask(standby, 'POST', '/reinitialize', '{"force": true}');
    await writesGoOn(cluster);
  });

for (const reinit of [false, true])
  test(`the primary goes down for good${reinit ? ' as its standby was stopped for a fresh copy' : ''}: writes go on`, async () => {
    const { cluster, leader, standby } = await pair(0x5e5, { primary_start_timeout: 30 });
    if (reinit) {
      void cluster.ask(standby, 'POST', '/reinitialize', '{"force": true}');
      await cluster.until(() => cluster.server(standby) === null, { withinMs: 20_000 });
    }
    // A library that is gone, a disk that is full: the server ends, and does not come up again. Agent and etcd are well.
    cluster.node(leader).machine.install('postgres', (self) => self.exit(1));
    cluster.postgres(leader).kill();
    await writesGoOn(cluster);
  });
