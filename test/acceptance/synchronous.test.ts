import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';
import { asked, ends, jobsOf, keyOf, othersThan, pause, three } from '../scenarios/stage.ts';

/** Synchronous mode, priority: what people are promised of it, each promise within its limit. */

const on = { synchronous_mode: true };
const strict = { ...on, synchronous_mode_strict: true };
const placeholder = '__patroni_strict_sync_replica_placeholder__';

const syncOf = (cluster: SimulatedCluster): { leader?: string; sync_standby?: string | null; quorum?: number } =>
  JSON.parse(keyOf(cluster, 'sync') ?? '{}');
const namesOn = (cluster: SimulatedCluster, name: string): string =>
  cluster.server(name)?.conf.get('synchronous_standby_names') ?? '';

const otherThan = (leader: string, standby: string): string =>
  othersThan(leader).find((name) => name !== standby) ?? '';

/** As a service manager does: it is asked to end, and stays down. */
function stopAgent(cluster: SimulatedCluster, name: string): void {
  cluster.node(name).restartAgentAfterMs = null;
  cluster.node(name).signal('agent', 'TERM');
}
function startAgent(cluster: SimulatedCluster, name: string): void {
  cluster.node(name).restartAgentAfterMs = 1000;
  cluster.agent(name).start();
}

/** Member → role, as GET /cluster tells. */
async function rolesBy(cluster: SimulatedCluster, name: string): Promise<Readonly<Record<string, string>>> {
  let body: string | null = null;
  void cluster.ask(name, 'GET', '/cluster').then((answer) => {
    body = answer?.body ?? '';
  });
  await cluster.until(() => body !== null, { withinMs: 5_000 });
  const { members } = JSON.parse(body ?? '') as {
    members: readonly { readonly name: string; readonly role: string }[];
  };
  return Object.fromEntries(members.map((one) => [one.name, one.role]));
}

/** A standby looks once in loop_wait, and its answers are as old as its last look. */
async function comesToAnswer(cluster: SimulatedCluster, name: string, path: string, status: number): Promise<void> {
  const fromMs = cluster.engine.now();
  while ((await asked(cluster, name, 'GET', path)) !== status) {
    assert.ok(cluster.engine.now() - fromMs < 10_000, `GET ${path} on ${name} does not come to ${status}`);
    await cluster.run(200);
  }
}

/** What PATCH /config does, on whoever answers first. */
const configure = (cluster: SimulatedCluster, change: Readonly<Record<string, unknown>>): void =>
  void cluster.ask('n1', 'PATCH', '/config', JSON.stringify(change));

test('one node alone: switched on, /sync names it and nobody is waited for; strict, nobody can acknowledge [B-1]', async () => {
  const cluster = await simulate({ members: ['n1'], seed: 0xb01, writeEveryMs: 250 }).untilSteady();
  await cluster.run(5_000);
  configure(cluster, on);
  await cluster.until(() => syncOf(cluster).leader === 'n1', { withinMs: 5_000 });
  assert.deepEqual(syncOf(cluster), { leader: 'n1', sync_standby: null, quorum: 0 });
  assert.equal(namesOn(cluster, 'n1'), '');
  const openMs = cluster.engine.now();
  await cluster.until(() => cluster.writesSince(openMs), { withinMs: 1_000 });
  configure(cluster, strict);
  await cluster.until(() => namesOn(cluster, 'n1') === placeholder, { withinMs: 5_000 });
  await cluster.run(1_000);
  const closedMs = cluster.engine.now();
  await cluster.run(20_000);
  assert.equal(cluster.writesSince(closedMs), false);
  assert.deepEqual(syncOf(cluster), { leader: 'n1', sync_standby: null, quorum: 0 });
  assert.equal(cluster.primary(), 'n1');
});

test('the standby that is waited for is stopped in order: the other takes its place, and everybody is told [B-2]', async () => {
  const { cluster, leader } = await three(0xb02, on);
  const standby = syncOf(cluster).sync_standby ?? '';
  const other = otherThan(leader, standby);
  assert.deepEqual(await rolesBy(cluster, other), {
    [leader]: 'leader',
    [standby]: 'sync_standby',
    [other]: 'replica',
  });
  stopAgent(cluster, standby);
  await cluster.until(() => syncOf(cluster).sync_standby === other, { withinMs: 5_000 });
  assert.equal(namesOn(cluster, leader), other);
  const movedMs = cluster.engine.now();
  await cluster.until(() => cluster.writesSince(movedMs), { withinMs: 1_000 });
  assert.equal(await asked(cluster, leader, 'GET', '/primary'), 200);
  await comesToAnswer(cluster, other, '/sync', 200);
  assert.equal(await asked(cluster, other, 'GET', '/async'), 503);
  const roles = await rolesBy(cluster, leader);
  assert.deepEqual([roles[leader], roles[other]], ['leader', 'sync_standby']);
  startAgent(cluster, standby);
  await ends(cluster, 0);
  assert.equal(syncOf(cluster).sync_standby, other, 'who is waited for stays');
  await comesToAnswer(cluster, standby, '/async', 200);
});

test('commits wait until they are replayed, and replay stands still where they wait: another takes its place, in pause, too [B-3]', async () => {
  // With a limit it moves when that is passed; without, when a commit has hung for two seconds.
  for (const [limit, withinMs] of [
    [{ maximum_lag_on_syncnode: 100 }, 2_000],
    [{}, 5_000],
  ] as const) {
    const { cluster, leader } = await three(0xb03, on);
    configure(cluster, { ...limit, postgresql: { parameters: { synchronous_commit: 'remote_apply' } } });
    await cluster.run(5_000);
    await pause(cluster);
    const standby = syncOf(cluster).sync_standby ?? '';
    const other = otherThan(leader, standby);
    Object.assign(cluster.server(standby) ?? assert.fail('it does not run'), { replayStands: 'paused' });
    await cluster.until(() => syncOf(cluster).sync_standby === other, { withinMs });
    const movedMs = cluster.engine.now();
    await cluster.until(() => cluster.writesSince(movedMs), { withinMs: 1_000 });
    await cluster.run(10_000);
    assert.deepEqual([syncOf(cluster).sync_standby, namesOn(cluster, leader)], [other, other]);
    Object.assign(cluster.server(standby) ?? assert.fail('it does not run'), { replayStands: null });
    await pause(cluster, false);
    await ends(cluster, 0);
  }
});

test('two are waited for, then one alone; one of the two is stopped, whichever, and the other is the one [B-4]', async () => {
  for (const stays of [true, false]) {
    const { cluster, leader, others } = await three(0xb04, on);
    const both = [...others].sort().join(',');
    configure(cluster, { synchronous_node_count: 2 });
    await cluster.until(() => syncOf(cluster).sync_standby === both, { withinMs: 5_000 });
    assert.equal(namesOn(cluster, leader), `2 (${both})`);
    configure(cluster, { synchronous_node_count: 1 });
    await cluster.until(() => others.includes(syncOf(cluster).sync_standby ?? ''), { withinMs: 5_000 });
    const kept = syncOf(cluster).sync_standby ?? '';
    const stopped = stays ? otherThan(leader, kept) : kept;
    const left = otherThan(leader, stopped);
    stopAgent(cluster, stopped);
    await cluster.until(() => cluster.server(stopped) === null, { withinMs: 5_000 });
    await cluster.until(() => syncOf(cluster).sync_standby === left, { withinMs: 5_000 });
    await cluster.run(10_000);
    assert.deepEqual([syncOf(cluster).sync_standby, namesOn(cluster, leader)], [left, left]);
    const leftMs = cluster.engine.now();
    await cluster.until(() => cluster.writesSince(leftMs), { withinMs: 1_000 });
    startAgent(cluster, stopped);
    await ends(cluster, 0);
  }
});

const callback = '/usr/local/bin/callback';
/** Whoever keeps an address has a script for it: the story tells what it heard. */
async function withCallbacks(cluster: SimulatedCluster): Promise<void> {
  for (const { name, machine, edit } of cluster.nodes.values()) {
    machine.install('callback', (self, { args }) => {
      cluster.tell(name, `callback ${args.join(' ')}`);
      self.exit(0);
    });
    edit((file) => {
      const section = { ...file.postgres.section, callbacks: { on_role_change: callback } };
      return { ...file, postgres: { ...file.postgres, section } };
    });
    assert.equal(await asked(cluster, name, 'POST', '/reload'), 202);
  }
  await cluster.run(1_000);
}
const heard = (cluster: SimulatedCluster, name: string): boolean =>
  cluster.told().some((line) => line.node === name && line.text === 'callback on_role_change primary sim');

/** The last line of /history: timeline, reason, new leader. */
const lastReign = (cluster: SimulatedCluster): readonly unknown[] => {
  const lines: readonly (readonly unknown[])[] = JSON.parse(keyOf(cluster, 'history') ?? '[]');
  const [timeline, , reason, , newLeader] = lines.at(-1) ?? [];
  return [timeline, reason, newLeader];
};

test('paused, agent and server of the primary are stopped; resumed, who was waited for is promoted, and history and script hear of it [B-5]', async () => {
  const { cluster, leader } = await three(0xb05, on);
  await withCallbacks(cluster);
  await pause(cluster);
  const standby = syncOf(cluster).sync_standby ?? '';
  cluster.node(leader).signal('postgres', 'INT');
  await cluster.until(() => cluster.server(leader) === null, { withinMs: 5_000 });
  await cluster.run(1_000);
  stopAgent(cluster, leader);
  await cluster.run(60_000);
  assert.deepEqual(cluster.primaries(), [], 'in pause nobody is promoted');
  void cluster.ask(standby, 'PATCH', '/config', '{"pause": null}');
  await cluster.until(() => cluster.primary() === standby, { withinMs: 5_000 });
  await cluster.until(() => lastReign(cluster).at(-1) === standby && heard(cluster, standby), { withinMs: 5_000 });
  assert.deepEqual(lastReign(cluster), [1, 'no recovery target specified', standby]);
  startAgent(cluster, leader);
  await ends(cluster, 0);
});

/** Its guard is disarmed in pause, and it may write for as long as it likes: Patroni promotes another beside it. */
test('paused, the agent of the primary alone is stopped; resumed, nobody is promoted beside that server before people say so; what it wrote since is rewound [B-5, B-6]', async () => {
  const { cluster, leader } = await three(0xb06, on);
  await withCallbacks(cluster);
  await pause(cluster);
  const standby = syncOf(cluster).sync_standby ?? '';
  stopAgent(cluster, leader);
  await cluster.run(5_000);
  void cluster.ask(standby, 'PATCH', '/config', '{"pause": null}');
  await cluster.run(60_000);
  assert.deepEqual(cluster.primaries(), [leader]);
  assert.ok(cluster.rulesOf(standby).includes('race.unfenced'), cluster.rulesOf(standby).join(' '));
  void cluster.ask(standby, 'POST', '/failover', JSON.stringify({ candidate: standby }));
  await cluster.until(() => cluster.primaries().includes(standby), { withinMs: 5_000 });
  await cluster.until(() => lastReign(cluster).at(-1) === standby && heard(cluster, standby), { withinMs: 5_000 });
  await cluster.run(5_000);
  const hanging = cluster.server(leader)?.waiters.size ?? 0;
  assert.ok(hanging > 0, 'what is written beside the new primary is acknowledged to nobody');
  const startedMs = cluster.engine.now();
  startAgent(cluster, leader);
  await cluster.until(() => cluster.steady(), { withinMs: 20_000 });
  assert.equal(cluster.primary(), standby);
  const rewinds = jobsOf(cluster, leader, startedMs).filter(({ job }) => job === 'rewind');
  assert.deepEqual(
    rewinds.map(({ outcome }) => outcome),
    ['done'],
  );
  const togetherMs = cluster.engine.now();
  await cluster.until(() => cluster.writesSince(togetherMs), { withinMs: 1_000 });
  await cluster.run(5_000);
  // Law 4 is not judged where people paused: it wrote without a lease, as they had left it.
  assert.deepEqual(
    cluster.violations(0).filter(({ law }) => law !== 4),
    [],
  );
  assert.deepEqual(cluster.corrupted(), []);
});

const warnings = (cluster: SimulatedCluster, name: string): readonly string[] =>
  cluster.journal(name).flatMap((entry) => {
    const isIt = entry.kind === 'note' && entry.level === 'warning' && entry.text.startsWith('strict');
    return isIt ? [entry.text] : [];
  });

test('strict, and the last standby takes over alone: the former primary is what it waits for, and one warning says so [B-8]', async () => {
  const cluster = await simulate({
    members: ['n1', 'n2', 'n3'],
    seed: 0xb08,
    writeEveryMs: 250,
    settings: strict,
  }).untilSteady();
  await cluster.run(10_000);
  const leader = cluster.primary() ?? '';
  const standby = syncOf(cluster).sync_standby ?? '';
  stopAgent(cluster, otherThan(leader, standby));
  await cluster.run(5_000);
  stopAgent(cluster, leader);
  await cluster.until(() => cluster.primary() === standby, { withinMs: 10_000 });
  await cluster.until(() => warnings(cluster, standby).length > 0, { withinMs: 5_000 });
  const aloneMs = cluster.engine.now();
  await cluster.run(60_000);
  assert.equal(cluster.writesSince(aloneMs), false);
  assert.equal(namesOn(cluster, standby), leader);
  const [warning, ...more] = warnings(cluster, standby);
  assert.match(warning ?? '', new RegExp(`no commit ends before ${leader} is back`));
  assert.deepEqual(more, []);
  assert.deepEqual(syncOf(cluster), { leader: standby, sync_standby: leader, quorum: 0 });
  startAgent(cluster, leader);
  startAgent(cluster, otherThan(leader, standby));
  await ends(cluster, 0);
});
