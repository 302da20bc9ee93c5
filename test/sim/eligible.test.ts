import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keysOf } from '../../src/codec/dcs/keys.ts';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';
import { makeEligibility } from '../../src/sim/eligible.ts';
import { etcdctlPut } from '../../src/sim/etcdctl.ts';
import { moveTo } from '../scenarios/stage.ts';

/** The simulator's law 3, asked directly: whom it would blame for taking the key. */

const judgeOf = ({ engine, etcd, network, postgresWorld, nodes }: SimulatedCluster) => {
  const judge = makeEligibility(engine, etcd, network, postgresWorld, [...nodes.values()], keysOf('service', 'sim'));
  engine.onStep(judge.look);
  return judge;
};

/** Three members, of which the last has not received what was written for 15 s. */
async function lagging(maximumLag: number) {
  const settings = { ttl: 60, loop_wait: 10, retry_timeout: 20, maximum_lag_on_failover: maximumLag };
  const cluster = await simulate({ members: ['n1', 'n2', 'n3'], seed: 31, settings, writeEveryMs: 250 }).untilSteady();
  const judge = judgeOf(cluster);
  const leader = cluster.primary() ?? '';
  const [near = '', far = ''] = [...cluster.nodes.keys()].filter((name) => name !== leader);
  cluster.network.cut(leader, far);
  cluster.network.cut(far, leader);
  await cluster.run(15_000);
  cluster.powerOff(leader);
  await cluster.run(1000);
  cluster.network.heal();
  await cluster.run(11_000); // all is calm, and the lease of the dead leader lives
  assert.equal(cluster.primary(), null);
  return { cluster, judge, near, far };
}

test('whoever is passed over although it is further and answers is named, while its turn lasts', async () => {
  const { cluster, judge, near, far } = await lagging(1_048_576);
  assert.equal(judge.whyNot(near, 100), null);
  assert.match(judge.whyNot(far, 100) ?? '', new RegExp(`${near} has .*, and answers`));
  assert.equal(judge.whyNot(far, 5000), null, 'it had its turn');
  assert.equal(judge.whyNot(far, 100, near), null, 'it had the key before');
  cluster.agent(near).freeze();
  assert.equal(judge.whyNot(far, 100), null, 'it does not answer');
});

test('nobody is passed over who left the way of the cluster [sync seed 0x160aa]', async () => {
  const { cluster, judge, near, far } = await lagging(1_048_576);
  // Another began a timeline where the one that is behind ends, and is gone.
  const end = Number(cluster.server(far)?.wal.end ?? 0n);
  assert.ok(etcdctlPut(cluster, 'history', JSON.stringify([[1, end, 'no recovery target specified', '', 'n9']])));
  assert.ok(etcdctlPut(cluster, 'timeline', '2'));
  await cluster.run(50);
  assert.match(judge.whyNot(near, 100) ?? '', /timeline 1 was left at .*, and the cluster is on 2/);
  assert.equal(judge.whyNot(far, 100), null);
});

test('whoever is further behind the last status than the limit allows may not lead', async () => {
  const { judge, near, far } = await lagging(1000);
  assert.match(judge.whyNot(far, 60_000) ?? '', /bytes behind the last status, more than 1000/);
  assert.equal(judge.whyNot(near, 60_000), null);
});

test('whoever left the way of the cluster may not lead', async () => {
  const cluster = await simulate({ members: ['n1', 'n2', 'n3'], seed: 32, writeEveryMs: 250 }).untilSteady();
  const judge = judgeOf(cluster);
  const former = cluster.primary() ?? '';
  cluster.network.isolate(former);
  await cluster.until(() => cluster.primaries().some((name) => name !== former), { withinMs: 60_000 });
  await cluster.run(20_000);
  assert.equal(cluster.server(former)?.inRecovery, true, 'it went on as a standby without etcd');
  assert.match(judge.whyNot(former, 60_000) ?? '', /timeline 1 was left at .*, and the cluster is on 2/);
});

test('a Patroni that waits for etcd answers nobody: nobody could have heard that it runs as primary [seed 90146]', async () => {
  const options = { members: ['n1', 'n2', 'n3'], patronis: { n3: '4.1.4' }, writeEveryMs: 250 } as const;
  const cluster = await simulate({ ...options, seed: 34 }).untilSteady();
  const judge = judgeOf(cluster);
  const leader = cluster.primary() ?? '';
  if (leader !== 'n3') {
    await cluster.run(15_000);
    await moveTo(cluster, leader, 'n3');
  }
  await cluster.run(15_000);
  assert.match(judge.whyNot('n1', 100) ?? '', /n3 runs as primary, and answers/);
  for (const name of options.members) cluster.etcd.kill(name);
  cluster.agent('n3').kill({ restartAfterMs: 500 });
  await cluster.run(15_000);
  assert.equal(cluster.node('n3').stateOf('agent'), 'running');
  assert.equal(cluster.server('n3')?.inRecovery, false);
  assert.equal(judge.whyNot('n1', 100), null);
});
