import type { Fact } from '../../model/decision.ts';
import { endsCommits, type Hindrance } from '../../model/health.ts';
import type { Job } from '../../model/job.ts';
import type { Observation } from '../../model/observation.ts';
import { later, type Timeline } from '../../model/units.ts';
import { successors } from '../handover.ts';
import { clusterTimeline, controlOf, iAmLeader, runningPrimary } from '../judge.ts';
import type { Rule } from '../rule.ts';
import { hungLimitMs, stopBudgetMs, underLease } from '../timing.ts';

/** I lead, the server lives, and no commit has an end on it: said, and handed over where that helps. */

/** A standby that said so within this time counts as able to take over. */
const recentMs = 5_000;
/** What of a hung server is to end in order, ends within this time. */
const orderlyMs = 5_000;
const killAfterMs = 2_000;

interface Hung {
  readonly kind: Hindrance;
  readonly forMs: number;
  readonly why: string;
  /** No WAL has reached the disk since it is so. */
  readonly nothingMoves: boolean;
}

/** Null: commits become durable here, or what is in the way is none of the disk's or the server's. */
function hungFor(seen: Observation): Hung | null {
  const hindrance = seen.health?.hindrance ?? null;
  if (hindrance === null || !endsCommits(hindrance.kind) || !iAmLeader(seen) || !leadsAsPrimary(seen)) return null;
  const { kind, sinceMs, why } = hindrance;
  const provenMs = seen.health?.provenMs ?? null;
  return { kind, forMs: seen.nowMs - sinceMs, why, nothingMoves: provenMs === null || provenMs <= sinceMs };
}

const leadsAsPrimary = ({ postgres }: Observation): boolean =>
  postgres.kind === 'running'
    ? postgres.role === 'primary'
    : postgres.kind === 'unresponsive' && postgres.believed === 'primary';

/**
 * Who could take over now. Where no more WAL gets to the disk, what is flushed is known, and who lacks some of it has only to be
 * waited for. Where some does, under a frozen postmaster or beside a full disk, the end is in order and brings the rest.
 */
function takers(seen: Observation, { nothingMoves }: Hung): readonly string[] {
  const mine = timelineOf(seen);
  if (mine === null) return [];
  const able = successors(seen, mine, later(seen.nowMs, -recentMs));
  const flushed = nothingMoves ? (runningPrimary(seen)?.flushLsn ?? null) : null;
  return able.filter((name) => {
    const said = seen.peers.find((peer) => peer.name === name)?.said;
    return said?.hindrance === undefined && (flushed === null || (said?.position ?? 0n) >= flushed);
  });
}

/** A server that gives no answer is on the timeline that it was last seen on, while it led. */
const timelineOf = (seen: Observation): Timeline | null =>
  runningPrimary(seen)?.timeline ?? clusterTimeline(seen) ?? controlOf(seen.postgres)?.timeline ?? null;

const factsOf = (seen: Observation, { kind, forMs, why }: Hung, able: readonly string[]): readonly Fact[] => [
  ['hindrance', kind],
  ['forMs', Math.round(forMs)],
  ['limitMs', Math.round(hungLimitMs(seen.settings.cluster, kind))],
  ['why', why],
  ['successors', able.join(',') || null],
];

const isDue = ({ settings: { cluster } }: Observation, { forMs, kind }: Hung): boolean =>
  cluster.primaryHealth === 'failover' && !cluster.pause && forMs >= hungLimitMs(cluster, kind);

/** The lease is renewed all the while: a frozen server goes on within it, or not at all. */
function stopOf(seen: Observation, able: readonly string[], why: string): Job {
  const { held, nowMs, settings } = seen;
  const immediateAtMs = later(nowMs, orderlyMs);
  const thawBeforeMs =
    held === null ? {} : { thawBeforeMs: later(held.deadlineMs, -stopBudgetMs(underLease(settings.cluster, held))) };
  return {
    kind: 'stop',
    mode: 'fast',
    why,
    checkpointFirst: false,
    budget: { immediateAtMs, killAtMs: later(immediateAtMs, killAfterMs) },
    successors: able,
    ...thawBeforeMs,
  };
}

const giveWay: Rule = {
  name: 'primary.hung.giveWay',
  reason: 'no commit has become durable here for primary_health_timeout: stopped where a standby can take over',
  judge(seen) {
    const hung = hungFor(seen);
    if (hung === null || seen.held === null || !isDue(seen, hung)) return undefined;
    const able = takers(seen, hung);
    const because = factsOf(seen, hung, able);
    // A checkpoint waits for the same disk. Other jobs stop this server, or start it anew.
    if (seen.jobs.kind === 'busy') {
      if (seen.jobs.job.kind !== 'checkpoint') return undefined;
      if (able.length === 0) return { actions: [{ kind: 'askPeers' }], because, wakeInMs: 1_000 };
      const why = 'the disk that it waits for is given up';
      return { actions: seen.jobs.cancelling ? [] : [{ kind: 'cancelJob', why }], because, wakeInMs: 100 };
    }
    const mine = timelineOf(seen);
    if (able.length === 0 || mine === null) return undefined;
    const { term } = seen.held;
    return {
      actions: [
        { kind: 'renewLease' },
        { kind: 'askPeers' },
        { kind: 'startJob', job: stopOf(seen, able, `no commit has an end here: ${hung.kind}`) },
      ],
      because,
      memory: {
        hung: { term, kind: hung.kind, timeline: mine },
        stepDown: { term, candidate: null, sinceMs: seen.nowMs, shutdownLsn: null, givenUp: false },
      },
    };
  },
};

/** Why it stays as it is. */
function whyStays(seen: Observation, hung: Hung): string {
  const { primaryHealth, pause } = seen.settings.cluster;
  if (pause) return 'paused: nothing is done about it';
  if (primaryHealth === 'report') return 'primary_health is report: nothing is done about it';
  return isDue(seen, hung) ? 'no standby can take over' : 'handed over when it lasts';
}

const told: Rule = {
  name: 'primary.hung',
  reason: 'the server lives, and no commit becomes durable on it',
  judge(seen) {
    const hung = hungFor(seen);
    if (hung === null) return undefined;
    const due = isDue(seen, hung);
    const leftMs = hungLimitMs(seen.settings.cluster, hung.kind) - hung.forMs;
    return {
      actions: due ? [{ kind: 'askPeers' }] : [],
      because: [...factsOf(seen, hung, takers(seen, hung)), ['outcome', whyStays(seen, hung)]],
      ...(due || leftMs > 0 ? { wakeInMs: leftMs > 0 ? Math.min(1_000, leftMs) : 1_000 } : {}),
    };
  },
};

export const hungRules: readonly Rule[] = [giveWay];
export const hungToldRules: readonly Rule[] = [told];
