import type { History } from '../model/history.ts';
import type { Violation } from '../model/laws.ts';
import { makeChance, type SeededChance } from './chance.ts';
import { type SimulatedCluster, simulate } from './cluster.ts';
import { faults as everyFault, faultsOfPause } from './faults.ts';
import { excessiveLosses } from './loss.ts';
import { healAll, unleash } from './nemesis.ts';
import { restless } from './restless.ts';

/** What became of one seed. `failure` null: all laws held, and the cluster came back by itself. */
export interface SeedAccount {
  readonly seed: number;
  readonly settings: RunSettings;
  readonly faults: ReadonlyMap<string, number>;
  readonly failure: string | null;
  readonly virtualMs: number;
  readonly events: number;
  readonly promotions: number;
  readonly acknowledged: number;
  readonly cluster: SimulatedCluster;
}

interface RunSettings extends Readonly<Record<string, unknown>> {
  readonly ttl: number;
  readonly loop_wait: number;
  readonly maximum_lag_on_failover: number;
}

const names = ['n1', 'n2', 'n3', 'n4', 'n5'] as const;
const safetyMs = 240_000;
const livenessMs = 240_000;
const writeEveryMs = 250;

/**
 * One cluster, drawn whole from its seed. First safety: anything may fail, nothing wrong may happen. Then liveness: all
 * is healed, and within a bound there is one primary that everybody streams from, and that takes writes.
 */
export async function runSeed(seed: number): Promise<SeedAccount> {
  const chance = makeChance(seed, 'run');
  const settings = drawSettings(chance);
  const members = names.slice(0, chance.pick([3, 3, 3, 3, 3, 3, 3, 3, 2, 5]));
  const cluster = simulate({ members, seed, settings, writeEveryMs });
  drawWorld(cluster, chance);
  let faults: ReadonlyMap<string, number> = new Map();
  let failure: string | null = null;
  try {
    // Some runs are disturbed from their birth on.
    if (chance.happens(0.8)) await cluster.untilSteady();
    const nemesis = unleash(cluster, {
      faults: chance.happens(0.25) ? [...everyFault, ...faultsOfPause] : everyFault,
      forMs: safetyMs,
      everyMs: chance.pick([2500, 5000, 12_000, 30_000]),
      lastsMs: chance.pick([
        [500, 8000],
        [3000, 30_000],
        [10_000, 90_000],
      ]),
    });
    faults = nemesis.injected;
    await cluster.run(safetyMs);
    healAll(cluster);
    if (faults.has('paused')) await resume(cluster);
    await cluster.untilSteady(livenessMs);
    const healedMs = cluster.engine.now();
    await cluster.until(() => writtenSince(cluster, healedMs), { withinMs: 20_000 });
    await cluster.run(5000);
    failure = judged(cluster, settings, faults);
  } catch (error) {
    failure = [judged(cluster, settings, faults), error instanceof Error ? error.message : String(error)]
      .filter(Boolean)
      .join('\n');
  }
  const history = cluster.history();
  return {
    seed,
    settings,
    faults,
    failure,
    virtualMs: cluster.engine.now(),
    events: cluster.engine.fired(),
    promotions: history.filter((seen) => seen.kind === 'promotion').length,
    acknowledged: history.filter((seen) => seen.kind === 'write' && seen.outcome === 'acknowledged').length,
    cluster,
  };
}

/** Whoever paused the cluster ends that once everything is whole: it takes an agent that answers, and etcd behind it. */
async function resume(cluster: SimulatedCluster): Promise<void> {
  await cluster.run(61_000); // what was asked of an agent that was frozen then may be done now
  for (let tries = 0; tries < 60; tries += 1) {
    const [name = ''] = [...cluster.nodes.keys()].slice(tries % cluster.nodes.size);
    let status: number | undefined;
    void cluster.ask(name, 'PATCH', '/config', '{"pause": null}').then((answer) => {
      status = answer?.status;
    });
    await cluster.run(2000);
    if (status === 200) return;
  }
  throw new Error('nobody could end the pause');
}

/** The settings of a run: the defaults, or shorter and longer ones, so that rare paths become common. */
function drawSettings(chance: SeededChance): RunSettings {
  return {
    maximum_lag_on_failover: chance.pick([1_048_576, 8192]),
    ...chance.pick([
      { ttl: 30, loop_wait: 10, retry_timeout: 10 },
      { ttl: 20, loop_wait: 5, retry_timeout: 5 },
      { ttl: 20, loop_wait: 1, retry_timeout: 3 },
      { ttl: 60, loop_wait: 20, retry_timeout: 20 },
    ]),
    ...(chance.happens(0.3) ? { primary_start_timeout: chance.pick([0, 5, 30]) } : {}),
  };
}

function drawWorld(cluster: SimulatedCluster, chance: SeededChance): void {
  const { tuning } = cluster.postgresWorld;
  if (chance.happens(0.3)) cluster.network.tune({ delayMs: [1, 40] });
  if (chance.happens(0.3)) cluster.network.tune({ loss: chance.between(0, 0.05) });
  if (chance.happens(0.3)) tuning.crashRecoveryMs = [2000, 20_000];
  if (chance.happens(0.2)) tuning.promoteMs = [500, 4000];
  if (chance.happens(0.2)) tuning.stopMs = [500, 6000];
  if (chance.happens(0.2)) tuning.replayMs = [10, 2000];
  if (chance.happens(0.2)) tuning.orphanMs = [0, 2000];
}

const writtenSince = (cluster: SimulatedCluster, sinceMs: number): boolean =>
  cluster.history().some((seen) => seen.kind === 'write' && seen.outcome === 'acknowledged' && seen.sentMs > sinceMs);

function judged(
  cluster: SimulatedCluster,
  settings: RunSettings,
  injected: ReadonlyMap<string, number>,
): string | null {
  // The ttl may have been changed meanwhile, up to 45 s.
  const statusAgeMs = 1000 * (settings.loop_wait + Math.max(settings.ttl, 45) + 5);
  const limit = { maximumLagBytes: settings.maximum_lag_on_failover, statusAgeMs, everyMs: writeEveryMs };
  const broken = [
    // In pause nobody ends a primary whose lease is gone; all other laws hold then, too.
    ...cluster
      .violations(Number.MAX_SAFE_INTEGER)
      .filter(({ law }) => law !== 4 || !injected.has('paused'))
      .map(violationText),
    ...cluster.corrupted(),
    ...excessiveLosses(cluster.history(), limit),
    ...timelinesBegunTwice(cluster.history()).map((text) => `a timeline was begun twice: ${text}`),
    ...[...cluster.nodes.keys()].flatMap((name) => restless(cluster.journal(name)).map((text) => `${name}: ${text}`)),
  ];
  return broken.length === 0 ? null : broken.slice(0, 5).join('\n');
}

const violationText = (violation: Violation): string =>
  JSON.stringify(violation, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));

/** Two servers that were promoted onto one timeline number: to PostgreSQL, and so to everybody, one and the same history. */
export function timelinesBegunTwice(history: History): readonly string[] {
  const by = new Map<number | null, readonly string[]>();
  for (const seen of history)
    if (seen.kind === 'promotion') by.set(seen.timeline, [...(by.get(seen.timeline) ?? []), seen.node]);
  return [...by].filter(([, nodes]) => nodes.length > 1).map(([line, nodes]) => `${line} by ${nodes.join(' and ')}`);
}
