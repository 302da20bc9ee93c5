import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LocalSettings } from '../../src/model/settings.ts';
import { type SimulateOptions, simulate } from '../../src/sim/cluster.ts';
import { asked, ends, keyOf, leadsElsewhere, members, othersThan, type Stage, three } from '../scenarios/stage.ts';
import { tagged } from './stage.ts';

/** The primary goes down: who comes after it, who never does, and who is told. */

/** As `three`, where the files of the members differ. */
async function among(files: NonNullable<SimulateOptions['files']>, seed: number): Promise<Stage> {
  const cluster = await simulate({ members, seed, files, writeEveryMs: null }).untilSteady();
  await cluster.run(15_000);
  cluster.mark();
  const leader = cluster.primary() ?? '';
  return { cluster, leader, others: othersThan(leader) };
}

test('a second agent of a name in use ends at once, and has touched nothing [B-7]', async () => {
  const files: Record<string, Partial<LocalSettings>> = {};
  const { cluster, leader, others } = await among(files, 701);
  const [twin] = others;
  const node = cluster.node(twin);
  node.restartAgentAfterMs = null;
  node.signal('agent', 'TERM');
  await cluster.until(() => node.stateOf('agent') === null, { withinMs: 20_000 });
  await cluster.run(2000);
  const before = keyOf(cluster, `members/${leader}`);
  files[twin] = { name: leader };
  const began = node.journal.length;
  node.startAgent();
  await cluster.run(10_000);
  assert.equal(node.stateOf('agent'), null);
  assert.match(JSON.stringify(node.journal.slice(began)), /alive at http:.*two agents must not bear one name/);
  assert.equal(cluster.server(twin), null, 'no server was started');
  assert.equal(cluster.primary(), leader);
  const read = (text: string | null) => (JSON.parse(text ?? '') as { conn_url: string }).conn_url;
  assert.equal(read(keyOf(cluster, `members/${leader}`)), read(before));
  delete files[twin];
  node.startAgent();
  await ends(cluster, 0);
});

test('the postmaster of the primary is killed: within seconds the same node is the primary again, on its timeline [B-9]', async () => {
  const { cluster, leader } = await three(702);
  const before = cluster.server(leader);
  const killedMs = cluster.engine.now();
  cluster.postgres(leader).kill();
  await cluster.until(
    () => cluster.primary() === leader && cluster.server(leader) !== before && cluster.writesSince(killedMs),
    { withinMs: 5000 },
  );
  assert.equal(cluster.timeline(), 1);
  assert.deepEqual(cluster.timelinesBegun(), []);
  await ends(cluster, 0);
});

test('a crashed primary that cannot be started: another leads, and its callback hears that it was demoted [B-11]', async () => {
  const callback = '/usr/local/bin/callback.sh';
  const parameters = { wal_level: 'replica', hot_standby: 'on', wal_log_hints: 'on' };
  const postgresql = { use_pg_rewind: true, use_slots: true, parameters, callbacks: { on_role_change: callback } };
  const { cluster, leader } = await three(703, { postgresql });
  const { machine } = cluster.node(leader);
  const heard: string[] = [];
  machine.install('callback.sh', (self, { args }) => {
    heard.push(args.join(' '));
    self.exit(0);
  });
  const postgres = machine.programFor('postgres', []);
  assert.ok(postgres !== null);
  machine.install('postgres', (self) => {
    self.print('FATAL:  could not load library');
    self.exit(1);
  });
  cluster.postgres(leader).kill();
  await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 10_000 });
  await cluster.until(() => heard.length > 0, { withinMs: 10_000 });
  assert.deepEqual(heard, ['on_role_change demoted sim']);
  machine.install('postgres', postgres);
  await cluster.until(() => heard.length > 1, { withinMs: 60_000 });
  assert.deepEqual(heard.slice(1), ['on_role_change replica sim']);
  await ends(cluster);
});

test('a member of failover_priority 0 is never promoted, and be it alone for ten minutes [B-12]', async () => {
  const files: Record<string, Partial<LocalSettings>> = {};
  for (const name of members) files[name] = tagged({ failover_priority: 1 });
  const { cluster, leader, others } = await among(files, 704);
  const [alone, other] = others;
  files[alone] = tagged({ failover_priority: 0 });
  assert.equal(await asked(cluster, alone, 'POST', '/reload'), 202);
  await cluster.run(11_000);
  cluster.agent(other).kill({ restartAfterMs: null });
  cluster.agent(leader).kill({ restartAfterMs: null });
  await cluster.until(() => cluster.server(leader) === null, { withinMs: 40_000 });
  await cluster.run(600_000);
  assert.equal(cluster.server(alone)?.inRecovery, true);
  assert.deepEqual(cluster.timelinesBegun(), []);
  assert.ok(cluster.rulesOf(alone).includes('race.notEligible'));
  for (const name of [leader, other]) {
    cluster.node(name).restartAgentAfterMs = 1000;
    cluster.agent(name).start();
  }
  await cluster.until(() => leadsElsewhere(cluster, alone), { withinMs: 60_000 });
  await ends(cluster, 0);
});

test('of two that are as far the one of the higher failover_priority is promoted, whichever it is [B-13]', async () => {
  for (const higher of [0, 1]) {
    const files: Record<string, Partial<LocalSettings>> = {};
    const { cluster, leader, others } = await among(files, 705);
    others.forEach((name, n) => {
      files[name] = tagged({ failover_priority: n === higher ? 3 : 2 });
    });
    for (const name of others) assert.equal(await asked(cluster, name, 'POST', '/reload'), 202);
    await cluster.run(11_000);
    const [one, two] = others.map((name) => cluster.server(name)?.wal.flushed);
    assert.equal(one, two, 'they are as far');
    cluster.powerOff(leader);
    await cluster.until(() => cluster.primary() !== null, { withinMs: 45_000 });
    assert.equal(cluster.primary(), others[higher]);
    cluster.powerOn(leader);
    await ends(cluster, 0);
  }
});

test('nofailover and failover_priority contradict each other: nofailover counts, both are published, and nobody fails over to it by name [B-14]', async () => {
  const files: Record<string, Partial<LocalSettings>> = {};
  const { cluster, leader, others } = await among(files, 706);
  const [never, may] = others;
  const tags: Readonly<Record<string, Record<string, unknown>>> = {
    [never]: { nofailover: true, failover_priority: 5 },
    [may]: { nofailover: false, failover_priority: 0 },
  };
  for (const name of others) {
    files[name] = tagged(tags[name] ?? {});
    assert.equal(await asked(cluster, name, 'POST', '/reload'), 202);
  }
  await cluster.run(11_000);
  for (const name of others)
    assert.deepEqual((JSON.parse(keyOf(cluster, `members/${name}`) ?? '') as { tags: unknown }).tags, tags[name]);
  for (const at of members) {
    assert.equal(await asked(cluster, at, 'POST', '/failover', JSON.stringify({ candidate: never })), 412, at);
    assert.equal(
      await asked(cluster, at, 'POST', '/switchover', JSON.stringify({ leader, candidate: never })),
      412,
      at,
    );
  }
  assert.equal(cluster.primary(), leader);
  cluster.powerOff(leader);
  await cluster.until(() => cluster.primary() !== null, { withinMs: 45_000 });
  assert.equal(cluster.primary(), may);
  cluster.powerOn(leader);
  await ends(cluster, 0);
});
