import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';

/** A primary that lives and cannot write: found, told, and handed over where somebody else can. */

const members = ['n1', 'n2', 'n3'] as const;
const three = async (
  seed: number,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<readonly [SimulatedCluster, leader: string]> => {
  const cluster = await simulate({ members, seed, writeEveryMs: 250, settings }).untilSteady();
  await cluster.run(15_000);
  return [cluster, cluster.primary() ?? ''];
};
const otherLeads = (cluster: SimulatedCluster, leader: string) => () =>
  cluster.primary() !== null && cluster.primary() !== leader;
const healthOf = (cluster: SimulatedCluster, name: string): string | null =>
  cluster.node(name).handles()?.snapshot()?.seen.health?.hindrance?.kind ?? null;

/** It goes on as before: nobody else is promoted, and no server is stopped. */
async function staysFor(cluster: SimulatedCluster, leader: string, ms: number): Promise<void> {
  const before = cluster.server(leader);
  await cluster.run(ms);
  assert.ok(cluster.server(leader) === before, 'its server was stopped');
  assert.equal(cluster.timeline(), 1);
}
async function comesBack(cluster: SimulatedCluster, lossMs?: number): Promise<void> {
  await cluster.untilSteady();
  await cluster.run(5000);
  assert.deepEqual(cluster.violations(lossMs), []);
}

test('flushes stall on the primary: after 30 s a standby that has everything takes over, and nothing is lost', async () => {
  const [cluster, leader] = await three(501);
  cluster.node(leader).machine.flushStalls = true;
  await cluster.run(25_000);
  assert.equal(healthOf(cluster, leader), 'fsync stalled');
  assert.ok(cluster.rulesOf(leader).includes('primary.hung'), cluster.rulesOf(leader).join(' '));
  await cluster.until(otherLeads(cluster, leader), { withinMs: 40_000 });
  assert.ok(cluster.rulesOf(leader).includes('primary.hung.giveWay'), cluster.rulesOf(leader).join(' '));
  await cluster.run(20_000);
  cluster.node(leader).machine.flushStalls = false;
  await comesBack(cluster, 0);
});

test('flushes stall in synchronous mode: only the synchronous standby takes over', async () => {
  const [cluster, leader] = await three(502, { synchronous_mode: true });
  const found = cluster.etcd.store.range('/service/sim/sync');
  const text = found.kind === 'kvs' ? (found.kvs[0]?.value ?? '') : '';
  cluster.node(leader).machine.flushStalls = true;
  await cluster.until(otherLeads(cluster, leader), { withinMs: 70_000 });
  assert.match(text, new RegExp(cluster.primary() ?? 'nobody'));
  cluster.node(leader).machine.flushStalls = false;
  await comesBack(cluster, 0);
});

test('a stall of 15 s, and flushes of 4 s for minutes: told, and nobody is demoted', async () => {
  const [cluster, leader] = await three(503);
  const { machine } = cluster.node(leader);
  machine.flushStalls = true;
  await staysFor(cluster, leader, 15_000);
  machine.flushStalls = false;
  await staysFor(cluster, leader, 20_000);
  assert.equal(healthOf(cluster, leader), null);
  machine.fsyncMs = 4_000;
  await staysFor(cluster, leader, 120_000);
  machine.fsyncMs = 0.1;
  await comesBack(cluster);
});

test('the postmaster of the primary is frozen, and its sessions write on: stopped in order, and nothing is lost', async () => {
  const [cluster, leader] = await three(504);
  cluster.node(leader).signal('postgres', 'STOP');
  await cluster.run(20_000);
  assert.equal(healthOf(cluster, leader), 'postmaster frozen');
  assert.equal(cluster.primary(), leader);
  await cluster.until(otherLeads(cluster, leader), { withinMs: 40_000 });
  assert.ok(cluster.rulesOf(leader).includes('switchover.handOver'), cluster.rulesOf(leader).join(' '));
  await comesBack(cluster, 0);
});

test('a frozen postmaster is thawed before half a minute is over: nothing happens', async () => {
  const [cluster, leader] = await three(505);
  cluster.node(leader).signal('postgres', 'STOP');
  await staysFor(cluster, leader, 20_000);
  cluster.node(leader).signal('postgres', 'CONT');
  await staysFor(cluster, leader, 60_000);
  await comesBack(cluster);
});

test('the disk of the primary is full: a standby takes over, unless its own is full as well', async () => {
  const [cluster, leader] = await three(506);
  const disks = members.map((name) => cluster.node(name).machine.disk);
  for (const disk of disks) disk.sizeBytes = disk.usedBytes() + 40_000;
  await staysFor(cluster, leader, 90_000);
  assert.equal(healthOf(cluster, leader), 'disk full');
  for (const name of members) if (name !== leader) cluster.node(name).machine.disk.sizeBytes = 1e12;
  await cluster.until(otherLeads(cluster, leader), { withinMs: 40_000 });
  for (const disk of disks) disk.sizeBytes = 1e12;
  await comesBack(cluster);
});

test('every connection is taken: told, and the primary stays', async () => {
  const [cluster, leader] = await three(507);
  const server = cluster.server(leader);
  assert.ok(server !== null);
  server.connectionsUsedUp = true;
  for (const child of server.children)
    if (!/heartbeat|checkpointer|wal/.test(child.commandLine())) child.signal('KILL');
  await staysFor(cluster, leader, 180_000);
  assert.equal(healthOf(cluster, leader), 'too many connections');
  server.connectionsUsedUp = false;
  await comesBack(cluster);
});

test('a commit that waits for a synchronous standby is no hung primary', async () => {
  const [cluster, leader] = await three(508, { synchronous_mode: true, synchronous_mode_strict: true });
  for (const name of members) if (name !== leader) cluster.node(name).signal('postgres', 'STOP');
  await staysFor(cluster, leader, 180_000);
  assert.equal(healthOf(cluster, leader), null);
  for (const name of members) if (name !== leader) cluster.node(name).signal('postgres', 'CONT');
  await comesBack(cluster, 0);
});

test('primary_health: report says so, and does nothing', async () => {
  const [cluster, leader] = await three(509, { primary_health: 'report' });
  cluster.node(leader).machine.flushStalls = true;
  await staysFor(cluster, leader, 180_000);
  const asked = cluster.ask(leader, 'GET', '/patroni');
  await cluster.run(1000);
  assert.match((await asked)?.body ?? '', /"health": "fsync stalled"/);
  cluster.node(leader).machine.flushStalls = false;
  await comesBack(cluster);
});

test('with nobody to take over, and in pause, a hung primary stays, and goes on when it can', async () => {
  const [cluster, leader] = await three(510);
  for (const name of members) if (name !== leader) cluster.node(name).signal('postgres', 'STOP');
  await cluster.run(15_000);
  cluster.node(leader).machine.flushStalls = true;
  await staysFor(cluster, leader, 90_000);
  const told = cluster.journal(leader).filter((entry) => entry.kind === 'decided' && entry.rule === 'primary.hung');
  assert.ok(told.some((entry) => JSON.stringify(entry).includes('no standby can take over')));
  cluster.node(leader).machine.flushStalls = false;
  for (const name of members) if (name !== leader) cluster.node(name).signal('postgres', 'CONT');
  await comesBack(cluster);
  void cluster.ask(leader, 'PATCH', '/config', '{"pause": true}');
  await cluster.run(15_000);
  cluster.node(leader).machine.flushStalls = true;
  await staysFor(cluster, leader, 90_000);
  cluster.node(leader).machine.flushStalls = false;
  await cluster.run(5000);
  assert.deepEqual(cluster.violations(), []);
});

test('a checkpoint that waits for the same disk holds nobody up', async () => {
  const [cluster, leader] = await three(511);
  const next = members.find((name) => name !== leader) ?? '';
  void cluster.ask(leader, 'POST', '/switchover', JSON.stringify({ leader, candidate: next }));
  await cluster.until(() => cluster.primary() === next, { withinMs: 30_000 });
  cluster.node(next).machine.flushStalls = true;
  await cluster.until(otherLeads(cluster, next), { withinMs: 80_000 });
  cluster.node(next).machine.flushStalls = false;
  await comesBack(cluster);
});

test('a hung standby is told, and nothing is done to it', async () => {
  const [cluster, leader] = await three(512);
  const standby = members.find((name) => name !== leader) ?? '';
  cluster.node(standby).signal('postgres', 'STOP');
  await cluster.run(25_000);
  assert.equal(healthOf(cluster, standby), 'postmaster frozen');
  cluster.node(standby).signal('postgres', 'CONT');
  await comesBack(cluster);
});
