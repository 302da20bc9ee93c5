import assert from 'node:assert/strict';
import type { LeaseId } from '../../src/model/units.ts';
import { type SimulatedCluster, type SimulateOptions, simulate } from '../../src/sim/cluster.ts';
import { places } from '../../src/sim/settings.ts';

/** What the scenarios have in common: three members, a writer on each, and a cluster that has been at work for a while. */
export const members = ['n1', 'n2', 'n3'] as const;
export const { dataDir } = places;

export interface Stage {
  readonly cluster: SimulatedCluster;
  readonly leader: string;
  /** The two that follow. */
  readonly others: readonly [string, string];
}

export async function three(seed: number, settings: SimulateOptions['settings'] = {}): Promise<Stage> {
  const cluster = await simulate({ members, seed, writeEveryMs: 250, settings }).untilSteady();
  await cluster.run(15_000);
  cluster.mark();
  const leader = cluster.primary() ?? '';
  return { cluster, leader, others: othersThan(leader) };
}

export function othersThan(name: string): readonly [string, string] {
  const [first = '', second = ''] = members.filter((one) => one !== name);
  return [first, second];
}

/** Healed, and whole again by itself. */
export async function settles(cluster: SimulatedCluster): Promise<void> {
  cluster.network.heal();
  await cluster.untilSteady();
  await cluster.run(5000);
}

/** Whole again by itself, lawful, nothing silently different; `lossMs` as in `violations`. */
export async function ends(cluster: SimulatedCluster, lossMs?: number): Promise<void> {
  await settles(cluster);
  assert.deepEqual(cluster.violations(lossMs), []);
  assert.deepEqual(cluster.corrupted(), []);
}

export const leadsElsewhere = (cluster: SimulatedCluster, leader: string): boolean =>
  cluster.primary() !== null && cluster.primary() !== leader;

export const keyOf = (cluster: SimulatedCluster, name: string): string | null => {
  const found = cluster.etcd.store.range(`/service/sim/${name}`);
  return found.kind === 'kvs' ? (found.kvs[0]?.value ?? null) : null;
};

/** What somebody writes with etcdctl, past all that looks at it first. */
export function writeKey({ etcd }: SimulatedCluster, name: string, value: string): void {
  const lead = etcd.raft.leader();
  if (lead === null) throw new Error('etcd has no leader');
  etcd.raft.propose(
    lead,
    () => void etcd.store.txn([], [{ op: 'put', key: `/service/sim/${name}`, value }], [], etcd.leases.lives),
    () => {},
  );
}

export function leaseOf({ etcd }: SimulatedCluster, name: string): LeaseId {
  const found = etcd.store.range(`/service/sim/${name}`);
  const lease = found.kind === 'kvs' ? (found.kvs[0]?.lease ?? null) : null;
  if (lease === null) throw new Error(`${name} hangs on no lease`);
  return lease;
}

/** What somebody does with etcdctl: the lease that a key hangs on is over, and with it all that hung on it. */
export function revokeLeaseOf(cluster: SimulatedCluster, name: string): void {
  const { etcd } = cluster;
  const lease = leaseOf(cluster, name);
  const lead = etcd.raft.leader();
  if (lead === null) throw new Error('etcd has no leader');
  etcd.raft.propose(
    lead,
    () => void etcd.leases.revoke(lease),
    () => {},
  );
}

/** An answer of a node's own REST API, while time goes on. */
export async function asked(
  cluster: SimulatedCluster,
  ...request: Parameters<SimulatedCluster['ask']>
): Promise<number | null> {
  let status: number | null | undefined;
  void cluster.ask(...request).then((answer) => {
    status = answer?.status ?? null;
  });
  await cluster.until(() => status !== undefined, { withinMs: 61_000 });
  return status ?? null;
}

export async function moveTo(cluster: SimulatedCluster, leader: string, candidate: string): Promise<void> {
  void cluster.ask(leader, 'POST', '/switchover', JSON.stringify({ leader, candidate }));
  await cluster.until(() => cluster.primary() === candidate, { withinMs: 20_000 });
}

export async function pause(cluster: SimulatedCluster, paused = true): Promise<void> {
  void cluster.ask('n1', 'PATCH', '/config', paused ? '{"pause": true}' : '{"pause": null}');
  await cluster.run(12_000);
}

export interface Worked {
  readonly job: string;
  readonly step: string;
  readonly beganMs: number;
  /** Infinity: it is at work still. */
  readonly endedMs: number;
  readonly outcome: string | null;
}

/** The jobs of a node since `sinceMs` of true time, as its journal tells of them. */
export function jobsOf(cluster: SimulatedCluster, name: string, sinceMs = 0): readonly Worked[] {
  const { clock } = cluster.node(name).machine;
  const jobs: Worked[] = [];
  for (const entry of cluster.journal(name)) {
    const atMs = clock.trueMs(entry.atMs);
    if (entry.kind !== 'job' || entry.outcome === 'step' || atMs < sinceMs) continue;
    const { job, step } = entry;
    if (entry.outcome === 'begun')
      jobs.push({ job, step, beganMs: atMs, endedMs: Number.POSITIVE_INFINITY, outcome: null });
    else {
      const index = jobs.findLastIndex((one) => one.step === step && one.outcome === null);
      const begun = jobs[index];
      if (begun !== undefined) jobs[index] = { ...begun, endedMs: atMs, outcome: entry.outcome };
    }
  }
  return jobs;
}
