import type { Cluster } from '../../model/cluster.ts';
import type { Decision } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import type { Past, Rehearsal, Risk, UnknownNames } from '../../model/rehearsal.ts';
import { later } from '../../model/units.ts';
import { me } from '../judge.ts';
import { statusAgeMs } from '../leaderEnd.ts';
import { playAlone } from './etcd.ts';
import { asSeenBy, leaderPosition, memberNames, namedBy, primaryOf, saidBy, standbyOf } from './imagine.ts';
import { leasePhase, leaseSpan, promotionPhase, racePhase, routedPhases, stopPhase } from './phases.ts';
import { afterWinning, playRace, type Runner } from './race.ts';
import { standingOf, standingWithoutEtcd, whyNobody } from './standing.ts';

/**
 * What would happen without these? The decision core itself is asked, on situations imagined from this agent's last look:
 * what each member that is left would see is made of what it says of itself. So nothing here judges; it only plays.
 */
export interface Question {
  /** Members, `etcd`, or `tag=value` for all members with that tag. */
  readonly without: readonly string[];
  /** Lease end minus this is the fence deadline. */
  readonly marginMs: number;
  readonly past: Past;
}

export function rehearse(seen: Observation, question: Question): Rehearsal | UnknownNames {
  const cluster = knownCluster(seen);
  const members = memberNames(seen, cluster);
  const found = question.without.map((word) => namedBy(word, members, cluster?.members ?? []));
  const names = question.without.filter((_word, i) => found[i] === null);
  if (names.length > 0) return { kind: 'unknownNames', names, members };
  const without = [...new Set(found.flatMap((some) => some ?? []))];
  return play(seen, { ...question, without });
}

/** Without whoever leads now: the question that matters at every moment. */
export const withoutLeader = (seen: Observation): readonly string[] => {
  const leader = knownCluster(seen)?.leader ?? null;
  return leader === null ? [] : [leader.name];
};

const knownCluster = ({ dcs }: Observation): Cluster | null => (dcs.kind === 'reachable' ? dcs.cluster : dcs.lastSeen);

function play(seen: Observation, question: Question): Rehearsal {
  const { without } = question;
  const cluster = knownCluster(seen);
  const leader = cluster?.leader?.name ?? null;
  const none = { without, leader, members: [], phases: [], risk: null };
  if (cluster === null)
    return { ...none, outcome: { kind: 'nobody', why: 'this agent has not read the cluster from etcd yet' } };
  if (without.includes('etcd') || seen.dcs.kind === 'unreachable') return playWithoutEtcd(seen, cluster, question);
  if (leader === null || without.includes(leader)) return playTakeover(seen, cluster, question);
  const next = play(seen, { ...question, without: [...without, leader] });
  return { ...none, members: next.members, outcome: { kind: 'leadsOn', leader, next } };
}

function playTakeover(seen: Observation, cluster: Cluster, { without, past }: Question): Rehearsal {
  const beginMs = later(seen.nowMs, cluster.leader === null ? 0 : leaseSpan(seen).typicalMs);
  const left = memberNames(seen, cluster).filter((name) => !without.includes(name));
  const runners = left.flatMap((name): readonly Runner[] => {
    const standby = standbyOf(seen, name);
    return typeof standby === 'string' ? [] : [{ name, standby }];
  });
  const ended = playRace(seen, cluster, { runners, left }, beginMs);
  const [winner] = ended.winners;
  const won = winner === undefined ? null : ended.last.get(winner);
  const then = won == null ? null : afterWinning(won.seen, cluster, later(beginMs, ended.tookMs));
  const promoted = then !== null && promotes(then);
  const members = left.map((name) => standingOf(seen, cluster, name, ended, promoted ? null : then));
  const base = { without, leader: cluster.leader?.name ?? null, members };
  if (winner === undefined || !promoted) {
    const why = then === null ? whyNobody(members) : `${winner} would take the leader key, and then: ${then.reason}`;
    return { ...base, outcome: { kind: 'nobody', why }, phases: [], risk: null };
  }
  return {
    ...base,
    outcome: { kind: 'takesOver', winner, equals: ended.winners.slice(1) },
    phases: [
      ...(cluster.leader === null ? [] : [leasePhase(seen, cluster.leader.name, past)]),
      racePhase(ended.tookMs, past),
      promotionPhase(past),
      ...routedPhases(past),
    ],
    risk: riskOf(seen, cluster, runners, ended.winners),
  };
}

const promotes = ({ actions }: Decision): boolean =>
  actions.some((action) => action.kind === 'startJob' && action.job.kind === 'promote');

/** The most that any of those who might win lacks. */
function riskOf(
  seen: Observation,
  cluster: Cluster,
  runners: readonly Runner[],
  winners: readonly string[],
): Risk | null {
  const leader = leaderPosition(seen, cluster);
  if (leader === null) return null;
  let bytes = 0n;
  for (const { name, standby } of runners) {
    const lacks = leader.at - standby.receivedLsn;
    if (winners.includes(name) && lacks > bytes) bytes = lacks;
  }
  return { bytes, oneLook: leader.oneLook, statusAgeMs: statusAgeMs(seen) };
}

/** Nobody is promoted without etcd, and whoever leads has its lease for as long as it was proven last. */
function playWithoutEtcd(seen: Observation, cluster: Cluster, { without, marginMs }: Question): Rehearsal {
  const leader = cluster.leader?.name ?? null;
  const left = memberNames(seen, cluster).filter((name) => !without.includes(name));
  const base = { without, leader, phases: [], risk: null };
  const leading = leader === null || without.includes(leader) ? null : primaryOf(seen, leader);
  const members = left.map((name) => standingWithoutEtcd(seen, cluster, name));
  if (leader === null || without.includes(leader) || leading === null) {
    const rule = members.flatMap(({ objections }) => objections).find((one) => one.rule !== null);
    const unseen = leader !== null && !without.includes(leader) ? `${leader} does not say that it is a primary; ` : '';
    return { ...base, members, outcome: { kind: 'nobody', why: `${unseen}${rule?.reason ?? 'etcd does not answer'}` } };
  }
  const asked = Object.keys(cluster.failsafe?.members ?? {}).filter((name) => name !== leader);
  const allPromise = asked.every(
    (name) => !without.includes(name) && (name === me(seen) || saidBy(seen, name) !== null),
  );
  const { stopsAfterMs, decision } = playAlone(asSeenBy(seen, leader, leading), leading, marginMs, allPromise);
  if (stopsAfterMs === null) return { ...base, members, outcome: { kind: 'goesOn', leader, why: decision.reason } };
  return {
    ...base,
    members,
    phases: [stopPhase(seen, leader, stopsAfterMs)],
    outcome: { kind: 'stops', leader, why: decision.reason },
  };
}
