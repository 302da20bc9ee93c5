import type { Fact, Verdict } from '../../model/decision.ts';
import type { Job, JobBoard, StopBudget } from '../../model/job.ts';
import type { Observation } from '../../model/observation.ts';
import { type InstantMs, later } from '../../model/units.ts';
import { failsafeFacts, goesOnWithoutKey } from '../failsafe.ts';
import {
  clusterOf,
  clusterTimeline,
  controlOf,
  deadlineInForce,
  iAmLeader,
  leaderOf,
  mayAcceptWrites,
  me,
  newerPrimary,
  otherLeader,
  runningPrimary,
  writesUntil,
} from '../judge.ts';
import { mayFinish } from '../newborn.ts';
import type { Rule } from '../rule.ts';
import { leaseLeftMs, stopBudgetBefore, stopBudgetMs, underLease } from '../timing.ts';
import { adoptKey, nameInUse } from './adopt.ts';

/**
 * What must hold whatever else is going on: a server that may accept writes has the right to lead, and the data
 * directory belongs to this cluster. These come before pause, before jobs, before everything.
 */

const stop = (mode: 'fast' | 'immediate', why: string, budget: StopBudget): Job => ({
  kind: 'stop',
  mode,
  why,
  checkpointFirst: false,
  budget,
});

/** How long an immediate stop may take where the right to write is not ending but gone. */
const killAfterMs = 300;
const atOnce = (seen: Observation): StopBudget => ({
  immediateAtMs: seen.nowMs,
  killAtMs: later(seen.nowMs, killAfterMs),
});

const busyWith = (seen: Observation, kinds: readonly Job['kind'][]): boolean =>
  seen.jobs.kind === 'busy' && kinds.includes(seen.jobs.job.kind);

/** Gets a server out of the way: cancels the job that brings one up, lets a stop go on, else begins one. */
function silence(
  seen: Observation,
  mode: 'fast' | 'immediate',
  why: string,
  because: readonly Fact[],
  budget: StopBudget = stopBudgetBefore(deadlineInForce(seen), underLease(seen.settings.cluster, seen.held)),
): Verdict {
  if (busyWith(seen, ['stop'])) return { actions: [], because: [...because, ['job', 'stop is running']] };
  if (seen.jobs.kind === 'busy') {
    const { job, cancelling, cancelledMs } = seen.jobs;
    // It waits for a disk that hangs, say, and the stop after it does not begin.
    const isStuck = mode === 'immediate' && cancelledMs !== undefined && seen.nowMs - cancelledMs >= killAfterMs;
    if (isStuck)
      return {
        actions: [{ kind: 'strike' }],
        because: [...because, ['job', job.kind], ['cancelledMs', Math.round(seen.nowMs - cancelledMs)]],
        wakeInMs: 1_000,
      };
    return {
      actions: cancelling ? [] : [{ kind: 'cancelJob', why }],
      because: [...because, ['job', job.kind]],
      wakeInMs: 100,
    };
  }
  return { actions: [{ kind: 'startJob', job: stop(mode, why, budget) }], because };
}

const isCancelling = (jobs: JobBoard): boolean => jobs.kind === 'busy' && jobs.cancelling;

const mayWriteOrIsComingUp = (seen: Observation): boolean =>
  mayAcceptWrites(seen.postgres) || busyWith(seen, ['promote', 'startPrimary']);

const foreignData: Rule = {
  name: 'data.foreign',
  reason: 'the data directory belongs to another cluster; nothing is touched',
  judge(seen) {
    const initialize = clusterOf(seen)?.initialize;
    const control = controlOf(seen.postgres);
    if (initialize?.kind !== 'done' || control === null || control.systemId === initialize.systemId) return undefined;
    const because: Fact[] = [
      ['mySystemId', control.systemId],
      ['clusterSystemId', initialize.systemId],
    ];
    if (seen.settings.cluster.pause) {
      return { actions: iAmLeader(seen) ? [{ kind: 'releaseLeaderKey', lsn: null }] : [], because, hold: true };
    }
    const message =
      `system identifier of ${seen.settings.local.postgres.dataDir} is ${control.systemId}, but cluster ${seen.settings.local.scope} has ` +
      `${initialize.systemId}: this is another cluster's data. Move it away, or use another scope. Nothing was touched`;
    return { actions: [{ kind: 'exit', code: 1, message }], because, hold: true };
  },
};

const leaderElsewhere: Rule = {
  name: 'primary.leaderElsewhere',
  reason: 'another member leads; stopped at once, since it may already accept writes',
  judge(seen) {
    const other = otherLeader(seen);
    if (other === null || !mayWriteOrIsComingUp(seen) || seen.settings.cluster.pause) return undefined;
    const because: Fact[] = [
      ['leader', other.name],
      ['term', String(other.term)],
    ];
    return silence(seen, 'immediate', `${other.name} holds the leader key`, because, atOnce(seen));
  },
};

const leaseRunningOut: Rule = {
  name: 'lease.runningOut',
  reason: 'no renewal was proven in time; clients are sent away before the lease ends',
  judge(seen) {
    if (seen.held === null || !mayWriteOrIsComingUp(seen) || seen.settings.cluster.pause) return undefined;
    // After a pause, in which the key went and no guard minds its deadline: it is dropped in this cycle, and asked for anew.
    const unminded = seen.guard.kind === 'present' && seen.guard.armedMs === null && runningPrimary(seen) !== null;
    if (unminded && seen.dcs.kind === 'reachable' && !iAmLeader(seen)) return undefined;
    const leftMs = leaseLeftMs(seen);
    if (leftMs > stopBudgetMs(underLease(seen.settings.cluster, seen.held))) return undefined;
    const why = seen.dcs.kind === 'unreachable' ? seen.dcs.why : 'renewals fail';
    return silence(seen, 'fast', 'the lease is running out', [
      ['leaseLeftMs', Math.round(leftMs)],
      ['etcd', why],
      ...(seen.dcs.kind === 'unreachable' ? failsafeFacts(seen) : []),
    ]);
  },
};

/** Bootstrap runs a primary that nobody can know yet; its job and the rule that ends it look after that one. */
const bootstrapping = (seen: Observation): boolean =>
  busyWith(seen, ['bootstrap']) || (seen.jobs.kind === 'idle' && runningPrimary(seen) !== null && mayFinish(seen));

/** retry_timeout; less when the guard's deadline of a lost lease comes first. */
function unleasedLimitMs(seen: Observation, sinceMs: InstantMs): number {
  const { retryTimeoutMs } = seen.settings.cluster;
  if (seen.guard.kind !== 'present' || seen.guard.armedMs === null) return retryTimeoutMs;
  return Math.min(retryTimeoutMs, seen.guard.armedMs - stopBudgetMs(seen.settings.cluster) - sinceMs);
}

/** The key went while etcd was away; nobody could take it, since all had promised. */
const takesKeyAgain: Rule = {
  name: 'primary.takesKeyAgain',
  reason: 'etcd is back, the leader key went meanwhile, and all members promised: this primary takes it anew',
  judge(seen) {
    const cluster = clusterOf(seen);
    if (cluster === null || !goesOnWithoutKey(seen) || seen.jobs.kind === 'busy') return undefined;
    return {
      actions: [{ kind: 'acquireLeaderKey', seenRevision: cluster.revision, ...writesUntil(seen) }],
      because: [['leaseLeftMs', Math.round(leaseLeftMs(seen))]],
      wakeInMs: 300,
    };
  },
};

const unleasedPrimary: Rule = {
  name: 'primary.unleased',
  reason: 'PostgreSQL accepts writes without a lease; it must get one soon, or stop',
  judge(seen) {
    const primary = mayAcceptWrites(seen.postgres);
    if (!primary || seen.held !== null || seen.settings.cluster.pause || bootstrapping(seen)) return undefined;
    if (busyWith(seen, ['stop'])) return undefined;
    const sinceMs = seen.memory.unleasedSinceMs ?? seen.nowMs;
    const forMs = seen.nowMs - sinceMs;
    const limitMs = unleasedLimitMs(seen, sinceMs);
    const facts: Fact[] = [
      ['unleasedMs', Math.round(forMs)],
      ['limitMs', Math.round(limitMs)],
    ];
    const mine = runningPrimary(seen);
    const cluster = clusterOf(seen);
    const known = clusterTimeline(seen);
    if (mine !== null && cluster !== null && known !== null && mine.timeline < known) {
      return silence(seen, 'immediate', 'the cluster went on to a newer timeline', [
        ...facts,
        ['timeline', mine.timeline],
        ['clusterTimeline', known],
      ]);
    }
    // It has no client yet that would lose anything, and what is on its way to accept writes cannot be asked to wait.
    if (seen.postgres.kind === 'starting')
      return silence(seen, 'immediate', 'a primary is starting without a lease', facts, atOnce(seen));
    if (forMs > limitMs) return silence(seen, 'fast', 'no lease was proven', facts);
    const newer = mine === null ? null : newerPrimary(seen, mine.timeline);
    if (newer !== null) facts.push(['newerPrimary', newer]);
    if (
      mine !== null &&
      cluster !== null &&
      cluster.leader === null &&
      newer === null &&
      seen.jobs.kind === 'idle' &&
      cluster.initialize.kind !== 'bootstrapping'
    ) {
      // No lease was lost to anybody: the key is absent, my timeline is the newest, and etcd decides who gets it.
      return {
        actions: [{ kind: 'acquireLeaderKey', seenRevision: cluster.revision, ...writesUntil(seen) }],
        because: [...facts, ['timeline', mine.timeline], ['clusterTimeline', known]],
        memory: { unleasedSinceMs: sinceMs },
        wakeInMs: 500,
      };
    }
    const key = leaderOf(seen);
    return {
      actions: [],
      because: [
        ...facts,
        [
          'leaderKey',
          key === null ? null : key.name === me(seen) ? 'bears my name on a lease that is not proven mine' : key.name,
        ],
      ],
      memory: { unleasedSinceMs: sinceMs },
      wakeInMs: 500,
    };
  },
};

/**
 * The renewals reach etcd, and no guard takes them over: the disk it writes to hangs, or none can be started. Its old
 * deadline has ended PostgreSQL, or will; the key must not bar the others meanwhile.
 */
const unguarded: Rule = {
  name: 'guard.missing',
  reason: 'no guard stands behind the lease: this node gives the leader key back',
  judge(seen) {
    const { held, settings, memory, jobs } = seen;
    const sinceMs = memory.unguardedSinceMs;
    if (held === null || sinceMs === null || settings.cluster.pause || seen.dcs.kind === 'unreachable')
      return undefined;
    const mayWrite = mayAcceptWrites(seen.postgres);
    const forMs = seen.nowMs - sinceMs;
    if (forMs < (mayWrite ? settings.cluster.ttlMs : settings.cluster.retryTimeoutMs)) return undefined;
    const because: Fact[] = [
      ['unguardedMs', Math.round(forMs)],
      ['guard', seen.guard.kind],
      ['postgres', seen.postgres.kind],
    ];
    // A start that hangs, too, is not waited for: it asks for the lease again before it goes on. A promotion may have been
    // signalled: it is over only when the server is gone.
    const comesUp = busyWith(seen, ['promote']) || (busyWith(seen, ['startPrimary']) && !isCancelling(jobs));
    if (mayWrite || comesUp) return silence(seen, 'fast', 'no guard stands behind the lease', because);
    return {
      actions: [{ kind: 'releaseLeaderKey', lsn: null }],
      because,
      memory: { noRaceBeforeMs: later(seen.nowMs, settings.cluster.ttlMs) },
    };
  },
};

export const safetyRules: readonly Rule[] = [
  nameInUse,
  foreignData,
  leaderElsewhere,
  leaseRunningOut,
  unguarded,
  adoptKey,
  takesKeyAgain,
  unleasedPrimary,
];
