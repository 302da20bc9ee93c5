import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Acts, actsOn } from './acts.ts';
import { makeStage, type Stage, sleep } from './stage.ts';

/** Cables pulled, and etcd in trouble. One lab, one accident after the other. */
const ttlMs = 6_000;
let stage: Stage;
let acts: Acts;
before(async () => {
  stage = await makeStage({ ttlS: ttlMs / 1_000 });
  acts = actsOn(stage);
});
after(() => stage?.end());

/** No longer than a renewal may take: what clients of PostgreSQL would notice shows as a gap between acknowledged writes. */
function longestGapMs(node: string, sinceMs: number): number {
  const times = stage
    .acknowledged()
    .filter((write) => write.node === node && (write.serverMs ?? 0) >= sinceMs)
    .map((write) => write.serverMs ?? 0);
  return times.slice(1).reduce((longest, at, index) => Math.max(longest, at - (times[index] ?? at)), 0);
}

test('the cable of the primary is pulled: it stops taking writes, another takes over; healed, it streams', async () => {
  const leader = await stage.healthy();
  await stage.lab.node(leader).cut();
  await acts.writesStopped(leader, ttlMs + 500);
  await acts.takenOverFrom(leader, 4 * ttlMs, () => stage.lab.node(leader).heal());
  await acts.lawful();
});

test('the cable of a replica is pulled: writes go on; healed, it streams', async () => {
  const leader = await stage.healthy();
  const [replica = ''] = await stage.standbys();
  const sinceMs = Date.now();
  await stage.lab.node(replica).cut();
  await sleep(ttlMs + 1_000);
  await stage.lab.node(replica).heal();
  await acts.rowArrives();
  assert.equal(await stage.healthy(), leader);
  assert.ok(longestGapMs(leader, sinceMs) < ttlMs / 2, `writes stood still for ${longestGapMs(leader, sinceMs)} ms`);
  await acts.lawful();
});

test('the cables of both replicas are pulled: no majority, no writes; healed, all is well again', async () => {
  const leader = await stage.healthy();
  const replicas = await stage.standbys();
  for (const name of replicas) await stage.lab.node(name).cut();
  await acts.writesStopped(leader, ttlMs + 500);
  for (const name of replicas) await stage.lab.node(name).heal();
  await acts.rowArrives();
  await acts.lawful();
});

test('one member of etcd is killed, another day frozen: clients of PostgreSQL do not notice', async () => {
  const leader = await stage.healthy();
  for (const victim of stage.lab.nodes) {
    const sinceMs = Date.now();
    await victim.freeze('etcd');
    await sleep(ttlMs);
    await victim.thaw('etcd');
    await sleep(2_000);
    await victim.kill('etcd');
    await sleep(ttlMs);
    await victim.start('etcd');
    // It votes for nobody, and nobody can do without it, until it has all that the others have: one at a time is the claim.
    await stage.until(
      async () => (await victim.exec(['etcdctl', 'endpoint', 'health'], { env: { ETCDCTL_API: '3' } })).code === 0,
      20_000,
      `etcd of ${victim.name} answers`,
    );
    assert.equal(await stage.healthy(), leader);
    const gapMs = longestGapMs(leader, sinceMs);
    assert.ok(gapMs < 1_000, `writes stood still for ${gapMs} ms when etcd of ${victim.name} was away`);
  }
  await acts.lawful();
});

const asked = async (node: string, path: string): Promise<string> =>
  (await stage.lab.node(node).exec(['curl', '-s', `http://localhost:8008${path}`])).stdout;

test('the majority of etcd is lost: all members promise not to take the place of the primary, and writes go on', async () => {
  const leader = await stage.healthy();
  const [one, two] = stage.lab.nodes;
  await stage.until(async () => /node1.*node2.*node3/.test(await asked(leader, '/failsafe')), 10_000, '/failsafe');
  const sinceMs = Date.now();
  await one?.kill('etcd');
  await two?.kill('etcd');
  await sleep(4 * ttlMs);
  assert.match(await asked(leader, '/patroni'), /"failsafe_mode_is_active": true/);
  const [replica = ''] = stage.lab.nodes.map(({ name }) => name).filter((name) => name !== leader);
  assert.match(await asked(replica, '/patroni'), /"failsafe_mode_is_active": true/);
  // /cluster is a read of etcd, which answers nobody: so each agent tells of itself, and none is taken for silent.
  const { members, toldBy } = await stage.lab.status();
  assert.equal(toldBy, null);
  assert.deepEqual(
    members.map(({ name, role, state }) => [name, role, state]),
    stage.lab.nodes.map(({ name }) => [name, ...(name === leader ? ['primary', 'running'] : ['replica', 'streaming'])]),
  );
  const health = ['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', 'http://localhost:8008/primary'];
  assert.equal((await stage.lab.node(leader).exec(health)).stdout, '200');
  // One of those who must promise is gone: the primary may not go on.
  await stage.lab.node(replica).freeze('agent');
  await acts.writesStopped(leader, ttlMs + 500);
  await stage.lab.node(replica).thaw('agent');
  await one?.start('etcd');
  await two?.start('etcd');
  await acts.rowArrives();
  const stopped = stage.acknowledged().filter((write) => write.node === leader && (write.serverMs ?? 0) >= sinceMs);
  assert.ok(stopped.length > 100, `${stopped.length} writes while etcd was away`);
  await acts.lawful();
});

test('without failsafe mode: writes stop before the lease ends; back again, they go on', async () => {
  await stage.healthy();
  await stage.ctl(stage.lab.nodes[0]?.name ?? '', ['edit-config', '--force', '--set', 'failsafe_mode=false']);
  const leader = await stage.healthy();
  const [one, two] = stage.lab.nodes;
  await stage.until(async () => !/node1/.test(await asked(leader, '/failsafe')), 10_000, 'no /failsafe');
  await one?.kill('etcd');
  await two?.kill('etcd');
  await acts.writesStopped(leader, ttlMs + 500);
  await sleep(ttlMs);
  await one?.start('etcd');
  await two?.start('etcd');
  await acts.rowArrives();
  await acts.lawful();
});
