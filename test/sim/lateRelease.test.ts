import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SimulatedCluster } from '../../src/sim/cluster.ts';
import { ends, keyOf, othersThan, three } from '../scenarios/stage.ts';

/**
 * The leader key is given away, the answer never comes, and the request lies in a member of etcd that is frozen. Whoever starts a primary
 * over that has the key go from under it when the member goes on, with the word that its server is down.
 */

interface Held {
  /** How many releases lie there. */
  count(): number;
  /** From now on they go their way. */
  letGo(): void;
}

/** What gives the key away is carried out so much later; nobody hears of it. */
function holdReleases({ engine, etcd }: SimulatedCluster, lateMs: number, landing = (): void => {}): Held {
  const { server } = etcd;
  const handle = server.handle.bind(server);
  let count = 0;
  let holds = true;
  const held: typeof server.handle = (member, call, ask, reply) => {
    const isRelease = call === 'txn' && JSON.stringify(ask, (_, value) => (typeof value === 'bigint' ? '' : value));
    if (!holds || typeof isRelease !== 'string' || !isRelease.includes('"op":"delete","key":"/service/sim/leader"'))
      return handle(member, call, ask, reply);
    count += 1;
    engine.after(lateMs, () => {
      landing();
      handle(etcd.raft.leader() ?? member, call, ask, () => {});
    });
    return undefined;
  };
  server.handle = held;
  return {
    count: () => count,
    letGo: () => {
      holds = false;
    },
  };
}

/** For so long never two that accept writes. */
async function neverTwo(cluster: SimulatedCluster, forMs: number): Promise<void> {
  const endMs = cluster.engine.now() + forMs;
  while (cluster.engine.now() < endMs) {
    await cluster.run(100);
    assert.ok(cluster.primaries().length < 2, `${cluster.primaries()} at ${cluster.engine.now()}`);
  }
}

for (const etcdGoes of [false, true])
  test(`the agent ends in a switchover, right after it gave the key away, and begins anew${etcdGoes ? '; its etcd goes, too' : ''}`, async () => {
    const { cluster, leader } = await three(0x7d3, { failsafe_mode: etcdGoes });
    const [candidate, other] = othersThan(leader);
    const release = holdReleases(cluster, 14_000, () => {
      // Nobody hears the old one when the key goes.
      cluster.etcd.shutOut.add(leader);
      for (const one of [candidate, other]) {
        cluster.network.cut(leader, one);
        cluster.network.cut(one, leader);
      }
    });
    void cluster.ask(leader, 'POST', '/switchover', JSON.stringify({ leader, candidate }));
    await cluster.until(() => release.count() > 0, { withinMs: 20_000 });
    cluster.agent(leader).kill({ restartAfterMs: 1_000 });
    if (etcdGoes) cluster.etcd.shutOut.add(leader);
    await cluster.run(500);
    release.letGo();
    if (etcdGoes) await neverTwo(cluster, 13_000);
    else {
      await cluster.until(() => cluster.primary() === leader, { withinMs: 13_000 });
      assert.equal(keyOf(cluster, 'leader'), leader, 'it has called that off, and leads again');
    }
    await neverTwo(cluster, 40_000);
    cluster.etcd.shutOut.clear();
    await ends(cluster);
  });
