import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../src/sim/cluster.ts';

/** A former primary whose agent is another one serves reads without etcd: no guard of the lease that is left ends it. */
for (const failsafe of [false, true])
  test(`agent and server of the primary die while etcd is away: it is started once, as a standby, and nothing ends that one (failsafe_mode ${failsafe})`, async () => {
    const members = ['n1', 'n2', 'n3'];
    const settings = { failsafe_mode: failsafe };
    const cluster = await simulate({ members, seed: 81, writeEveryMs: 250, settings }).untilSteady();
    await cluster.run(12_000);
    const leader = cluster.primary() ?? '';
    for (const name of members) cluster.etcd.kill(name);
    if (failsafe) cluster.network.isolate(leader);
    cluster.agent(leader).kill();
    cluster.postgres(leader).kill();
    const sinceMs = cluster.engine.now();
    await cluster.run(90_000);
    const server = cluster.told().filter(({ atMs, node }) => node === leader && atMs > sinceMs + 1);
    assert.deepEqual(
      server.flatMap(({ text }) => (/^postgres (starts|ended)/.test(text) ? [text.replace(/ pid.*/, '')] : [])),
      ['postgres starts as standby'],
    );
    for (const name of members) cluster.etcd.start(name);
    cluster.network.heal();
    await cluster.untilSteady();
    await cluster.run(5_000);
    assert.deepEqual(cluster.violations(), []);
  });
