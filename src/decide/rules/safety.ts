import type { Fact, Verdict } from '../../model/decision.ts';
import type { Job } from '../../model/job.ts';
import type { Observation } from '../../model/observation.ts';
import type { InstantMs } from '../../model/units.ts';
import {
  clusterOf,
  clusterTimeline,
  controlOf,
  iAmLeader,
  leaderOf,
  mayAcceptWrites,
  me,
  otherLeader,
  runningPrimary,
} from '../judge.ts';
import type { Rule } from '../rule.ts';
import { leaseLeftMs, stopBudgetBefore, stopBudgetMs } from '../timing.ts';

/**
 * What must hold whatever else is going on: a server that may accept writes has the right to lead, and the data
 * directory belongs to this cluster. These come before pause, before jobs, before everything.
 */

const stop = (mode: 'fast' | 'immediate', why: string, seen: Observation): Job => ({
  kind: 'stop',
  mode,
  why,
  checkpointFirst: false,
  budget: stopBudgetBefore(deadlineInForce(seen), seen.settings.cluster),
});

/** The deadline that the guardian will keep: also when the lease itself is already known to be lost. */
const deadlineInForce = (seen: Observation) =>
  seen.held?.deadlineMs ??
  (seen.guard.kind === 'present' && seen.guard.armedMs !== null ? seen.guard.armedMs : seen.nowMs);

const busyWith = (seen: Observation, kinds: readonly Job['kind'][]): boolean =>
  seen.jobs.kind === 'busy' && kinds.includes(seen.jobs.job.kind);

/** Gets a server out of the way: cancels the job that brings one up, lets a stop go on, else begins one. */
function silence(seen: Observation, mode: 'fast' | 'immediate', why: string, because: readonly Fact[]): Verdict {
  if (busyWith(seen, ['stop'])) return { actions: [], because: [...because, ['job', 'stop is running']] };
  if (seen.jobs.kind === 'busy') {
    return {
      actions: seen.jobs.cancelling ? [] : [{ kind: 'cancelJob', why }],
      because: [...because, ['job', seen.jobs.job.kind]],
      wakeInMs: 100,
    };
  }
  return { actions: [{ kind: 'startJob', job: stop(mode, why, seen) }], because };
}

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
    return silence(seen, 'immediate', `${other.name} holds the leader key`, [
      ['leader', other.name],
      ['term', String(other.term)],
    ]);
  },
};

const leaseRunningOut: Rule = {
  name: 'lease.runningOut',
  reason: 'no renewal was proven in time; clients are sent away before the lease ends',
  judge(seen) {
    if (seen.held === null || !mayWriteOrIsComingUp(seen) || seen.settings.cluster.pause) return undefined;
    const leftMs = leaseLeftMs(seen);
    if (leftMs > stopBudgetMs(seen.settings.cluster)) return undefined;
    const why = seen.dcs.kind === 'unreachable' ? seen.dcs.why : 'renewals fail';
    return silence(seen, 'fast', 'the lease is running out', [
      ['leaseLeftMs', Math.round(leftMs)],
      ['etcd', why],
    ]);
  },
};

/** Bootstrap runs a primary that nobody can know yet; its job and the rule that ends it look after that one. */
const bootstrapping = (seen: Observation): boolean =>
  busyWith(seen, ['bootstrap']) ||
  (seen.jobs.kind === 'idle' && seen.jobs.last?.job.kind === 'bootstrap' && clusterOf(seen)?.leader === null);

/** retry_timeout; less when the guard's deadline of a lost lease comes first. */
function unleasedLimitMs(seen: Observation, sinceMs: InstantMs): number {
  const { retryTimeoutMs } = seen.settings.cluster;
  if (seen.guard.kind !== 'present' || seen.guard.armedMs === null) return retryTimeoutMs;
  return Math.min(retryTimeoutMs, seen.guard.armedMs - stopBudgetMs(seen.settings.cluster) - sinceMs);
}

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
    if (forMs > limitMs) return silence(seen, 'fast', 'no lease was proven', facts);
    if (
      mine !== null &&
      cluster !== null &&
      cluster.leader === null &&
      seen.jobs.kind === 'idle' &&
      cluster.initialize.kind !== 'bootstrapping'
    ) {
      // No lease was lost to anybody: the key is absent, my timeline is the newest, and etcd decides who gets it.
      return {
        actions: [{ kind: 'acquireLeaderKey', seenRevision: cluster.revision }],
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

export const safetyRules: readonly Rule[] = [foreignData, leaderElsewhere, leaseRunningOut, unleasedPrimary];
