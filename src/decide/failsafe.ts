import type { LeaderKey } from '../model/cluster.ts';
import type { Fact } from '../model/decision.ts';
import type { PromiseAnswer, PromiseAsk, Promised } from '../model/failsafe.ts';
import { endsCommits } from '../model/health.ts';
import type { Observation } from '../model/observation.ts';
import type { InstantMs, Term } from '../model/units.ts';
import { freshAnswers, leaderlessSince, saysNoPrimary } from './contest.ts';
import { isStartGivenUp } from './crash.ts';
import {
  clusterOf,
  clusterTimeline,
  iAmLeader,
  lastRanAsPrimary,
  leaderOf,
  mayAcceptWrites,
  me,
  newerPrimary,
  runningPrimary,
} from './judge.ts';
import { hungLimitMs, renewEveryMs, underLease } from './timing.ts';

/**
 * Failsafe mode: a primary without etcd goes on while all that could take its place promise not to. Why all, and no majority: the
 * members' majority has nothing to do with etcd's. One member that still has etcd could be elected; only whoever has heard
 * all knows that there is no such one.
 */

/** Jobs at whose end this node may be a primary. */
const risesBy: ReadonlySet<string> = new Set(['bootstrap', 'startPrimary', 'promote']);

/** The promise that binds this node now; null: none does. */
export function promiseInForce(seen: Observation): Promised | null {
  const { promised } = seen.failsafe;
  if (promised === null) return null;
  if (promised.to !== null && promised.untilMs > seen.nowMs && !isVoid(seen, promised)) return promised;
  const { anybodyUntilMs } = promised;
  if (anybodyUntilMs === null || anybodyUntilMs <= seen.nowMs || knowsThatNothingWasPromised(seen)) return null;
  return { ...promised, to: null, term: null, untilMs: anybodyUntilMs };
}

/** Whoever was promised to says itself that it is done, or its reign is surely over. */
function isVoid(seen: Observation, promised: Promised): boolean {
  const holder = seen.peers.find(({ name }) => name === promised.to);
  if (holder?.said?.noPrimary === true && (holder.askedMs ?? 0) >= promised.givenMs) return true;
  const vacancy = seen.dcs.kind === 'reachable' ? seen.dcs.vacancy : null;
  if (vacancy === null || promised.term === null) return false;
  return vacancy.last.term > promised.term || (vacancy.last.term === promised.term && vacancy.released);
}

/** What the agent before this one said matters only where there is a primary that heard it. */
function knowsThatNothingWasPromised(seen: Observation): boolean {
  const cluster = clusterOf(seen);
  if (mayAcceptWrites(seen.postgres)) return true; // an agent over a primary promises nothing
  if (cluster === null) return false;
  if (!seen.settings.cluster.failsafeMode && cluster.failsafe === null) return true;
  const { vacancy } = seen.dcs.kind === 'reachable' ? seen.dcs : { vacancy: null };
  if (vacancy?.released === true) return true;
  const fresh = freshAnswers(seen, leaderlessSince(seen));
  const others = new Set([...cluster.members.map(({ name }) => name), ...Object.keys(cluster.failsafe?.members ?? {})]);
  others.delete(me(seen));
  return [...others].every((name) => fresh.includes(name) && saysNoPrimary(seen, name));
}

/** Who may be asked to promise, and so who may lead, when this node is not among them; null: it is, or nobody is asked. */
export function listedWithoutMe(seen: Observation): readonly string[] | null {
  const names = Object.keys(clusterOf(seen)?.failsafe?.members ?? {});
  return names.length === 0 || names.includes(me(seen)) ? null : names;
}

/** After so much more than its time a renewal that fails is no accident of one request. */
const overdueFactor = 1.3;

/** This is the primary, or it can start again as that, and the members may be asked not to take its place. */
export function mayAskPromises(seen: Observation): boolean {
  const { held } = seen;
  if (held === null || !isArmed(seen) || isOfNoUse(seen)) return false;
  // What the members promise would be void as soon as that arrived.
  if (held.releaseInDoubt === true) return false;
  return wentDown(seen) || mayAcceptWrites(seen.postgres);
}

/** Whether the members should be asked now: they may be, and etcd does not renew the lease. */
export function promisesDue(seen: Observation): boolean {
  const { held, settings, failsafe, dcs, nowMs } = seen;
  if (held === null || failsafe.askingSinceMs !== null || !mayAskPromises(seen)) return false;
  const isDown = wentDown(seen);
  const sinceMs = nowMs - held.sentMs;
  const everyMs = renewEveryMs(underLease(settings.cluster, held));
  // An agent that took a lease over, and has read no key, tells its clients that it leads when all have promised; and who
  // went down starts in place by that.
  if (dcs.kind === 'unreachable')
    return sinceMs >= everyMs * 0.9 || !held.proven || (isDown && held.byMembers !== true);
  if (goesOnWithoutKey(seen)) return sinceMs >= everyMs * 0.9;
  return iAmLeader(seen) && sinceMs >= everyMs * overdueFactor;
}

/** A primary that does not come up, or on which no commit ends, keeps nobody from its place: with etcd it would have given way. */
function isOfNoUse(seen: Observation): boolean {
  const { cluster } = seen.settings;
  const hindrance = seen.health?.hindrance ?? null;
  const isHung = hindrance !== null && endsCommits(hindrance.kind) && cluster.primaryHealth === 'failover';
  if (isHung && seen.nowMs - hindrance.sinceMs >= hungLimitMs(cluster, hindrance.kind)) return true;
  const isDown = seen.postgres.kind === 'stopped' || seen.postgres.kind === 'starting';
  return isDown && isStartGivenUp(seen);
}

/**
 * etcd answers again, the key went with its lease meanwhile, and all have promised: nobody was asked to give anything up. It is
 * held on to until the key is taken anew, or etcd, gone again before that, would end what the members allow.
 */
export function goesOnWithoutKey(seen: Observation): boolean {
  const { held, nowMs } = seen;
  const cluster = clusterOf(seen);
  const mine = runningPrimary(seen);
  const known = clusterTimeline(seen);
  return (
    held?.byMembers === true &&
    nowMs < held.deadlineMs &&
    isArmed(seen) &&
    cluster !== null &&
    cluster.leader === null &&
    cluster.initialize.kind !== 'bootstrapping' &&
    mine !== null &&
    (known === null || mine.timeline >= known) &&
    newerPrimary(seen, mine.timeline) === null
  );
}

/** This node's primary, down without anybody having asked for it: it can start again as what it was. */
export function wentDown({ postgres, memory }: Observation): boolean {
  if (postgres.kind !== 'stopped' || memory.stepDown !== null) return false;
  return lastRanAsPrimary(postgres.control) && !postgres.standbySignal && !postgres.backupLabel;
}

/** The mode is on, and it is known whom to ask. In pause nobody is promoted, and no guard waits for a deadline. */
const isArmed = (seen: Observation): boolean =>
  seen.settings.cluster.failsafeMode &&
  !seen.settings.cluster.pause &&
  seen.failsafe.map !== null &&
  me(seen) in seen.failsafe.map;

/** How it stands with the members' promises, for whoever reads why a primary without etcd goes on, or ends. */
export function failsafeFacts(seen: Observation): readonly Fact[] {
  const { settings, failsafe, held } = seen;
  if (!settings.cluster.failsafeMode) return [['failsafe', 'failsafe_mode is off']];
  if (failsafe.map === null) return [['failsafe', 'it is not known who must be asked: /failsafe was never read']];
  if (!(me(seen) in failsafe.map)) return [['failsafe', 'this node is not on the list that etcd held last']];
  const { last } = failsafe;
  if (last === null || (held !== null && last.sentMs < held.sentMs)) return [];
  if (last.refusals.length > 0)
    return [['failsafe', `no promise of ${last.refusals.map(({ member, why }) => `${member} (${why})`).join(', ')}`]];
  return [['failsafe', 'all members promise not to take its place']];
}

/** How this node stands as it is asked, read live. */
export interface Standing {
  readonly seen: Observation | null;
  /** It holds a lease, or has just asked etcd for the leader key. */
  readonly leads: boolean;
  /** Of those that were in force since this agent began. */
  readonly longestTtlMs: number;
}

/**
 * A promise binds for as long as is asked: to promise less than that would not be heard. So what is longer than any ttl that the one
 * who asks can go by is refused, or anybody whom the API lets in could keep this node from leading for as long as he likes. One that
 * has had no etcd since then still goes by a ttl from before this agent began, of usual length.
 */
const promiseMostMs = (longestTtlMs: number): number => Math.max(60_000, 2 * longestTtlMs);

/** Null: the promise may be given. */
export function whyNoPromise(
  { seen, leads, longestTtlMs }: Standing,
  ask: PromiseAsk,
): Extract<PromiseAnswer, { kind: 'refused' }> | null {
  const no = (status: number, why: string) => ({ kind: 'refused', status, why }) as const;
  if (seen === null) return no(503, 'this agent has just begun, and has not looked yet');
  if (!seen.settings.cluster.failsafeMode) return no(502, 'failsafe_mode is off');
  const rises = seen.jobs.kind === 'busy' && risesBy.has(seen.jobs.job.kind);
  if (leads || rises || mayAcceptWrites(seen.postgres)) return no(500, 'Running as a leader');
  if (ask.asks !== null && ask.asks !== me(seen)) return no(400, `this is ${me(seen)}, not ${ask.asks}`);
  if (ask.ttlMs !== null && ask.ttlMs > promiseMostMs(longestTtlMs))
    return no(
      400,
      `matriarch.ttl_ms: ${ask.ttlMs} is more than ${promiseMostMs(longestTtlMs)}, twice the longest ttl here`,
    );
  if (ask.name === me(seen)) return no(400, `name: ${ask.name} is this member itself`);
  const leader = leaderOf(seen);
  if (leader !== null && leader.name !== ask.name) return no(409, `${leader.name} holds the leader key`);
  const bound = promiseInForce(seen);
  // Of two that may both be primary only one can be given way to; the promise to the other ends with its time, or its reign.
  const another = bound !== null && bound.to !== null && bound.to !== ask.name;
  const reign = promisedTerm(seen, ask);
  if (another && !(reign !== null && bound.term !== null && reign > bound.term))
    return no(409, `${bound.to} was promised its place`);
  const known = latestTerm(seen);
  if (reign !== null && known !== null && known > reign)
    return no(409, `term ${ask.term} of ${ask.name} is over: ${known} came after it`);
  return null;
}

/**
 * The reign that a promise is for. Whoever took the key just as etcd went may not have heard of that, and asks by its reign before, and
 * with the leases on which the key may be: a promise for what came before would be void as soon as it is given.
 */
export function promisedTerm(seen: Observation, ask: Pick<PromiseAsk, 'name' | 'term' | 'tries'>): Term | null {
  if (ask.term === null || ask.tries.length === 0) return ask.term;
  const promise = promiseInForce(seen);
  const taken = reigns(seen).filter(
    ({ name, lease }) => name === ask.name && lease !== null && ask.tries.includes(lease),
  );
  return latest([ask.term, ...taken.map(({ term }) => term), ...(promise?.to === ask.name ? [promise.term] : [])]);
}

/** The latest reign that this node knows of; null: none. */
const latestTerm = (seen: Observation): Term | null =>
  latest([...reigns(seen).map(({ term }) => term), promiseInForce(seen)?.term ?? null]);

function reigns({ dcs }: Observation): readonly LeaderKey[] {
  const cluster = dcs.kind === 'reachable' ? dcs.cluster : dcs.lastSeen;
  const vacancy = dcs.kind === 'reachable' ? dcs.vacancy : null;
  return [cluster?.leader ?? null, vacancy?.last ?? null].filter((reign) => reign !== null);
}

const latest = (terms: readonly (Term | null)[]): Term | null =>
  terms.reduce((a, b) => (b === null || (a !== null && a > b) ? a : b), null);

/** The promise as a decision saw it: whoever acts on that decision finds out whether another was given since. */
export interface PromiseSeen {
  readonly givenMs: InstantMs | null;
  readonly inForce: boolean;
}
export const promiseSeen = (seen: Observation): PromiseSeen => ({
  givenMs: seen.failsafe.promised?.givenMs ?? null,
  inForce: promiseInForce(seen) !== null,
});
