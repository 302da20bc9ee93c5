import type { Fact, Verdict } from '../../model/decision.ts';
import type { Promised } from '../../model/failsafe.ts';
import type { Observation } from '../../model/observation.ts';
import type { Upstream } from '../../model/postgres.ts';
import { slotNameOf } from '../../model/slotName.ts';
import type { InstantMs } from '../../model/units.ts';
import { freshAnswers, leaderless, leaderlessSince, livingPrimary, saysNoPrimary } from '../contest.ts';
import { listedWithoutMe, promiseInForce } from '../failsafe.ts';
import { clusterOf, dueRequest, me } from '../judge.ts';
import type { Rule } from '../rule.ts';
import { rememberedBySlot } from '../slots/retention.ts';
import { isSynchronous } from '../synchronous/standing.ts';

/** The leader key is gone. Is the reign before surely over, so that anybody may ask for it? */

/** Is the reign before surely over? Released, or its lease ended, or its holder says it is no primary. */
const notVacant: Rule = {
  name: 'race.leaseAlive',
  reason: 'the key is gone but the lease behind it is not: its holder may still be primary',
  judge(seen) {
    if (leaderless(seen) === null || seen.dcs.kind !== 'reachable') return undefined;
    const { vacancy } = seen.dcs;
    if (vacancy === null) return undefined;
    if (vacancy.released || vacancy.lease.kind === 'ended') return undefined;
    const said = freshAnswers(seen, vacancy.sinceMs).includes(vacancy.last.name);
    const because: Fact[] = [
      ['holder', vacancy.last.name],
      ['lease', vacancy.lease.kind],
      ['goneMs', Math.round(seen.nowMs - vacancy.sinceMs)],
    ];
    if (said && saysNoPrimary(seen, vacancy.last.name)) return undefined;
    // Its lease can not outlive its ttl, whatever etcd fails to tell.
    if (vacancy.lease.kind === 'unknown' && seen.nowMs - vacancy.sinceMs > seen.settings.cluster.ttlMs + 2_000)
      return undefined;
    const leftMs = vacancy.lease.kind === 'alive' ? vacancy.lease.leftMs - (seen.nowMs - vacancy.lease.askedMs) : 0;
    return {
      actions: [{ kind: 'askLeaderLease' }, { kind: 'askPeers' }],
      because,
      wakeInMs: Math.min(1_000, Math.max(100, leftMs)),
    };
  },
};

/** In pause the guard of the primary is disarmed: however its key went, only its own word tells that it takes no writes. */
const unfenced: Rule = {
  name: 'race.unfenced',
  reason: 'the last primary was left without a guard in pause, and does not say that it takes no writes',
  judge(seen) {
    const holder = clusterOf(seen)?.unfenced ?? null;
    if (leaderless(seen) === null || seen.dcs.kind !== 'reachable' || holder === null || holder === me(seen))
      return undefined;
    const request = dueRequest(seen);
    if (request !== null && request.leader === null && request.candidate === me(seen)) return undefined;
    const answered = freshAnswers(seen, leaderlessSince(seen)).includes(holder);
    if (answered && saysNoPrimary(seen, holder)) return undefined;
    return {
      actions: [{ kind: 'askPeers' }],
      because: [
        ['holder', holder],
        ['needsOperator', `start its agent; if it is gone for good: failover --candidate ${me(seen)}`],
      ],
      wakeInMs: 1_000,
    };
  },
};

/** An agent that saw no leader since it began knows nothing of how the last reign ended. */
const unknownPast: Rule = {
  name: 'race.unknownPast',
  reason: 'this agent never saw a leader: all members must say they are no primary, or etcd show none for one ttl',
  judge(seen) {
    const cluster = clusterOf(seen);
    if (leaderless(seen) === null || cluster === null || seen.dcs.kind !== 'reachable' || seen.dcs.vacancy !== null)
      return undefined;
    const others = cluster.members.filter((member) => member.name !== me(seen));
    // An agent that has just begun answers, and does not know yet: that is no word of its server.
    const sinceMs = leaderlessSince(seen);
    const sure = freshAnswers(seen, sinceMs).filter((name) => saysNoPrimary(seen, name));
    const silent = [
      ...others.filter((member) => !sure.includes(member.name)).map(({ name }) => name),
      ...rememberedBySlot(seen, cluster, [me(seen), ...others.map(({ name }) => name)]),
    ];
    const waitedMs = seen.nowMs - sinceMs;
    // A cluster of which only I am up may have lost its store's memory, too: then time alone can tell.
    if ((silent.length === 0 && others.length > 0) || waitedMs > seen.settings.cluster.ttlMs) return undefined;
    return {
      actions: [{ kind: 'askPeers' }],
      because: [
        ['silent', silent.join(',') || null],
        ['waitedMs', Math.round(waitedMs)],
        ['ttlMs', seen.settings.cluster.ttlMs],
      ],
      wakeInMs: 500,
    };
  },
};

const promised: Rule = {
  name: 'race.promised',
  reason: 'a primary without etcd was promised that this node does not take its place yet',
  judge(seen) {
    if (leaderless(seen) === null) return undefined;
    const promise = promiseInForce(seen);
    if (promise === null) return undefined;
    const leftMs = promise.untilMs - seen.nowMs;
    const because: Fact[] = [
      ['to', promise.to ?? 'not known: this agent began within the last ttl'],
      ['leftMs', Math.round(leftMs)],
    ];
    const wait: Verdict = { actions: [{ kind: 'askPeers' }], because, wakeInMs: Math.min(1_000, leftMs) };
    const upstream = withdrawnFrom(seen, promise);
    if (upstream === null) return wait;
    because.push(['from', `${upstream.host}:${upstream.port}`]);
    return { ...wait, actions: [...wait.actions, { kind: 'startJob', job: { kind: 'follow', upstream } }] };
  },
};

/** A standby that had withdrawn before it promised: that primary goes on, and may wait for it. */
function withdrawnFrom(seen: Observation, { to, at }: Promised): Upstream | null {
  const standby = leaderless(seen);
  const { nostream } = seen.settings.local.tags;
  if (standby === null || standby.upstream !== null || to === null || at === null || nostream) return null;
  const last = seen.jobs.kind === 'idle' ? seen.jobs.last : null;
  const isTold = last?.job.kind === 'follow' && last.job.upstream?.member === to;
  if (isTold && seen.nowMs - last.endedMs < againMs) return null;
  return { member: to, ...at, slot: seen.settings.postgres.useSlots ? slotNameOf(me(seen)) : null };
}
const againMs = 1_000;

/** Whoever is not on the list is not asked: a primary without etcd does not know that it could be elected. */
const notListed: Rule = {
  name: 'race.notListed',
  reason: 'a primary without etcd does not ask this node, which may lead only when there is surely none',
  judge(seen) {
    const listed = leaderless(seen) === null ? null : listedWithoutMe(seen);
    if (listed === null || seen.dcs.kind !== 'reachable') return undefined;
    const { vacancy } = seen.dcs;
    if (vacancy?.released === true) return undefined;
    const fresh = freshAnswers(seen, leaderlessSince(seen));
    if (listed.every((name) => fresh.includes(name) && saysNoPrimary(seen, name))) return undefined;
    return {
      actions: [{ kind: 'askPeers' }],
      because: [
        ['listed', listed.join(',')],
        ['needsOperator', 'if PostgreSQL is surely down on those that do not answer: delete the key failsafe'],
      ],
      wakeInMs: 1_000,
    };
  },
};

const vetoed: Rule = {
  name: 'race.livingPrimary',
  reason: 'a member answers that it runs as primary: nobody is promoted beside it',
  judge(seen) {
    if (leaderless(seen) === null) return undefined;
    const living = livingPrimary(seen);
    if (living === null) return undefined;
    return { actions: [{ kind: 'askPeers' }], because: [['primary', living]], wakeInMs: 500 };
  },
};

/** One of them speaks as long as the last primary may be one still. */
const untilOver: readonly Rule[] = [promised, vetoed, unfenced, notVacant, unknownPast];
export const lastReignRules: readonly Rule[] = [...untilOver, notListed];

/** Since when it is known, in this vacancy, that nobody acknowledges anything any more: votes must be of the time after that. */
export function overMemory(seen: Observation): InstantMs | null {
  if (leaderless(seen) === null || !isSynchronous(seen)) return null;
  if (untilOver.some((rule) => rule.judge(seen) !== undefined)) return null;
  const before = seen.memory.overSinceMs;
  return before !== null && before >= leaderlessSince(seen) ? before : seen.nowMs;
}
