import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asked, dataDir, ends, keyOf, leadsElsewhere, members, revokeLeaseOf, three } from './stage.ts';

/** Who may be primary, and whoever thinks it is. */

/** The answers are what is cached, the right is what is counted. */
test('the server answers nobody while etcd is away: taken for the primary that it was, it is stopped in time [lesson 4]', async () => {
  const { cluster, leader, others } = await three(501);
  cluster.node(leader).signal('postgres', 'STOP');
  cluster.agent(leader).kill(); // and with it the session that it had
  await cluster.run(3000);
  cluster.network.isolate(leader);
  cluster.guardian(leader).freeze(); // it would do the same, a moment later
  await cluster.until(() => cluster.server(leader) === null, { withinMs: 26_000 });
  assert.ok(cluster.rulesOf(leader).includes('lease.runningOut'), cluster.rulesOf(leader).join());
  assert.deepEqual(cluster.primaries(), []);
  await cluster.until(() => others.includes(cluster.primary() ?? ''), { withinMs: 20_000 });
  cluster.guardian(leader).thaw();
  await ends(cluster);
});

test('the server of the leader answers nobody for a while: slow is not dead, and nobody is demoted or promoted [lesson 5]', async () => {
  // For longer than primary_health_timeout that is so where it is only to be told.
  await answersNobody({}, 20_000);
  await answersNobody({ primary_health: 'report' }, 60_000);
});

async function answersNobody(settings: Readonly<Record<string, unknown>>, forMs: number): Promise<void> {
  const { cluster, leader } = await three(502, settings);
  const before = cluster.server(leader);
  cluster.node(leader).signal('postgres', 'STOP');
  cluster.agent(leader).kill(); // and with it the session that it had
  await cluster.run(forMs);
  const rules = cluster.rulesOf(leader);
  assert.ok(rules.includes('leading.unresponsive') || rules.includes('primary.hung'), rules.join());
  cluster.node(leader).signal('postgres', 'CONT');
  await cluster.run(5000);
  assert.equal(cluster.server(leader), before);
  assert.equal(cluster.timeline(), 1);
  await ends(cluster, 0);
}

/** A backend at work may outlive its postmaster, and acknowledge what no promoted standby will ever have. */
test('the postmaster dies with its agent, and a backend lives on: the guard stays until the last of them is gone [lesson 6]', async () => {
  const { cluster, leader } = await three(503);
  cluster.postgresWorld.tuning.orphanMs = [300_000, 300_000];
  cluster.agent(leader).kill({ restartAfterMs: null });
  cluster.postgres(leader).kill();
  const left = (): number =>
    cluster
      .node(leader)
      .machine.processes.all()
      .filter((one) => one.cwd() === dataDir).length;
  await cluster.run(1000);
  assert.ok(left() > 0);
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 40_000 });
  assert.equal(left(), 0);
  cluster.postgresWorld.tuning.orphanMs = [0, 8];
  cluster.agent(leader).start();
  await ends(cluster);
});

test('cut off from etcd, REST says primary as long as the lease lasts, and not by the role of the server [lesson 7]', async () => {
  const { cluster, leader } = await three(504);
  const primaries = async (): Promise<readonly string[]> => {
    const found: string[] = [];
    for (const name of members) if ((await asked(cluster, name, 'GET', '/primary')) === 200) found.push(name);
    return found;
  };
  assert.deepEqual(await primaries(), [leader]);
  // A stop that takes a while: the server is a primary as before, and its clients go elsewhere.
  cluster.postgresWorld.tuning.stopMs = [3000, 3000];
  cluster.network.isolate(leader);
  for (let tries = 0; cluster.server(leader)?.phase !== 'stopping'; tries++) {
    assert.ok(tries < 300, 'it stops');
    assert.deepEqual(await primaries(), [leader]);
    await cluster.run(100);
  }
  assert.equal(cluster.server(leader)?.inRecovery, false);
  while (cluster.server(leader)?.inRecovery === false) {
    assert.notEqual(await asked(cluster, leader, 'GET', '/primary'), 200);
    await cluster.run(100);
  }
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 30_000 });
  await cluster.run(1000);
  assert.deepEqual(await primaries(), [cluster.primary()]);
  cluster.postgresWorld.tuning.stopMs = [20, 150];
  await ends(cluster);
});

test('the data directory goes under the running primary: its server is ended before the key goes, then it is copied anew [lesson 11]', async () => {
  const { cluster, leader } = await three(505);
  cluster.node(leader).machine.disk.remove(dataDir);
  const server = cluster.server(leader);
  await cluster.until(() => keyOf(cluster, 'leader') !== leader, { withinMs: 60_000 });
  assert.notEqual(server?.postmaster.state(), 'running');
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 30_000 });
  await ends(cluster);
});

test('the data directory of the primary cannot be read any more: its server is ended, then the key goes, and nothing is touched [lesson 12]', async () => {
  const { cluster, leader } = await three(506);
  const { disk } = cluster.node(leader).machine;
  const { get, names } = disk;
  const broken = (path: string): boolean => path.startsWith(dataDir);
  const onDisk = disk.tree(dataDir).length;
  // As the simulated files tell of an error: a file that is a folder, a folder without a list.
  disk.get = (path) => (broken(path) ? { kind: 'directory', mode: 0o700, wallMs: 0 } : get(path));
  disk.names = (path) => (broken(path) ? null : names(path));
  const server = cluster.server(leader);
  await cluster.until(() => keyOf(cluster, 'leader') !== leader, { withinMs: 60_000 });
  assert.notEqual(server?.postmaster.state(), 'running');
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 30_000 });
  await cluster.run(30_000);
  assert.ok(disk.tree(dataDir).length >= onDisk - 1, 'all but postmaster.pid');
  Object.assign(disk, { get, names });
  await ends(cluster);
});

/** Every lease of a node ends with its way to etcd, where that is what keeps them; the server goes on. */
test('the leases of the primary are gone while it lives: the others ask it first, and it leads on [lesson 21]', async () => {
  const { cluster, leader } = await three(507);
  const before = cluster.server(leader);
  cluster.node(leader).machine.diskHangs = true; // its loop hears of nothing for a second; its REST API answers
  await cluster.run(100);
  for (const key of ['leader', `members/${leader}`]) revokeLeaseOf(cluster, key);
  await cluster.run(800);
  assert.equal(keyOf(cluster, 'leader'), null);
  cluster.node(leader).machine.diskHangs = false;
  await cluster.until(() => keyOf(cluster, 'leader') !== null, { withinMs: 5000 });
  assert.equal(keyOf(cluster, 'leader'), leader);
  await cluster.run(10_000);
  assert.equal(cluster.server(leader), before);
  assert.equal(cluster.timeline(), 1);
  // etcd ends no lease early by itself: what was written in between had no right, and no rival.
  assert.deepEqual(
    cluster.violations(0).filter(({ law }) => law !== 4),
    [],
  );
});

/** Found by seed 0xc369: the sentinel went with its postmaster, and nobody was left for the backend. */
test('agent and guardian freeze, and after the deadline somebody kills the postmaster: a busy backend does not outlive the right', async () => {
  const { cluster, leader } = await three(531, { ttl: 30, loop_wait: 10, retry_timeout: 10 });
  cluster.postgresWorld.tuning.orphanMs = [60_000, 60_000];
  const deadlineMs = cluster.node(leader).handles()?.fenceDeadlineMs() ?? 0;
  const endMs = cluster.node(leader).machine.clock.trueMs(deadlineMs);
  cluster.agent(leader).freeze();
  cluster.guardian(leader).freeze();
  await cluster.run(endMs + 1000 - cluster.engine.now());
  cluster.postgres(leader).kill();
  await cluster.run(60_000);
  assert.deepEqual(cluster.violations(), []);
  cluster.guardian(leader).thaw();
  cluster.agent(leader).thaw();
  cluster.postgresWorld.tuning.orphanMs = [0, 8];
  await ends(cluster);
});
