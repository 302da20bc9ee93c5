import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readIncident } from '../../src/codec/incident.ts';
import type { Incident } from '../../src/model/incident.ts';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';
import { places } from '../../src/sim/settings.ts';

/** What is left of a change of role, on the disk of each node that took part. */

const folder = `${places.stateDir}/incidents`;

function filesOf(cluster: SimulatedCluster, name: string): readonly Incident[] {
  const { disk } = cluster.node(name).machine;
  return (disk.names(folder) ?? [])
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const node = disk.get(`${folder}/${file}`);
      const incident = node?.kind === 'file' ? readIncident(node.text) : null;
      if (incident === null) assert.fail(`${name}: ${file} is no incident`);
      assert.equal(`${incident.id}.json`, file);
      assert.ok(!JSON.stringify(incident).includes('secret'), 'the password of every simulated login');
      return incident;
    });
}
const lastOf = (cluster: SimulatedCluster, name: string): Incident => {
  const last = filesOf(cluster, name).at(-1);
  return last ?? assert.fail(`${name} has no incident`);
};
const after = ({ phases }: Incident, wanted: string): number =>
  phases.find(({ phase }) => phase === wanted)?.afterMs ?? assert.fail(`no ${wanted} in ${JSON.stringify(phases)}`);
const jobs = (incident: Incident): string => incident.jobs.map(({ job, outcome }) => `${job}:${outcome}`).join(', ');

async function three(seed: number): Promise<{ cluster: SimulatedCluster; leader: string; others: readonly string[] }> {
  const cluster = await simulate({ members: ['n1', 'n2', 'n3'], seed }).untilSteady();
  await cluster.run(20_000);
  const leader = cluster.primary() ?? assert.fail('there is no one primary');
  return { cluster, leader, others: ['n1', 'n2', 'n3'].filter((name) => name !== leader) };
}

test('a power cut: the winner tells its promotion by phases, the other what it saw, the old primary how it was repaired', async () => {
  const { cluster, leader, others } = await three(8);
  cluster.powerOff(leader);
  await cluster.until(() => cluster.primary() !== null, { withinMs: 60_000 });
  const winner = cluster.primary() ?? '';
  await cluster.run(5_000);
  cluster.powerOn(leader);
  await cluster.untilSteady();
  await cluster.run(3_000);

  const won = lastOf(cluster, winner);
  assert.deepEqual([won.kind, won.state, won.leader], ['promotion', 'closed', { before: leader, after: winner }]);
  assert.deepEqual(won.timeline, { before: 1, after: 2 });
  assert.ok(after(won, 'leaderGone') <= after(won, 'keyMine') && after(won, 'keyMine') <= after(won, 'writable'));
  assert.equal(won.trigger, `leader: ${leader} -> -`);
  assert.equal(won.before?.rule, 'standby.following');
  assert.ok(won.decisions.some(({ rule, because }) => rule === 'race.acquire' && because.length > 0));
  assert.equal(won.atRisk?.how, 'of what the old leader had told; what it wrote after that is not known here');

  const saw = lastOf(cluster, others.find((name) => name !== winner) ?? '');
  assert.deepEqual([saw.kind, saw.state, saw.leader.after, saw.atRisk], ['failover', 'closed', winner, null]);

  const back = lastOf(cluster, leader);
  assert.deepEqual([back.kind, back.state], ['repair', 'closed']);
  assert.match(jobs(back), /crashRecovery:done.*rewind from n\d:done/);
  assert.equal(back.atRisk?.atMost, true);
  assert.match(back.atRisk?.how ?? '', /^of WAL here beyond where the histories part/);
});

test('a crashed primary that comes up in place is a restart, not a change of leader', async () => {
  const { cluster, leader } = await three(7);
  cluster.postgres(leader).kill('SIGKILL');
  await cluster.until(() => cluster.primary() === leader, { withinMs: 30_000 });
  await cluster.run(3_000);
  const incident = lastOf(cluster, leader);
  assert.deepEqual(
    [incident.kind, incident.state, incident.leader],
    ['restart', 'closed', { before: leader, after: leader }],
  );
  assert.ok(after(incident, 'writable') > after(incident, 'stopped'));
  assert.match(jobs(incident), /startPrimary:done/);
});

test('a primary that dies together with its agent, and is back before its lease ends, is a restart as well', async () => {
  const { cluster, leader } = await three(7);
  const { length } = filesOf(cluster, leader);
  cluster.agent(leader).kill({ restartAfterMs: 1_500 });
  cluster.postgres(leader).kill('SIGKILL');
  await cluster.run(1_000);
  await cluster.until(() => cluster.primary() === leader, { withinMs: 30_000 });
  await cluster.run(3_000);
  const [incident, ...more] = filesOf(cluster, leader).slice(length);
  if (incident === undefined) assert.fail('there is no incident');
  assert.deepEqual(more, []);
  assert.deepEqual(
    [incident.kind, incident.state, incident.leader, incident.timeline],
    ['restart', 'closed', { before: leader, after: leader }, { before: 1, after: 1 }],
  );
  assert.equal(incident.decisions[0]?.rule, 'primary.crashed');
  assert.match(jobs(incident), /startPrimary:done/);
  assert.ok(after(incident, 'writable') > 100 && (incident.tookMs ?? 0) > 100, 'from when the agent found it down');
});

test('a primary that is cut off is fenced, and what it wrote beyond the fork is measured', async () => {
  const { cluster, leader } = await three(9);
  cluster.network.isolate(leader);
  await cluster.until(() => cluster.primary() !== null && cluster.primary() !== leader, { withinMs: 60_000 });
  await cluster.run(5_000);
  cluster.network.heal();
  await cluster.untilSteady();
  await cluster.run(3_000);
  const incident = lastOf(cluster, leader);
  assert.deepEqual([incident.kind, incident.state, incident.leader.after], ['fence', 'closed', cluster.primary()]);
  assert.equal(incident.trigger, 'stop fast: the lease is running out');
  assert.equal(incident.decisions[0]?.rule, 'lease.runningOut');
  assert.match(jobs(incident), /^stop fast: the lease is running out:done/);
  assert.ok((incident.atRisk?.bytes ?? 0) > 0, JSON.stringify(incident.atRisk));
  assert.equal(typeof incident.atRisk?.transactions, 'number', JSON.stringify(incident.atRisk));
  assert.ok(incident.evidence.length <= 60);
});

test('a switchover: one steps down in order, one is promoted; nothing is at risk', async () => {
  const { cluster, leader, others } = await three(11);
  const [candidate = ''] = others;
  void cluster.ask(leader, 'POST', '/switchover', JSON.stringify({ leader, candidate }));
  await cluster.until(() => cluster.primary() === candidate, { withinMs: 60_000 });
  await cluster.untilSteady();
  await cluster.run(3_000);
  const down = lastOf(cluster, leader);
  assert.deepEqual([down.kind, down.state, down.trigger], ['demotion', 'closed', 'stop fast: switchover']);
  assert.deepEqual(down.leader, { before: leader, after: candidate });
  const up = lastOf(cluster, candidate);
  assert.deepEqual([up.kind, up.state, up.atRisk?.bytes], ['promotion', 'closed', 0]);
});

test('an agent that is killed in the midst of a promotion leaves the record as far as it got, and says so later', async () => {
  const { cluster, leader, others } = await three(12);
  cluster.powerOff(leader);
  await cluster.until(() => others.some((name) => cluster.primary() === name), { withinMs: 60_000 });
  const winner = cluster.primary() ?? '';
  // Out of recovery, and the checkpoint after it is not over: the incident is open on the disk.
  await cluster.until(() => filesOf(cluster, winner).at(-1)?.state === 'open', { withinMs: 5_000 });
  cluster.agent(winner).kill({ restartAfterMs: 5_000 });
  await cluster.run(2_000);
  const { id, state } = lastOf(cluster, winner);
  assert.equal(state, 'open');
  await cluster.run(20_000);
  assert.equal(filesOf(cluster, winner).find((one) => one.id === id)?.state, 'cutShort');
});

test('what the guardian did while no agent was there is told by the next one, once', async () => {
  const { cluster, leader } = await three(14);
  cluster.agent(leader).kill({ restartAfterMs: null });
  await cluster.until(() => cluster.primary() !== null && cluster.primary() !== leader, { withinMs: 60_000 });
  await cluster.run(5_000);
  const fences = (): readonly Incident[] => filesOf(cluster, leader).filter(({ kind }) => kind === 'fence');
  assert.deepEqual(fences(), []);
  for (const _time of [1, 2]) {
    cluster.agent(leader).start();
    await cluster.untilSteady();
    await cluster.run(5_000);
    assert.deepEqual(
      fences().map(({ state, trigger }) => [state, trigger]),
      [['closed', 'the guardian, without an agent: the deadline has passed']],
    );
    cluster.agent(leader).kill({ restartAfterMs: null });
    await cluster.run(1_000);
  }
});
