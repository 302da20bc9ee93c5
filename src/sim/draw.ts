import type { Revision } from '../model/units.ts';
import type { SeededChance } from './chance.ts';
import type { SimulatedCluster } from './cluster.ts';
import type { NemesisOptions } from './nemesis.ts';
import { type PeerVersion, peerVersions } from './patroni/settings.ts';

/** What a run's /config says, beside the defaults. */
export interface RunSettings extends Readonly<Record<string, unknown>> {
  readonly ttl: number;
  readonly loop_wait: number;
  readonly maximum_lag_on_failover: number;
}

const names = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7'] as const;
export const mostMembers = names.length;

/** Mostly three; `count` null: two, three or five. */
export function drawMembers(chance: SeededChance, count: number | null): readonly string[] {
  const drawn = chance.pick([3, 3, 3, 3, 3, 3, 3, 3, 2, 5]);
  return names.slice(0, count ?? drawn);
}

/** Which members are Patronis, and of which version. `count` null: one, in one run of twelve. */
export function drawPatronis(
  chance: SeededChance,
  members: readonly string[],
  count: number | null,
): Readonly<Record<string, PeerVersion>> {
  const wanted = count ?? (chance.happens(1 / 12) ? 1 : 0);
  const drawn: Record<string, PeerVersion> = {};
  while (Object.keys(drawn).length < Math.min(wanted, members.length))
    drawn[chance.pick(members)] ??= chance.pick(peerVersions);
  return drawn;
}

/**
 * The settings of a run: the defaults, or shorter and longer ones, so that rare paths become common. Agents that look every
 * second are dear to simulate, and show little that others do not: those runs are fewer.
 */
export function drawSettings(chance: SeededChance): RunSettings {
  return {
    maximum_lag_on_failover: chance.pick([1_048_576, 8192]),
    ...chance.pick([
      { ttl: 30, loop_wait: 10, retry_timeout: 10 },
      { ttl: 30, loop_wait: 10, retry_timeout: 10 },
      { ttl: 30, loop_wait: 10, retry_timeout: 10 },
      { ttl: 20, loop_wait: 5, retry_timeout: 5 },
      { ttl: 20, loop_wait: 5, retry_timeout: 5 },
      { ttl: 60, loop_wait: 20, retry_timeout: 20 },
      { ttl: 60, loop_wait: 20, retry_timeout: 20 },
      { ttl: 20, loop_wait: 1, retry_timeout: 3 },
    ]),
    ...(chance.happens(0.3) ? { primary_start_timeout: chance.pick([0, 5, 30]) } : {}),
  };
}

/** Synchronous mode, with one standby or more, now and then strict. */
export const drawSynchronous = (chance: SeededChance, mode: 'sync' | 'quorum'): Readonly<Record<string, unknown>> => ({
  synchronous_mode: mode === 'sync' ? true : mode,
  ...(chance.happens(0.3) ? { synchronous_mode_strict: true } : {}),
  ...(chance.happens(0.25) ? { synchronous_node_count: 2 } : {}),
  ...(chance.happens(0.2) ? { maximum_lag_on_syncnode: chance.pick([200, 8192]) } : {}),
});

/** Failsafe mode, as new clusters have it, in every other run: what etcd's absence leads to without it is to be seen, too. */
export const drawFailsafe = (chance: SeededChance): Readonly<Record<string, unknown>> =>
  chance.happens(0.5) ? { failsafe_mode: true } : {};

/** How slow network and PostgreSQL are in this run. */
export function drawWorld(cluster: SimulatedCluster, chance: SeededChance): void {
  const { tuning } = cluster.postgresWorld;
  if (chance.happens(0.3)) cluster.network.tune({ delayMs: [1, 40] });
  if (chance.happens(0.3)) cluster.network.tune({ loss: chance.between(0, 0.05) });
  if (chance.happens(0.3)) tuning.crashRecoveryMs = [2000, 20_000];
  if (chance.happens(0.2)) tuning.promoteMs = [500, 4000];
  if (chance.happens(0.2)) tuning.stopMs = [500, 6000];
  if (chance.happens(0.2)) tuning.replayMs = [10, 2000];
  if (chance.happens(0.2)) tuning.orphanMs = [0, 2000];
}

/** Which bugs its etcd has, if any, and how often it forgets its past. */
export function drawEtcd(cluster: SimulatedCluster, chance: SeededChance): void {
  const { engine, etcd } = cluster;
  if (chance.happens(0.1)) etcd.bugs.doubledEvents = 0.2;
  if (chance.happens(0.1)) etcd.bugs.renewsRevokedMs = chance.pick([50, 2000]);
  if (!chance.happens(0.2)) return;
  etcd.bugs.droppedAtCompaction = chance.happens(0.5);
  const everyMs = chance.between(10_000, 120_000);
  // Now and then somebody compacts up to this very moment; what does so by itself keeps some of the past.
  function compact(before: Revision): void {
    const nothingKept = chance.happens(0.3);
    etcd.compact(nothingKept ? etcd.store.revision() : before);
    const now = etcd.store.revision();
    engine.after(everyMs, () => compact(now));
  }
  engine.after(everyMs, () => compact(etcd.store.revision()));
}

/** How often faults strike, and how long they last. */
export const drawPace = (chance: SeededChance): Pick<NemesisOptions, 'everyMs' | 'lastsMs'> => ({
  everyMs: chance.pick([2500, 5000, 12_000, 30_000]),
  lastsMs: chance.pick([
    [500, 8000],
    [3000, 30_000],
    [10_000, 90_000],
  ]),
});
