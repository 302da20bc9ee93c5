import type { Cluster, LeaderKey, Vacancy } from '../../model/cluster.ts';
import type { Decision } from '../../model/decision.ts';
import type { Memory, Observation } from '../../model/observation.ts';
import type { PeerReport } from '../../model/peers.ts';
import type { RunningStandby } from '../../model/postgres.ts';
import { type InstantMs, instantMs, later, leaseId, term } from '../../model/units.ts';
import { decide } from '../decide.ts';
import { asSeenBy, memberNames, type Said, wordOf } from './imagine.ts';

/**
 * A race, played: each member that is left looks, decides by the very rules, and what it asks for is answered as the others
 * would. Time is counted and not waited for; the first that asks for the leader key has it.
 */

export interface Runner {
  readonly name: string;
  readonly standby: RunningStandby;
}

export interface Ended {
  /** All that asked for the key at the same moment: etcd takes the first it hears. Empty: nobody ever did. */
  readonly winners: readonly string[];
  readonly tookMs: number;
  /** Each runner's last look and what it decided then. */
  readonly last: ReadonlyMap<string, { readonly seen: Observation; readonly decision: Decision }>;
}

/** How long an answer takes: a little, so that a question and its answer are two looks, as they are. */
const answerMs = 5;
/** Who does not answer is given up then. */
const silentAfterMs = 2_000;
/** A rule that asks to be called at once again is not called more often. */
const pauseMs = 5;
/** Whatever waits longer than this waits for people. */
const patienceMs = ({ settings }: Observation): number => 2 * settings.cluster.ttlMs + 15_000;
const looksMax = 2_000;

interface Mind {
  readonly runner: Runner;
  readonly view: Observation;
  memory: Memory;
  nextMs: InstantMs;
  /** When it first asked the others, and the store about the lease; null: not yet. */
  askedMs: InstantMs | null;
  leaseAskedMs: InstantMs | null;
}

interface Field {
  readonly runners: readonly Runner[];
  /** All that are there: also who takes no part answers what it is asked. */
  readonly left: readonly string[];
}

/** Begins when the leader key goes and its lease is over; now, where nobody leads. */
export function playRace(seen: Observation, cluster: Cluster, { runners, left }: Field, beginMs: InstantMs): Ended {
  const minds = runners.map((runner): Mind => {
    const view = asSeenBy(seen, runner.name, runner.standby);
    return { runner, view, memory: view.memory, nextMs: beginMs, askedMs: null, leaseAskedMs: null };
  });
  const words = new Map(
    left.flatMap((name) => {
      const word = wordOf(seen, name);
      return word === null ? [] : [[name, word] as const];
    }),
  );
  const last = new Map<string, { seen: Observation; decision: Decision }>();
  const endMs = later(beginMs, patienceMs(seen));
  for (let looks = 0; looks < looksMax; ) {
    const nowMs = instantMs(Math.min(...minds.map(({ nextMs }) => nextMs)));
    if (minds.length === 0 || nowMs > endMs) break;
    const due = minds.filter(({ nextMs }) => nextMs === nowMs);
    looks += due.length;
    for (const mind of due) {
      const look = lookOf(mind, seen, { cluster, words, beginMs, nowMs });
      const decision = decide(look);
      last.set(mind.runner.name, { seen: look, decision });
      follow(mind, decision, nowMs);
    }
    const winners = due
      .filter(({ runner }) => takesKey(last.get(runner.name)?.decision))
      .map(({ runner }) => runner.name);
    if (winners.length > 0) return { winners, tookMs: nowMs - beginMs, last };
  }
  return { winners: [], tookMs: patienceMs(seen), last };
}

export const takesKey = (said: Pick<Decision, 'actions'> | undefined): boolean =>
  said?.actions.some(({ kind }) => kind === 'acquireLeaderKey') === true;

/** What the decision asks for, and when it looks again. */
function follow(mind: Mind, { actions, memory, wakeInMs }: Decision, nowMs: InstantMs): void {
  mind.memory = memory;
  const asks = actions.some(({ kind }) => kind === 'askPeers') && mind.askedMs === null;
  const asksLease = actions.some(({ kind }) => kind === 'askLeaderLease') && mind.leaseAskedMs === null;
  if (asks) mind.askedMs = nowMs;
  if (asksLease) mind.leaseAskedMs = nowMs;
  mind.nextMs = later(nowMs, asks || asksLease ? answerMs : Math.max(pauseMs, wakeInMs));
}

interface Scene {
  readonly cluster: Cluster;
  readonly words: ReadonlyMap<string, Said>;
  readonly beginMs: InstantMs;
  readonly nowMs: InstantMs;
}

function lookOf(mind: Mind, seen: Observation, scene: Scene): Observation {
  const { cluster, beginMs, nowMs } = scene;
  const leaseIsKnown = mind.leaseAskedMs !== null && nowMs >= mind.leaseAskedMs + answerMs;
  const vacancy =
    cluster.leader === null ? stillVacant(seen, leaseIsKnown, nowMs) : orphaned(cluster.leader, leaseIsKnown, beginMs);
  return {
    ...mind.view,
    nowMs,
    memory: mind.memory,
    dcs: {
      kind: 'reachable',
      sinceMs: seen.dcs.sinceMs,
      cluster: { ...cluster, leader: null },
      readMs: nowMs,
      vacancy,
    },
    peers: othersOf(mind, seen, scene),
  };
}

/** Who dies leaves a key that goes with its lease. */
const orphaned = (last: LeaderKey, leaseIsKnown: boolean, sinceMs: InstantMs): Vacancy => ({
  last,
  sinceMs,
  released: false,
  lease: { kind: leaseIsKnown ? 'ended' : 'unknown' },
});

/** Gone before: as it was seen, and its lease runs down as it would. */
function stillVacant({ dcs }: Observation, leaseIsKnown: boolean, nowMs: InstantMs): Vacancy | null {
  const vacancy = dcs.kind === 'reachable' ? dcs.vacancy : null;
  if (vacancy === null || !leaseIsKnown || vacancy.lease.kind !== 'alive') return vacancy;
  const { leftMs, askedMs } = vacancy.lease;
  const stillMs = askedMs + leftMs - nowMs;
  const lease =
    stillMs > 0 ? ({ kind: 'alive', leftMs: stillMs, askedMs: nowMs } as const) : ({ kind: 'ended' } as const);
  return { ...vacancy, lease };
}

/** Those that are left answer what they were asked; the others are silent, and known as they were last. */
function othersOf(
  { runner, askedMs }: Mind,
  seen: Observation,
  { cluster, words, nowMs }: Scene,
): readonly PeerReport[] {
  const names = new Set([...memberNames(seen, cluster), ...seen.peers.map(({ name }) => name)]);
  names.delete(runner.name);
  const nobody = { said: null, askedMs: null, last: { kind: 'silent', atMs: instantMs(0), why: 'gone' } } as const;
  return [...names].map((name): PeerReport => {
    const report = seen.peers.find((peer) => peer.name === name) ?? { name, apiUrl: '', ...nobody };
    const word = words.get(report.name);
    const before = { ...report, said: word ?? report.said, askedMs: null };
    if (askedMs === null || nowMs < askedMs + answerMs)
      return { ...before, last: askedMs === null ? nobody.last : { kind: 'waiting', sinceMs: askedMs } };
    if (word !== undefined) return { ...before, askedMs, last: { kind: 'answered', atMs: later(askedMs, answerMs) } };
    if (nowMs < askedMs + silentAfterMs) return { ...before, last: { kind: 'waiting', sinceMs: askedMs } };
    return { ...before, last: { kind: 'silent', atMs: later(askedMs, silentAfterMs), why: 'no answer' } };
  });
}

/** What the winner decides next: the key is its own, on a lease just granted, and its guard is armed where it has one. */
export function afterWinning(seen: Observation, cluster: Cluster, atMs: InstantMs): Decision {
  const { name } = seen.settings.local;
  const { ttlMs } = seen.settings.cluster;
  const held = {
    lease: leaseId(1n),
    term: term(cluster.revision + 1n),
    ttlMs,
    sentMs: atMs,
    deadlineMs: later(atMs, ttlMs / 2),
    proven: true,
  };
  const leader = { name, term: held.term, lease: held.lease, modRevision: cluster.revision };
  const guard = seen.guard.kind === 'present' ? { ...seen.guard, armedMs: held.deadlineMs } : seen.guard;
  return decide({
    ...seen,
    nowMs: atMs,
    held,
    guard,
    dcs: { kind: 'reachable', sinceMs: seen.dcs.sinceMs, cluster: { ...cluster, leader }, readMs: atMs, vacancy: null },
  });
}
