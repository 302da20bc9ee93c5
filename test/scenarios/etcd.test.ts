import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EtcdServer } from '../../src/sim/etcd/server.ts';
import { etcdctlDelete } from '../../src/sim/etcdctl.ts';
import { ends, jobsOf, keyOf, leadsElsewhere, members, pause, three } from './stage.ts';

/** What etcd does to those who trust it. */

test('renewals end in errors that nobody has thought of: they count as none, and the primary stops in time [lesson 2]', async () => {
  const { cluster, leader } = await three(521);
  const { server } = cluster.etcd;
  const { handle } = server;
  const codes = [2, 13, 15, 4711];
  let answered = 0;
  const broken: EtcdServer['handle'] = (member, call, ask, reply) =>
    handle(member, call, ask, (answer) => {
      const code = codes[answered++ % codes.length] ?? 0;
      reply(call === 'leaseKeepAlive' ? { kind: 'error', code, message: 'nobody knows this text' } : answer);
    });
  server.handle = broken;
  cluster.guardian(leader).freeze(); // what must act here is the loop
  await cluster.until(() => cluster.server(leader)?.inRecovery !== false, { withinMs: 26_000 });
  assert.ok(cluster.rulesOf(leader).includes('lease.runningOut'), cluster.rulesOf(leader).join());
  server.handle = handle;
  cluster.guardian(leader).thaw();
  await ends(cluster);
});

/** Such a read says "you lead" for ever. */
test('a member that is cut off goes on answering reads from what it knew: without a write nobody stays primary [lesson 3]', async () => {
  const { cluster, leader } = await three(522);
  const { server, store } = cluster.etcd;
  const { handle } = server;
  const old = store.revision();
  const stale: EtcdServer['handle'] = (member, call, ask, reply) => {
    if (member.host !== leader || call !== 'range') return handle(member, call, ask, reply);
    const { key, rangeEnd } = ask as Parameters<typeof handle<'range'>>[2];
    const found = store.range(key, rangeEnd, old);
    const kvs = found.kind === 'kvs' ? found.kvs : [];
    const answer = { kind: 'answered', header: { ...server.header(member), revision: old }, answer: { kvs } };
    return reply(answer as Parameters<typeof reply>[0]);
  };
  server.handle = stale;
  cluster.network.isolate(leader);
  await cluster.until(() => !cluster.primaries().includes(leader), { withinMs: 26_000 });
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 20_000 });
  await cluster.run(20_000);
  assert.notEqual(cluster.server(leader)?.inRecovery, false);
  server.handle = handle;
  await ends(cluster);
});

test('etcd fails in one way after another while the primary stops, slowly: one stop, to its end, and then a standby [lesson 28]', async () => {
  const { cluster, leader } = await three(523);
  const fromMs = cluster.engine.now();
  cluster.postgresWorld.tuning.stopMs = [2500, 2500];
  for (const name of members) cluster.etcd.kill(name); // refused at once: the loop comes by again and again
  await cluster.until(() => cluster.server(leader)?.phase === 'stopping', { withinMs: 26_000 });
  for (const fail of ['start', 'freeze', 'thaw', 'kill'] as const) {
    cluster.etcd[fail](leader);
    await cluster.run(200);
  }
  await cluster.until(() => cluster.server(leader)?.inRecovery === true, { withinMs: 20_000 });
  const stops = jobsOf(cluster, leader, fromMs).filter(({ job }) => job === 'stop');
  assert.deepEqual(
    stops.map(({ outcome }) => outcome),
    ['done'],
  );
  for (const name of members) cluster.etcd.start(name);
  await ends(cluster);
});

test('the configuration is deleted while the cluster is paused: it stays paused, and the key is written again [lesson 29]', async () => {
  const { cluster, leader, others } = await three(524);
  const [standby] = others;
  await pause(cluster);
  cluster.node(standby).signal('postgres', 'INT');
  await cluster.until(() => cluster.server(standby) === null, { withinMs: 10_000 });
  cluster.agent(leader).freeze(); // whoever would write it again says nothing for a while
  assert.ok(etcdctlDelete(cluster, 'config'));
  await cluster.run(15_000);
  assert.equal(keyOf(cluster, 'config'), null);
  assert.equal(cluster.server(standby), null, 'what people stopped stays stopped');
  cluster.agent(leader).thaw();
  await cluster.until(() => keyOf(cluster, 'config') !== null, { withinMs: 15_000 });
  assert.equal(JSON.parse(keyOf(cluster, 'config') ?? '{}').pause, true);
  await cluster.run(15_000);
  assert.equal(cluster.server(standby), null);
  assert.equal(cluster.primary(), leader);
  await pause(cluster, false);
  await cluster.untilSteady();
});

test('all of etcd is wiped while the primary is down: no standby says who the cluster is, the primary does [lesson 30]', async () => {
  const { cluster, leader, others } = await three(525);
  const wiped = [
    'initialize',
    'leader',
    'config',
    'status',
    'history',
    'timeline',
    ...members.map((n) => `members/${n}`),
  ];
  const identity = keyOf(cluster, 'initialize');
  cluster.agent(leader).kill({ restartAfterMs: null });
  cluster.postgres(leader).kill();
  await cluster.run(100);
  assert.ok(etcdctlDelete(cluster, ...wiped));
  await cluster.run(90_000);
  assert.equal(keyOf(cluster, 'initialize'), null);
  assert.deepEqual(cluster.primaries(), []);
  for (const other of others) assert.ok(cluster.rulesOf(other).includes('cluster.identity'), other);
  cluster.agent(leader).start();
  await cluster.until(() => keyOf(cluster, 'initialize') === identity, { withinMs: 60_000 });
  await ends(cluster);
});

/** A look that begins just before the clients must go may not take its usual time. [seed 0x111ea] */
test('etcd stops answering, whenever that is: the primary decides to stop while there is all the time that a stop may need', async () => {
  const { cluster } = await three(524);
  for (let i = 0; i < 12; i += 1) {
    const leader = cluster.primary() ?? '';
    for (const name of members) cluster.etcd.freeze(name); // each question hangs
    cluster.mark();
    await cluster.until(() => cluster.rulesOf(leader).includes('lease.runningOut'), { withinMs: 26_000 });
    const decided = cluster.journal(leader).findLast((entry) => entry.kind === 'decided');
    const leftMs = decided?.kind === 'decided' ? Number(decided.seen.leaseLeftMs) : 0;
    assert.ok(leftMs > 4_700, `a stop may need 5000 ms, and ${leftMs} are left`);
    for (const name of members) cluster.etcd.thaw(name);
    await cluster.untilSteady();
    await cluster.run(20_000 + 83 * i);
  }
  await ends(cluster);
});
