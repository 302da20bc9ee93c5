import type { Fact, Verdict } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import { later } from '../../model/units.ts';
import { takenTimeline } from '../contest.ts';
import { failsafeFacts } from '../failsafe.ts';
import {
  etcdSilence,
  failoverRequest,
  guardArmed,
  iAmLeader,
  mayAcceptWrites,
  me,
  runningPrimary,
  runningStandby,
} from '../judge.ts';
import { repairPause } from '../repair.ts';
import type { Rule } from '../rule.ts';
import { claimOf, modeOf, namesAtStart } from '../synchronous/standing.ts';
import { write } from '../synchronous/view.ts';
import { leaseLeftMs, leaseNeededToPromoteMs, releaseDoubted } from '../timing.ts';
import { hungToldRules } from './hung.ts';
import { handleRequest } from './requested.ts';

/** I hold the leader key. */

const promoteGivenUp: Rule = {
  name: 'leading.promoteFailed',
  reason: 'promotion failed: the key is given back, and the others go first',
  judge(seen) {
    const last = seen.jobs.kind === 'idle' ? seen.jobs.last : null;
    if (!iAmLeader(seen) || mayAcceptWrites(seen.postgres) || last?.job.kind !== 'promote' || last.ended !== 'failed')
      return undefined;
    if (last.job.premise.term !== seen.held?.term) return undefined;
    return {
      actions: [{ kind: 'releaseLeaderKey', lsn: null }],
      because: [['error', last.error]],
      memory: { noRaceBeforeMs: later(seen.nowMs, seen.settings.cluster.ttlMs) },
    };
  },
};

const promote: Rule = {
  name: 'leading.promote',
  reason: 'the key is mine and the guard is armed: this standby becomes the primary',
  judge(seen) {
    const standby = runningStandby(seen);
    if (standby === null || !iAmLeader(seen) || seen.held === null) return undefined;
    const leftMs = leaseLeftMs(seen);
    const because: Fact[] = [
      ['leaseLeftMs', Math.round(leftMs)],
      ['term', String(seen.held.term)],
      ['timeline', standby.timeline],
    ];
    if (!guardArmed(seen))
      return {
        actions: [{ kind: 'renewLease' }],
        because: [...because, ['waitsFor', 'an armed guard']],
        wakeInMs: 200,
      };
    if (leftMs < leaseNeededToPromoteMs(seen.settings.cluster)) {
      return { actions: [{ kind: 'renewLease' }], because: [...because, ['waitsFor', 'more lease']], wakeInMs: 100 };
    }
    if (seen.held.releaseInDoubt === true)
      return { actions: [{ kind: 'renewLease' }], because: [...because, ['waitsFor', releaseDoubted]], wakeInMs: 100 };
    const request = failoverRequest(seen);
    return {
      actions: [
        ...claimBefore(seen),
        {
          kind: 'startJob',
          job: {
            kind: 'promote',
            synchronousNames: namesAtStart(seen),
            upstream: standby.upstream === null ? null : { member: '', ...standby.upstream },
            premise: { term: seen.held.term, leader: me(seen), systemId: standby.control.systemId },
            mine: standby.timeline,
            taken: takenTimeline(seen, standby.timeline),
          },
        },
        ...(request === null ? [] : [{ kind: 'clearFailover' as const, seenModRevision: request.modRevision }]),
      ],
      because,
      memory: { divergence: null },
    };
  },
};

/**
 * With a quorum the last primary needs no votes as long as /sync bears its name, and a commit may not need its confirmation:
 * it must be one voter among the others before the first commit.
 */
function claimBefore(seen: Observation): Verdict['actions'] {
  const claim = modeOf(seen) === 'quorum' ? claimOf(seen) : null;
  return claim === null ? [] : write(seen, claim).actions;
}

/** Won, and then no server that could be promoted: others can lead. */
function givenBack(seen: Observation, forMs: number, because: readonly Fact[]): Verdict | undefined {
  const { primaryStartTimeoutMs, retryTimeoutMs, ttlMs, pause } = seen.settings.cluster;
  const limitMs = Math.max(primaryStartTimeoutMs, retryTimeoutMs);
  if (mayAcceptWrites(seen.postgres) || pause || seen.jobs.kind === 'busy' || forMs < limitMs) return undefined;
  return {
    actions: [{ kind: 'releaseLeaderKey', lsn: null }],
    because: [...because, ['limitMs', limitMs], ['outcome', 'the key is given back: no primary comes of this soon']],
    memory: { noRaceBeforeMs: later(seen.nowMs, ttlMs) },
  };
}

/**
 * A standby that nobody can promote. It may have been told to become the primary, and still may: it is ended and begun anew,
 * not left behind.
 */
function begunAnew(seen: Observation, forMs: number, because: readonly Fact[]): Verdict | undefined {
  const { ttlMs, pause } = seen.settings.cluster;
  if (mayAcceptWrites(seen.postgres) || pause || seen.jobs.kind === 'busy' || forMs < ttlMs) return undefined;
  const why = 'the standby that is to be promoted gives no answer';
  const budget = { immediateAtMs: seen.nowMs, killAtMs: later(seen.nowMs, killAfterMs) };
  const job = { kind: 'stop', mode: 'immediate', why, checkpointFirst: false, budget } as const;
  return { actions: [{ kind: 'startJob', job }], because: [...because, ['limitMs', ttlMs]] };
}
/** One that is frozen does not hear an immediate stop. */
const killAfterMs = 1_000;

const starting: Rule = {
  name: 'leading.starting',
  reason: 'PostgreSQL is coming up under my lease',
  judge(seen) {
    if (!iAmLeader(seen) || (seen.postgres.kind !== 'starting' && seen.postgres.kind !== 'stopping')) return undefined;
    const forMs = seen.nowMs - seen.postgres.sinceMs;
    const because: Fact[] = [
      ['postgres', seen.postgres.kind],
      ['forMs', Math.round(forMs)],
    ];
    return givenBack(seen, forMs, because) ?? { actions: [], because, wakeInMs: 500 };
  },
};

const checkpoint: Rule = {
  name: 'leading.checkpoint',
  reason:
    'the control file still shows the timeline before the promotion; pg_rewind elsewhere waits for this checkpoint',
  judge(seen) {
    if (!iAmLeader(seen) || runningPrimary(seen)?.checkpointPending !== true) return undefined;
    return (
      repairPause(seen) ?? {
        actions: [{ kind: 'startJob', job: { kind: 'checkpoint' } }],
        because: [['checkpointPending', true]],
      }
    );
  },
};

const unresponsive: Rule = {
  name: 'leading.unresponsive',
  reason:
    'the postmaster lives but gives no answer; the lease is kept while it does; a standby is begun anew after one ttl',
  judge(seen) {
    if (!iAmLeader(seen) || seen.postgres.kind !== 'unresponsive') return undefined;
    const forMs = seen.nowMs - seen.postgres.sinceMs;
    const because: Fact[] = [
      ['forMs', Math.round(forMs)],
      ['why', seen.postgres.why],
    ];
    return begunAnew(seen, forMs, because) ?? { actions: [], because, wakeInMs: 1_000 };
  },
};

const healthy: Rule = {
  name: 'primary.healthy',
  reason: 'this node is the primary, with the lease and a guard',
  judge(seen) {
    const primary = runningPrimary(seen);
    if (primary === null || !iAmLeader(seen)) return undefined;
    const request = failoverRequest(seen);
    const inMs = request?.scheduledAt == null ? null : request.scheduledAt - seen.wallMs;
    return {
      actions: [],
      because: [
        ['leaseLeftMs', Math.round(leaseLeftMs(seen))],
        ['timeline', primary.timeline],
        ['standbys', primary.senders.length],
        ...hindered(seen),
      ],
      memory: { hung: null, stepDown: null, noRaceBeforeMs: null, turns: [] },
      ...(inMs !== null && inMs > 0 ? { wakeInMs: inMs } : {}),
    };
  },
};

/** Nothing that ends commits: it is told, and nobody is demoted over it. */
const hindered = ({ health }: Observation): readonly Fact[] =>
  health === null || health.hindrance === null
    ? []
    : [['hindrance', `${health.hindrance.kind}: ${health.hindrance.why}`]];

const etcdAway: Rule = {
  name: 'primary.etcdAway',
  reason:
    'etcd does not answer: a primary goes on while its right to lead lasts, or all members promise not to take its place',
  judge(seen) {
    const silence = etcdSilence(seen);
    if (silence === null || !mayAcceptWrites(seen.postgres)) return undefined;
    return {
      actions: [],
      because: [...silence, ...failsafeFacts(seen)],
    };
  },
};

export const promotedRules: readonly Rule[] = [promoteGivenUp];
export const leadingRules: readonly Rule[] = [
  promote,
  starting,
  handleRequest,
  ...hungToldRules,
  checkpoint,
  unresponsive,
  healthy,
  etcdAway,
];
