import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ends, jobsOf, keyOf, leadsElsewhere, moveTo, three } from './stage.ts';

/** What is done on a data directory, one thing at a time, and what is kept for those who come back. */

const brings = ['startStandby', 'startPrimary', 'restart', 'follow', 'crashRecovery'];

test('a fresh copy is asked for, twice, while the standby crashes: nothing starts in the middle of the copy [lesson 103]', async () => {
  for (const delayMs of [0, 50, 400]) {
    const { cluster, leader, others } = await three(561 + delayMs);
    const [standby] = others;
    const fromMs = cluster.engine.now();
    cluster.postgresWorld.tuning.baseBackupMs = [4000, 4000];
    cluster.postgres(standby).kill();
    await cluster.run(delayMs);
    for (let times = 0; times < 2; times++) {
      void cluster.ask(standby, 'POST', '/reinitialize', '{"force": true}');
      await cluster.run(300);
    }
    void cluster.ask(standby, 'POST', '/restart', '{}');
    await cluster.run(2000);
    cluster.postgres(standby).kill();
    await ends(cluster);
    const jobs = jobsOf(cluster, standby, fromMs);
    const copies = jobs.filter(({ job }) => job === 'clone');
    assert.ok(copies.length > 0);
    for (const copy of copies)
      for (const other of jobs)
        if (brings.includes(other.job))
          assert.ok(other.endedMs <= copy.beganMs || other.beganMs >= copy.endedMs, `${other.step} within a copy`);
    assert.equal(cluster.primary(), leader);
    cluster.postgresWorld.tuning.baseBackupMs = [500, 2500];
  }
});

test('the machine of the former leader is away for long: its slot is kept on whoever leads, and on the next one [lesson 81]', async () => {
  const { cluster, leader, others } = await three(565);
  cluster.powerOff(leader);
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 60_000 });
  await cluster.until(() => keyOf(cluster, `members/${leader}`) === null, { withinMs: 180_000 });
  await cluster.run(60_000);
  const slotOn = (name: string) => cluster.server(name)?.dir.slots().get(leader);
  const second = cluster.primary() ?? '';
  assert.notEqual(slotOn(second), undefined);
  const [third] = others.filter((name) => name !== second);
  await moveTo(cluster, second, third ?? '');
  await cluster.run(30_000);
  assert.notEqual(slotOn(third ?? ''), undefined);
  cluster.powerOn(leader);
  await ends(cluster);
});
