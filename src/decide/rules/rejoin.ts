import type { LeaderKey } from '../../model/cluster.ts';
import type { Fact, Verdict } from '../../model/decision.ts';
import type { FinishedJob, Premise } from '../../model/job.ts';
import type { Observation } from '../../model/observation.ts';
import type { Upstream } from '../../model/postgres.ts';
import { slotNameOf } from '../../model/slotName.ts';
import type { InstantMs, Term } from '../../model/units.ts';
import {
  clusterOf,
  lastRanAsPrimary,
  leaderAsSource,
  memberOf,
  otherLeader,
  restsPaused,
  stoppedCleanly,
  wantedUpstream,
} from '../judge.ts';
import { repairPause } from '../repair.ts';
import { aheadBecause, foundBehind } from '../rolledBack.ts';
import type { Rule } from '../rule.ts';
import { repairedInVain } from '../stuck.ts';
import { cloneSource } from './cloning.ts';

/** PostgreSQL is down and somebody else leads: which of its history is this node's, and how does it come back? */

const premiseOf = (seen: Observation): Premise => {
  const leader = otherLeader(seen);
  const initialize = clusterOf(seen)?.initialize;
  return {
    term: leader?.term ?? null,
    leader: leader?.name ?? null,
    systemId: initialize?.kind === 'done' ? initialize.systemId : null,
  };
};

/**
 * What was found out about my history under this leader, in this term; null while it was not judged. Both: a Patroni of old puts
 * its name over another's, and the term stays.
 */
export function judged(seen: Observation): 'none' | 'diverged' | 'ahead' | 'rewound' | null {
  const { divergence } = seen.memory;
  if (divergence === null || !isOf(otherLeader(seen), divergence)) return null;
  return divergence.rewound && !divergedAgain(seen) ? 'rewound' : divergence.verdict;
}

/** A server that has just been started may be seen on its old history once. */
const divergedAgainTimes = 2;

/** It was rewound, or copied, and is on another history than the leader's all the same: the next rung of the ladder. */
const divergedAgain = ({ memory }: Observation): boolean =>
  (memory.divergence?.again?.times ?? 0) >= divergedAgainTimes;

const isOf = (leader: LeaderKey | null, judged: Observation['memory']['divergence']): boolean =>
  leader !== null && judged?.term === leader.term && judged.leader === leader.name;

/** The jobs that find out and repair leave their result in the finished job: it becomes memory here, once. */
export function divergenceMemory(seen: Observation): Observation['memory']['divergence'] {
  const last = seen.jobs.kind === 'idle' ? seen.jobs.last : null;
  const leader = otherLeader(seen);
  const before = seen.memory.divergence;
  if (last === null || last.ended !== 'done') return before;
  // What was repaired counts also when nobody can be seen to lead just now: the next job takes this one's place.
  // A copy by an operator's own method may be of a time, or a history, that the leader does not know: it is judged when it runs.
  if (last.job.kind === 'clone' && last.method !== undefined) return null;
  if (last.job.kind === 'rewind' || last.job.kind === 'clone') return repaired(seen, last.job.premise) ?? before;
  if (leader === null) return before;
  const entry = {
    leader: leader.name,
    leaderTimeline: memberOf(clusterOf(seen), leader.name)?.timeline ?? null,
    term: leader.term,
  };
  if (
    last.job.kind === 'checkDivergence' &&
    last.job.from.member === leader.name &&
    last.divergence !== null &&
    last.divergence.kind !== 'unknown'
  ) {
    if (last.divergence.kind === 'ahead') {
      const { myLsn, leaderLsn } = last.divergence;
      return { ...entry, verdict: 'ahead', rewound: false, ahead: { mine: myLsn, leader: leaderLsn } };
    }
    if (before?.verdict === 'ahead' && isOf(leader, before)) return before;
    const gone = walGone(seen, last, leader.term);
    const rewound = before?.rewound === true && isOf(leader, before);
    const again = rewound && last.divergence.kind === 'diverged' ? countedOnce(before.again, last.endedMs) : undefined;
    return {
      ...entry,
      verdict: rewound && again === undefined ? 'none' : last.divergence.kind,
      rewound,
      ...(again === undefined ? {} : { again }),
      ...(gone === undefined ? {} : { walGone: gone }),
    };
  }
  return before;
}

function repaired(seen: Observation, { term, leader }: Premise): Observation['memory']['divergence'] {
  if (term === null || leader === null) return null;
  const known = seen.memory.divergence;
  const before = known?.term === term ? known.leaderTimeline : null;
  const leaderTimeline = memberOf(clusterOf(seen), leader)?.timeline ?? before;
  return { leader, leaderTimeline, term, verdict: 'none', rewound: true };
}

/** Called with every observation: a check counts once, by its end. */
const countedOnce = (
  before: { readonly times: number; readonly endedMs: InstantMs } | undefined,
  endedMs: InstantMs,
) => (before?.endedMs === endedMs ? before : { times: (before?.times ?? 0) + 1, endedMs });

/** Each check that finds my next segment gone counts once; one that does not ends the count. */
function walGone(seen: Observation, { divergence, endedMs }: FinishedJob, term: Term) {
  const known = seen.memory.divergence;
  const before = known?.term === term ? known.walGone : undefined;
  const segment = divergence?.kind === 'none' ? divergence.walGone : undefined;
  return segment === undefined ? undefined : { ...countedOnce(before, endedMs), segment };
}

/** Where the leader has said so often that it no longer has what comes next, it will not have it the next time either. */
const walGoneTimes = 3;

/** This standby cannot follow any more: what comes next is gone at the leader. Null: it can, for what is known. */
export function cannotFollow(seen: Observation): { readonly segment: string; readonly mayCopy: boolean } | null {
  const leader = otherLeader(seen);
  const { divergence } = seen.memory;
  if (leader === null || divergence?.term !== leader.term || divergence.verdict !== 'none') return null;
  if (divergence.walGone === undefined || divergence.walGone.times < walGoneTimes) return null;
  const { removeDataDirectoryOnDivergedTimelines, removeDataDirectoryOnRewindFailure } = seen.settings.postgres;
  const mayCopy = removeDataDirectoryOnDivergedTimelines || removeDataDirectoryOnRewindFailure;
  return { segment: divergence.walGone.segment, mayCopy };
}

function rewindGivenUp({ jobs, memory, settings }: Observation): boolean {
  const failed = jobs.kind === 'idle' && jobs.last?.job.kind === 'rewind' && jobs.last.ended === 'failed';
  const failures = failed ? (memory.repair?.failures ?? 1) : 0;
  return failures >= 3 && settings.postgres.removeDataDirectoryOnRewindFailure;
}

/** A rewind is possible here, and has not failed so often that a fresh copy is made instead. */
function willRewind(seen: Observation): boolean {
  const control = seen.postgres.kind === 'stopped' || seen.postgres.kind === 'running' ? seen.postgres.control : null;
  const able = seen.settings.postgres.usePgRewind && control !== null && (control.checksums || control.walLogHints);
  return able && !rewindGivenUp(seen) && !divergedAgain(seen);
}

/** What to do with a history that diverged: rewind, else a fresh copy where the settings allow it, else a human. */
function repairDiverged(seen: Observation, source: Upstream, because: readonly Fact[]): Verdict {
  const { removeDataDirectoryOnDivergedTimelines, removeDataDirectoryOnRewindFailure } = seen.settings.postgres;
  if (willRewind(seen)) {
    if (memberOf(clusterOf(seen), source.member)?.checkpointAfterPromote === false) {
      return {
        actions: [],
        because: [...because, ['waitsFor', `${source.member}'s checkpoint after promotion`]],
        wakeInMs: 1_000,
      };
    }
    return (
      repairPause(seen) ?? {
        actions: [{ kind: 'startJob', job: { kind: 'rewind', from: source, premise: premiseOf(seen) } }],
        because,
      }
    );
  }
  const again = divergedAgain(seen);
  const vain = again ? repairedInVain(seen) : null;
  if (vain !== null) return { actions: [], because: [...because, ...vain] };
  const mayCopy = removeDataDirectoryOnDivergedTimelines || (again && removeDataDirectoryOnRewindFailure);
  if (rewindGivenUp(seen) || mayCopy) {
    return (
      repairPause(seen) ?? {
        actions: [
          {
            kind: 'startJob',
            job: {
              kind: 'removeData',
              why: 'diverged from the leader',
              premise: premiseOf(seen),
              force: true,
              leader: source,
              copyFrom: cloneSource(seen),
            },
          },
        ],
        because,
      }
    );
  }
  return {
    actions: [],
    because: [
      ...because,
      [
        'needsOperator',
        again
          ? 'diverged after it was repaired, and no setting allows a fresh copy: run reinit'
          : 'diverged; pg_rewind is not possible here and no setting allows a fresh copy: run reinit, or set use_pg_rewind',
      ],
    ],
  };
}

/** How long a leader that is a standby yet is waited for; its word that it leads ends the wait. */
export const promotionWaitMs = 1_500;

export const stopped: Rule = {
  name: 'rejoin.stopped',
  reason: 'PostgreSQL is down and somebody else leads: it comes back as a standby',
  judge(seen) {
    const leader = otherLeader(seen);
    if (seen.postgres.kind !== 'stopped' || leader === null || restsPaused(seen)) return undefined;
    const { control, standbySignal, backupLabel } = seen.postgres;
    const because: Fact[] = [
      ['leader', leader.name],
      ['controlState', control.state],
      ['timeline', control.timeline],
    ];
    const source = leaderAsSource(seen);
    const upstream = wantedUpstream(seen, slotNameOf);
    if (source === null)
      return { actions: [], because: [...because, ['leaderAddress', 'not known yet']], wakeInMs: 500 };
    const verdict = judged(seen);
    const start = (more: readonly Fact[] = []): Verdict =>
      repairPause(seen) ?? {
        actions: [{ kind: 'startJob', job: { kind: 'startStandby', upstream } }],
        because: [...because, ['divergence', verdict], ...more],
      };
    // pg_rewind wants a clean end, and makes one itself only where no standby crashed: this one comes up first, and is
    // stopped again as what it is.
    if (verdict === 'diverged' && control.state === 'in archive recovery' && willRewind(seen)) return start();
    const lost = cannotFollow(seen);
    if (lost?.mayCopy === true) {
      // All that is here is the leader's, too: its history is a part of that one's.
      const vain = repairedInVain(seen);
      if (vain !== null) return start(vain);
      const why = `the leader no longer has ${lost.segment}, which comes next`;
      const copyFrom = cloneSource(seen);
      const premise = premiseOf(seen);
      const job = { kind: 'removeData', why, premise, force: true, leader: source, copyFrom } as const;
      return (
        repairPause(seen) ?? { actions: [{ kind: 'startJob', job }], because: [...because, ['walGone', lost.segment]] }
      );
    }
    if (verdict === 'ahead') return start(aheadBecause(seen));
    if (verdict === 'none' || verdict === 'rewound') return start();
    // It was about to go on as the primary, and had less than a standby: all it has is that one's, too, as long as it writes nothing.
    if (foundBehind(seen) !== null && !backupLabel) return start([['rolledBack', true]]);
    if (verdict === 'diverged') return repairDiverged(seen, source, [...because, ['divergence', verdict]]);
    const wasPrimary = lastRanAsPrimary(control) && !standbySignal;
    const lastJob = seen.jobs.kind === 'idle' ? seen.jobs.last : null;
    const startFailed =
      control.state === 'shut down in recovery' && lastJob?.job.kind === 'startStandby' && lastJob.ended === 'failed';
    if ((!wasPrimary && !startFailed) || backupLabel) return start();
    const pause = repairPause(seen);
    if (pause !== null) return pause;
    if (!stoppedCleanly(control))
      return {
        actions: [{ kind: 'startJob', job: { kind: 'crashRecovery' } }],
        because: [...because, ['step', 'crash recovery first: divergence is judged from a clean end']],
      };
    const last = seen.jobs.kind === 'idle' ? seen.jobs.last : null;
    if (
      last?.job.kind === 'checkDivergence' &&
      last.divergence?.kind === 'unknown' &&
      seen.nowMs - last.endedMs < 250
    ) {
      return { actions: [], because: [...because, ['lastCheck', last.divergence.why]], wakeInMs: 250 };
    }
    const member = memberOf(clusterOf(seen), leader.name);
    const idleMs = last === null ? Number.POSITIVE_INFINITY : seen.nowMs - last.endedMs;
    // It could not answer yet, and has better to do.
    if (member?.role === 'replica' && idleMs < promotionWaitMs)
      return { actions: [], because: [...because, ['waitsFor', 'its promotion']], wakeInMs: promotionWaitMs - idleMs };
    const leaderTimeline = member?.timeline ?? null;
    return {
      actions: [{ kind: 'startJob', job: { kind: 'checkDivergence', from: source, leaderTimeline } }],
      because: [...because, ['lastCheck', seen.jobs.last?.error ?? null]],
      wakeInMs: 500,
    };
  },
};
