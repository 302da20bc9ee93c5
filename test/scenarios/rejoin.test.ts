import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ends, jobsOf, keyOf, leadsElsewhere, moveTo, three } from './stage.ts';

/** A former primary, or a standby that was away, comes back: on which history? */

/** pg_rewind goes by the control file of its source: before the checkpoint that one says "nothing happened". */
test('a former primary is back before the checkpoint of the new one: its rewind waits for that [lesson 49]', async () => {
  const { cluster, leader } = await three(581);
  cluster.network.isolate(leader);
  await cluster.until(() => cluster.primaries().length === 0, { withinMs: 30_000 });
  cluster.postgresWorld.tuning.checkpointMs = [20_000, 20_000];
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 30_000 });
  const second = cluster.primary() ?? '';
  const promotedMs = cluster.engine.now();
  cluster.network.heal();
  await cluster.until(() => jobsOf(cluster, leader, promotedMs).some(({ job }) => job === 'rewind'), {
    withinMs: 60_000,
  });
  const checkpoint = jobsOf(cluster, second, promotedMs - 1000).find(({ job }) => job === 'checkpoint');
  const rewinds = jobsOf(cluster, leader, promotedMs).filter(({ job }) => job === 'rewind');
  assert.ok(checkpoint !== undefined && checkpoint.endedMs - checkpoint.beganMs > 15_000);
  assert.ok(rewinds.every(({ beganMs }) => beganMs > checkpoint.endedMs));
  cluster.postgresWorld.tuning.checkpointMs = [30, 300];
  await ends(cluster);
});

test('a node leads a second time: the checkpoint of its first reign says nothing about this one [lesson 50]', async () => {
  const { cluster, leader, others } = await three(582);
  const [second] = others;
  const tells = (name: string): unknown =>
    JSON.parse(keyOf(cluster, `members/${name}`) ?? '{}').checkpoint_after_promote;
  await moveTo(cluster, leader, second);
  await cluster.untilSteady();
  await cluster.run(10_000);
  await moveTo(cluster, second, leader);
  await cluster.untilSteady();
  await cluster.run(10_000);
  assert.notEqual(tells(leader), false);
  await moveTo(cluster, leader, second);
  await cluster.untilSteady();
  await cluster.run(5000);
  void cluster.ask(leader, 'POST', '/switchover', JSON.stringify({ leader: second, candidate: leader }));
  await cluster.until(() => cluster.primaries().length === 0, { withinMs: 15_000 });
  cluster.postgresWorld.tuning.checkpointMs = [20_000, 20_000];
  await cluster.until(() => cluster.primary() === leader, { withinMs: 15_000 });
  await cluster.run(500);
  const seen: unknown[] = [];
  for (let times = 0; times < 15; times++) {
    seen.push(tells(leader));
    await cluster.run(1000);
  }
  assert.deepEqual([...new Set(seen)], [false]);
  cluster.postgresWorld.tuning.checkpointMs = [30, 300];
  await cluster.run(20_000);
  assert.notEqual(tells(leader), false);
  await ends(cluster, 0);
});

/** Half promoted it would say "the same timeline as yours". */
test('the new leader takes long over its promotion: no history is compared with its own before it is a primary [lesson 51]', async () => {
  const { cluster, leader } = await three(583);
  cluster.network.isolate(leader);
  await cluster.until(() => cluster.primaries().length === 0, { withinMs: 30_000 });
  cluster.postgresWorld.tuning.promoteMs = [12_000, 12_000];
  const second = (): string => keyOf(cluster, 'leader') ?? leader;
  await cluster.until(() => second() !== leader, { withinMs: 30_000 });
  const fromMs = cluster.engine.now();
  cluster.network.heal();
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 30_000 });
  const promotedMs = cluster.engine.now();
  assert.ok(promotedMs - fromMs > 10_000);
  const judged = cluster
    .journal(leader)
    .filter((one) => one.kind === 'job' && one.job === 'checkDivergence' && one.outcome === 'done')
    .filter((one) => cluster.node(leader).machine.clock.trueMs(one.atMs) > fromMs);
  for (const one of judged)
    assert.ok(one.kind === 'job' && one.because.some(([name, value]) => name === 'divergence' && value === 'unknown'));
  assert.ok(judged.length > 0, 'it was asked');
  await ends(cluster);
});

/** Its shutdown checkpoint is the last that both have: a position behind it, and nothing is lost. */
test('after a switchover the former primary has not diverged, and with leave to wipe it nothing is wiped [lesson 53]', async () => {
  const parameters = { wal_level: 'replica', hot_standby: 'on', wal_log_hints: 'on' };
  const postgresql = {
    use_pg_rewind: false,
    use_slots: true,
    parameters,
    remove_data_directory_on_diverged_timelines: true,
    remove_data_directory_on_rewind_failure: true,
  };
  const { cluster, leader, others } = await three(584, { postgresql });
  for (const [from, to] of [
    [leader, others[0]],
    [others[0], others[1]],
    [others[1], leader],
  ] as const) {
    const fromMs = cluster.engine.now();
    await moveTo(cluster, from, to);
    await cluster.untilSteady();
    await cluster.run(10_000);
    const jobs = jobsOf(cluster, from, fromMs).map(({ job }) => job);
    assert.ok(jobs.includes('checkDivergence') && !jobs.includes('removeData') && !jobs.includes('clone'), jobs.join());
  }
  await ends(cluster, 0);
});

test('the source of a rewind loses its power half way: the torn data is never started [lesson 55]', async () => {
  const { cluster, leader } = await three(585);
  cluster.network.isolate(leader);
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 60_000 });
  await cluster.run(10_000);
  cluster.postgresWorld.tuning.rewindMs = [5000, 5000];
  const fromMs = cluster.engine.now();
  cluster.network.heal();
  const rewinds = () => jobsOf(cluster, leader, fromMs).filter(({ job }) => job === 'rewind');
  await cluster.until(() => rewinds().length > 0, { withinMs: 60_000 });
  await cluster.run(2500);
  const source = cluster.primary() ?? '';
  cluster.powerOff(source);
  cluster.postgres(source).kill();
  await cluster.until(() => rewinds()[0]?.outcome === 'failed', { withinMs: 60_000 });
  const failedMs = rewinds()[0]?.endedMs ?? 0;
  cluster.postgresWorld.tuning.rewindMs = [200, 900];
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 60_000 });
  await cluster.run(20_000);
  cluster.powerOn(source);
  await ends(cluster);
  const after = jobsOf(cluster, leader, failedMs).map(({ job, outcome }) => `${job} ${outcome}`);
  const copied = after.findIndex((one) => one === 'clone done' || one === 'rewind done');
  const started = after.findIndex((one) => one.startsWith('start'));
  assert.ok(copied >= 0 && started > copied, after.join(', '));
});

/** Its address is what it was, its history is not. */
test('the same node leads again on another timeline while a standby is away: that one is compared all the same [lesson 59]', async () => {
  const { cluster, leader, others } = await three(586);
  const [second, away] = others;
  cluster.postgresWorld.tuning.crashRecoveryMs = [2000, 2000];
  cluster.postgres(second).kill();
  await cluster.run(1500); // it lags by a few rows that the other has
  cluster.network.isolate(away);
  cluster.agent(leader).kill({ restartAfterMs: null });
  cluster.postgres(leader).kill();
  await cluster.until(() => cluster.primary() === second, { withinMs: 60_000 });
  await cluster.run(10_000);
  cluster.agent(leader).start();
  await cluster.until(() => cluster.server(leader)?.receiver?.status === 'streaming', { withinMs: 60_000 });
  await cluster.run(15_000);
  await moveTo(cluster, second, leader);
  await cluster.run(15_000);
  const fromMs = cluster.engine.now();
  const upstream = cluster.server(away)?.conf.get('primary_conninfo');
  cluster.network.heal();
  await ends(cluster);
  assert.equal(cluster.primary(), leader);
  assert.equal(cluster.server(away)?.conf.get('primary_conninfo'), upstream);
  assert.ok(jobsOf(cluster, away, fromMs).some(({ job, outcome }) => job === 'rewind' && outcome === 'done'));
});
