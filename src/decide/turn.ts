import type { Fact } from '../model/decision.ts';
import type { Memory, Observation } from '../model/observation.ts';
import { type InstantMs, lsnText } from '../model/units.ts';
import { ahead, type Contender, contenders, leaderlessSince, oldHolder } from './contest.ts';
import { dueRequest, me, myPosition, type Position } from './judge.ts';
import { hasEveryCommit } from './synchronous/standing.ts';

/**
 * Whose turn it is among those that are ahead of this node. Each has one turn in a vacancy, the furthest first, and whoever did
 * not take the key in its turn is passed over: its etcd may be cut off, its agent may hang, and the others do not wait for ever.
 */

/** How long a named candidate, or one that is ahead and answers, may take for what it needs. */
export const candidateLimitMs = 5_000;
/** Whoever is ahead of a named candidate waits for it as long as it waits for them: the candidate waits on, or it would be chance who goes. */
const candidateWaitsOnMs = 1_500;

const furthestFirst = (a: Contender, b: Contender): number =>
  b.timeline - a.timeline || Number(b.lsn - a.lsn) || Number(a.worn) - Number(b.worn) || b.priority - a.priority;

/** All that are ahead of this node, the furthest first. */
export const betterThan = (seen: Observation, mine: Position): readonly Contender[] =>
  contenders(seen)
    .filter((peer) => ahead(seen, peer, mine))
    .toSorted(furthestFirst);

export interface Turn {
  readonly peer: Contender;
  readonly waitedMs: number;
  readonly limitMs: number;
  /** What is to be remembered of it. */
  readonly turns: Memory['turns'];
}

/** Who goes before this node now; null: nobody, or everybody that did had its turn. */
export function turnOf(seen: Observation, better: readonly Contender[]): Turn | null {
  const answering = better.filter(({ answers }) => answers);
  return answering.length > 0 ? turnOfAnswering(seen, answering) : graceForSilent(seen, better);
}

/** The turns of this vacancy: who was waited for in the one before begins anew. */
const turnsBegun = (seen: Observation): Memory['turns'] =>
  seen.memory.turns.filter(({ sinceMs }) => sinceMs >= leaderlessSince(seen));

/** One after the other: whoever comes after one that takes nothing is better than this node, too. */
function turnOfAnswering(seen: Observation, answering: readonly Contender[]): Turn | null {
  const isNamed = dueRequest(seen)?.candidate === me(seen);
  const limitMs = Math.max(seen.settings.cluster.aheadGraceMs, candidateLimitMs) + (isNamed ? candidateWaitsOnMs : 0);
  for (const peer of answering) {
    const turn = counted(seen, peer, beganOf(seen, [peer]), costs(seen, peer) === null ? limitMs : Infinity);
    if (turn !== null) return turn;
  }
  return null;
}

/** What nobody may pass over by policy: more than a failover may lose. Null: it costs no more than that, or nothing was promised. */
function costs(seen: Observation, peer: Contender): bigint | null {
  const mine = myPosition(seen);
  if (mine === null || peer.timeline !== mine.timeline || hasEveryCommit(seen, me(seen))) return null;
  // That it no longer leads is mostly because of what is wrong with it.
  if (peer.name === oldHolder(seen)) return null;
  const lackBytes = peer.lsn - mine.lsn;
  return lackBytes > BigInt(seen.settings.cluster.maximumLagBytesOnFailover) ? lackBytes : null;
}

/** What keeps this node waiting when the turn is over. */
export function whyNotPassedOver(seen: Observation, { peer, waitedMs }: Turn): readonly Fact[] {
  const lackBytes = costs(seen, peer);
  if (lackBytes === null || waitedMs <= candidateLimitMs || !peer.answers) return [];
  return [
    ['lackBytes', String(lackBytes)],
    ['maximumLagBytes', seen.settings.cluster.maximumLagBytesOnFailover],
    [
      'needsOperator',
      `see why ${peer.name} does not take the leader key; or failover --candidate ${me(seen)} (what it lacks is lost)`,
    ],
  ];
}

/** All that were last known ahead and are silent share one grace, counted from when they were first waited for. */
function graceForSilent(seen: Observation, silent: readonly Contender[]): Turn | null {
  const [peer] = silent;
  return peer === undefined ? null : counted(seen, peer, beganOf(seen, silent), seen.settings.cluster.aheadGraceMs);
}

function counted(seen: Observation, peer: Contender, beganMs: InstantMs | null, limitMs: number): Turn | null {
  const sinceMs = beganMs ?? seen.nowMs;
  const waitedMs = seen.nowMs - sinceMs;
  const turns = turnsBegun(seen);
  const begun = turns.some(({ member }) => member === peer.name);
  const noted = begun ? turns : [...turns, { member: peer.name, sinceMs }];
  return waitedMs > limitMs ? null : { peer, waitedMs, limitMs, turns: noted };
}

/** When the first of them began to be waited for. */
function beganOf(seen: Observation, peers: readonly Contender[]): InstantMs | null {
  const [first] = turnsBegun(seen).filter(({ member }) => peers.some(({ name }) => name === member));
  return first?.sinceMs ?? null;
}

/** An agent that is well looks each loop_wait, and a look takes a while. */
const lookTakesMs = 5_000;

/** Why it does not do what it is waited for, as far as it says itself. */
export function whyItWaits({ peers, settings }: Observation, name: string): readonly Fact[] {
  const said = peers.find((peer) => peer.name === name)?.said;
  if (said == null) return [];
  const { etcdAwayMs, lookedAgoMs, hindrance } = said;
  const why = [
    ...(etcdAwayMs === undefined ? [] : [`its etcd has not answered for ${Math.round(etcdAwayMs / 100) / 10} s`]),
    ...(lookedAgoMs !== null && lookedAgoMs > settings.cluster.loopWaitMs + lookTakesMs
      ? [`its agent has not looked for ${Math.round(lookedAgoMs / 1_000)} s`]
      : []),
    ...(hindrance === undefined ? [] : [hindrance]),
  ];
  return why.length === 0 ? [] : [['itSays', why.join('; ')]];
}

/** Who could have gone first, answers, and did not: told by whoever goes in its place. */
export function passedOver(seen: Observation): readonly Fact[] {
  const mine = myPosition(seen);
  if (mine === null) return [];
  const candidate = dueRequest(seen)?.candidate ?? null;
  if (candidate === me(seen)) return [];
  const better = betterThan(seen, mine);
  const names = new Set([...(candidate === null ? [] : [candidate]), ...better.map(({ name }) => name)]);
  const told = [...names].map((name) => {
    const at = better.find((peer) => peer.name === name)?.lsn;
    const why = whyItWaits(seen, name).map(([, value]) => `, ${value}`);
    return `${name}${at === undefined ? '' : ` at ${lsnText(at)}`}${why.join('')}`;
  });
  return told.length === 0 ? [] : [['passedOver', told.join('; ')]];
}
