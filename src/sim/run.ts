import { isObject, parseJson } from '../codec/dcs/json.ts';
import type { BrokenAssumption } from '../model/laws/lapses.ts';
import { needIn } from '../model/need.ts';
import { makeChance } from './chance.ts';
import { type SimulatedCluster, simulate } from './cluster.ts';
import {
  drawEtcd,
  drawFailsafe,
  drawMembers,
  drawPace,
  drawPatronis,
  drawSettings,
  drawSynchronous,
  drawWorld,
  type RunSettings,
} from './draw.ts';
import { faults as everyFault, faultsBeyond } from './faults.ts';
import { faultsOfPause } from './faultsOfPeople.ts';
import { atEnd, type Finding, type Judgement, judgementOf } from './findings.ts';
import { healAll, repeat, type Strike, unleash } from './nemesis.ts';
import type { SimulatedNode } from './node.ts';
import { onlyPeersAreAway, peerBeganAnew, peerBeganTwin } from './peersOwn.ts';
import { wasRolledBack } from './rolledBack.ts';

/** sync: `synchronous_mode: on`; quorum: of that name. In both no acknowledged commit may be lost. */
export const runModes = ['async', 'sync', 'quorum'] as const;
export type RunMode = (typeof runModes)[number];

/** What a run is made of. Whatever is null is drawn from its seed. */
export interface RunPlan {
  readonly seed: number;
  readonly members: number | null;
  /** How many of them are Patronis. */
  readonly peers: number | null;
  readonly mode: RunMode;
  /** Of its first phase: anything may fail, nothing wrong may happen. */
  readonly safetyMs: number;
  readonly writeEveryMs: number;
  /** Names of the faults that may strike. */
  readonly faults: readonly string[] | null;
  /** Not the nemesis's choice but exactly these. */
  readonly strikes: readonly Strike[] | null;
}

export interface RunAccount {
  readonly plan: RunPlan;
  readonly settings: RunSettings;
  readonly strikes: readonly Strike[];
  /** None: all laws held, and the cluster came back by itself. */
  readonly findings: readonly Finding[];
  /** Laws that a Patroni in the cluster broke: they say nothing of our agents. */
  readonly peersOwn: readonly Finding[];
  /** Where no guard ran when it should have: what came of that is no finding. */
  readonly broken: readonly BrokenAssumption[];
  readonly virtualMs: number;
  readonly events: number;
  readonly promotions: number;
  readonly acknowledged: number;
  readonly cluster: SimulatedCluster;
}

const livenessMs = 240_000;
/** Of a run that hunts: the first phase. */
export const safetyMinutes = 30;
const allFaults = [...everyFault, ...faultsOfPause];
const knownFaults = [...allFaults, ...faultsBeyond];
export const faultNames: readonly string[] = knownFaults.map(({ name }) => name);

export const planOf = (seed: number): RunPlan => ({
  seed,
  members: null,
  peers: null,
  mode: 'async',
  safetyMs: 240_000,
  writeEveryMs: 250,
  faults: null,
  strikes: null,
});

/**
 * One cluster, drawn whole from its seed. First safety: anything may fail, nothing wrong may happen. Then liveness: all
 * is healed, and within a bound there is one primary that everybody streams from, and that takes writes.
 */
export async function runPlan(plan: RunPlan): Promise<RunAccount> {
  const { seed, safetyMs, writeEveryMs } = plan;
  const chance = makeChance(seed, 'run');
  const synchronous = plan.mode === 'async' ? {} : drawSynchronous(makeChance(seed, 'synchronous'), plan.mode);
  const drawn = drawSettings(chance);
  const members = drawMembers(chance, plan.members);
  // The Patroni of this world knows of no synchronous mode, nor of failsafe mode.
  const patronis = drawPatronis(makeChance(seed, 'peers'), members, plan.mode === 'async' ? plan.peers : 0);
  const failsafe = Object.keys(patronis).length === 0 ? drawFailsafe(makeChance(seed, 'failsafe')) : {};
  const settings = { ...drawn, ...synchronous, ...failsafe };
  const cluster = simulate({ members, seed, settings, writeEveryMs, patronis });
  drawWorld(cluster, chance);
  drawEtcd(cluster, makeChance(seed, 'etcd'));
  // A checkpointer that syncs many files takes in a new list of names seconds later.
  if (plan.mode !== 'async' && makeChance(seed, 'names').happens(0.3)) cluster.postgresWorld.tuning.namesMs = [0, 3000];
  const pausedMs = (): number | null => strikes.find(({ fault }) => fault === 'paused')?.atMs ?? null;
  const judged = (): Judgement => judgementOf(cluster, { settings, writeEveryMs, pausedMs: pausedMs() });
  let strikes: readonly Strike[] = plan.strikes ?? [];
  let stuck: readonly Finding[] = [];
  try {
    // Some runs are disturbed from their birth on.
    if (chance.happens(0.8)) await cluster.untilSteady();
    // Few runs have what no law promises to survive: it is classed, and the rest of the run is judged as ever.
    const mayStrike = [
      ...(chance.happens(0.25) ? allFaults : everyFault),
      ...(chance.happens(0.05) ? faultsBeyond : []),
    ];
    const faults = plan.faults === null ? mayStrike : knownFaults.filter(({ name }) => plan.faults?.includes(name));
    const pace = drawPace(chance);
    if (plan.strikes === null) strikes = unleash(cluster, { faults, forMs: safetyMs, ...pace });
    else {
      const endMs = cluster.engine.now() + safetyMs;
      strikes = plan.strikes.filter(({ atMs }) => atMs < endMs);
      repeat(cluster, knownFaults, strikes);
    }
    await cluster.run(safetyMs);
    healAll(cluster);
    if (pausedMs() !== null) await resume(cluster, settings);
    // What seems steady as the last fault is mended may be what nobody had the time to notice: seed 0x34a in sync mode.
    const endMs = cluster.engine.now() + livenessMs;
    await cluster.untilSteady(livenessMs);
    await cluster.run(5000);
    await cluster.untilSteady(Math.max(0, endMs - cluster.engine.now()));
    const healedMs = cluster.engine.now();
    await cluster.until(() => cluster.writesSince(healedMs), { withinMs: 20_000 });
    await cluster.run(5000);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    stuck = [
      {
        ...atEnd(7, 'stuck', text),
        ...(isByPeers(cluster) ? { peersOwn: true } : {}),
      },
    ];
  }
  const history = cluster.history();
  const { findings, broken } = judged();
  // Who is left with a rolled back disk may wait for people, who are not there.
  const waits = wasRolledBack(cluster) && [...cluster.nodes.values()].some(needsPeople);
  const all = [...findings, ...(waits ? [] : stuck)];
  return {
    plan,
    settings,
    strikes,
    findings: all.filter(({ peersOwn }) => peersOwn !== true),
    peersOwn: all.filter(({ peersOwn }) => peersOwn === true),
    broken,
    virtualMs: cluster.engine.now(),
    events: cluster.engine.fired(),
    promotions: history.filter((seen) => seen.kind === 'promotion').length,
    acknowledged: history.filter((seen) => seen.kind === 'write' && seen.outcome === 'acknowledged').length,
    cluster,
  };
}

const isByPeers = (cluster: SimulatedCluster): boolean =>
  peerBeganAnew(cluster) ||
  onlyPeersAreAway(cluster) ||
  (peerBeganTwin(cluster) && [...cluster.nodes.values()].some(needsPeople));

const needsPeople = ({ handles }: SimulatedNode): boolean =>
  needIn(handles()?.snapshot()?.decision.because ?? []) !== null;

/**
 * Whoever paused the cluster ends that once everything is whole: it takes an agent that answers, and etcd behind it. Where nobody leads, nobody puts
 * a /config right that cannot be read: the answer says who can.
 */
async function resume(cluster: SimulatedCluster, settings: RunSettings): Promise<void> {
  await cluster.run(61_000); // what was asked of an agent that was frozen then may be done now
  for (let tries = 0; tries < 60; tries += 1) {
    const [name = ''] = [...cluster.nodes.keys()].slice(tries % cluster.nodes.size);
    let status: number | undefined;
    void cluster.ask(name, 'PATCH', '/config', '{"pause": null}').then((answer) => {
      status = answer?.status;
    });
    await cluster.run(2000);
    if (status === 200) return;
    const found = cluster.etcd.store.range('/service/sim/config');
    const isReadable = found.kind === 'kvs' && isObject(parseJson(found.kvs[0]?.value ?? ''));
    if (!isReadable) void cluster.ask(name, 'PUT', '/config', JSON.stringify(settings));
  }
  throw new Error('nobody could end the pause');
}
