import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTags } from '../../src/codec/config/tags.ts';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';
import { asked, ends, keyOf, members, three } from '../scenarios/stage.ts';

/** Synchronous mode, quorum: /sync and PostgreSQL's list as standbys come and go, each change within its limit. */

const quorum = { synchronous_mode: 'quorum' };
/** Of the ten seconds that there are. */
const limit = { withinMs: 5_000 };

/** `0(n2) ANY 1 (n2)`: the quorum of which voters, and the list of names. */
function stands(cluster: SimulatedCluster): string {
  const leader = cluster.primary() ?? '';
  const sync: { leader?: string; sync_standby?: string | null; quorum?: number } = JSON.parse(
    keyOf(cluster, 'sync') ?? '{}',
  );
  assert.equal(sync.leader ?? leader, leader);
  const names = cluster.server(leader)?.conf.get('synchronous_standby_names') ?? '';
  return `${sync.quorum}(${sync.sync_standby ?? ''}) ${names}`;
}

/** It comes to that soon, stays so, and commits go on. */
async function comesTo(cluster: SimulatedCluster, wanted: string): Promise<void> {
  await cluster.until(() => stands(cluster) === wanted, limit);
  await cluster.run(10_000);
  assert.equal(stands(cluster), wanted, 'and stays so');
  const fromMs = cluster.engine.now();
  await cluster.until(() => cluster.writesSince(fromMs), { withinMs: 1_000 });
}

const configure = (cluster: SimulatedCluster, change: Readonly<Record<string, unknown>>): void =>
  void cluster.ask(cluster.primary() ?? '', 'PATCH', '/config', JSON.stringify(change));

async function stop(cluster: SimulatedCluster, name: string): Promise<void> {
  cluster.node(name).restartAgentAfterMs = null;
  cluster.node(name).signal('agent', 'TERM');
  await cluster.until(() => cluster.server(name) === null, { withinMs: 10_000 });
}
async function start(cluster: SimulatedCluster, name: string): Promise<void> {
  cluster.node(name).restartAgentAfterMs = 1000;
  cluster.agent(name).start();
  const streams = (): boolean =>
    [...(cluster.server(cluster.primary() ?? '')?.senders ?? [])].some(({ host }) => host === name);
  await cluster.until(streams, { withinMs: 20_000 });
}

test('one node, two, three, for one copy and for two, and back to one, which leads again after a restart [B-15]', async () => {
  const cluster = simulate({ members, seed: 0xb15, writeEveryMs: 250, settings: quorum });
  for (const name of ['n2', 'n3']) cluster.agent(name).kill({ restartAfterMs: null });
  await cluster.until(() => cluster.primary() === 'n1', { withinMs: 20_000 });
  await comesTo(cluster, '0() ');
  await start(cluster, 'n2');
  await comesTo(cluster, '0(n2) ANY 1 (n2)');
  await start(cluster, 'n3');
  await comesTo(cluster, '1(n2,n3) ANY 1 (n2,n3)');
  configure(cluster, { synchronous_node_count: 2 });
  await comesTo(cluster, '0(n2,n3) ANY 2 (n2,n3)');
  await stop(cluster, 'n3');
  await comesTo(cluster, '0(n2) ANY 1 (n2)');
  await start(cluster, 'n3');
  await comesTo(cluster, '0(n2,n3) ANY 2 (n2,n3)');
  configure(cluster, { synchronous_node_count: 1 });
  await comesTo(cluster, '1(n2,n3) ANY 1 (n2,n3)');
  await stop(cluster, 'n3');
  await comesTo(cluster, '0(n2) ANY 1 (n2)');
  await stop(cluster, 'n2');
  await comesTo(cluster, '0() ');
  await stop(cluster, 'n1');
  await cluster.run(15_000);
  cluster.node('n1').restartAgentAfterMs = 1000;
  cluster.agent('n1').start();
  await cluster.until(() => cluster.primary() === 'n1', { withinMs: 10_000 });
  await comesTo(cluster, '0() ');
  for (const name of ['n2', 'n3']) await start(cluster, name);
  await ends(cluster, 0);
});

test('quorum, priority, quorum, with a standby down all the while: lists and keys follow [B-16]', async () => {
  for (const count of [1, 2]) {
    const { cluster, others } = await three(0xb16, { ...quorum, synchronous_node_count: count });
    const [left, down] = others;
    await stop(cluster, down);
    await comesTo(cluster, `0(${left}) ANY 1 (${left})`);
    configure(cluster, { synchronous_mode: true });
    await comesTo(cluster, `0(${left}) ${left}`);
    configure(cluster, quorum);
    await comesTo(cluster, `0(${left}) ANY 1 (${left})`);
    await start(cluster, down);
    const both = [...others].sort().join(',');
    await comesTo(cluster, `${2 - count}(${both}) ANY ${count} (${both})`);
    await ends(cluster, 0);
  }
});

test('a reload brings the tag nosync: the standby leaves voters and list, and no longer answers as one of them [B-17]', async () => {
  for (const count of [1, 2]) {
    const { cluster, others } = await three(0xb17, { ...quorum, synchronous_node_count: count });
    const [left, tagged] = others;
    assert.equal(await asked(cluster, tagged, 'GET', '/quorum'), 200);
    const retag = async (tags: Readonly<Record<string, unknown>>): Promise<void> => {
      cluster.node(tagged).edit((file) => ({ ...file, tags: readTags(tags, assert.fail) }));
      assert.equal(await asked(cluster, tagged, 'POST', '/reload'), 202);
    };
    await retag({ nosync: true });
    await comesTo(cluster, `0(${left}) ANY 1 (${left})`);
    assert.deepEqual(
      [await asked(cluster, tagged, 'GET', '/quorum'), await asked(cluster, left, 'GET', '/quorum')],
      [503, 200],
    );
    assert.equal(await asked(cluster, tagged, 'GET', '/async'), 200);
    await retag({});
    const both = [...others].sort().join(',');
    await comesTo(cluster, `${2 - count}(${both}) ANY ${count} (${both})`);
    await ends(cluster, 0);
  }
});
