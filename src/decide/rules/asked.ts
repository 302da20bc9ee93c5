import type { Ask, AskAnswer } from '../../model/ask.ts';
import type { Verdict } from '../../model/decision.ts';
import { type FinishedJob, type Job, stillRuns } from '../../model/job.ts';
import type { Observation } from '../../model/observation.ts';
import { slotNameOf } from '../../model/slotName.ts';
import { later } from '../../model/units.ts';
import { handOver, successors } from '../handover.ts';
import {
  clusterOf,
  iAmLeader,
  mayAcceptWrites,
  otherLeader,
  runningPrimary,
  stoppedCleanly,
  wantedUpstream,
} from '../judge.ts';
import { repairPause } from '../repair.ts';
import type { Rule } from '../rule.ts';
import { answersForCommits } from '../synchronous/standing.ts';
import { orderlyStop } from '../timing.ts';
import { stoppedCallback } from '../upkeep/callbacks.ts';
import { leaderAsSource } from './rejoin.ts';

/** What people ask of this node, each answered with accepted, or refused because. */

const first = <K extends Ask['kind']>(seen: Observation, kind: K): Extract<Ask, { kind: K }> | undefined =>
  seen.asks.find((ask): ask is Extract<Ask, { kind: K }> => ask.kind === kind);

const answer = (ask: Ask, kind: AskAnswer['kind'], text: string): readonly AskAnswer[] => [{ id: ask.id, kind, text }];

const up = (seen: Observation): boolean =>
  !['stopped', 'noData', 'partialData', 'unreadable'].includes(seen.postgres.kind);

/** SIGTERM: PostgreSQL is stopped cleanly, the key handed over at once, and the agent ends. */
const stopAsked: Rule = {
  name: 'agent.stop',
  reason: 'the agent was asked to stop: PostgreSQL first, then the leader key, then itself',
  judge(seen) {
    const ask = first(seen, 'stop');
    if (ask === undefined) return undefined;
    if (seen.settings.cluster.pause)
      return leave(ask, 'the cluster is paused: PostgreSQL and the leader key are left as they are');
    if (seen.jobs.kind === 'busy') {
      const { job, cancelling } = seen.jobs;
      const actions =
        job.kind === 'stop' || cancelling ? [] : [{ kind: 'cancelJob' as const, why: 'the agent was asked to stop' }];
      return { actions, because: [['job', job.kind]], hold: true, wakeInMs: 200 };
    }
    if (up(seen)) {
      return {
        actions: [
          {
            kind: 'startJob',
            job: {
              kind: 'stop',
              mode: 'fast',
              why: 'the agent stops',
              checkpointFirst: mayAcceptWrites(seen.postgres),
              budget: orderlyStop(seen),
              successors: successorsNow(seen),
            },
          },
        ],
        because: [['postgres', seen.postgres.kind]],
        hold: true,
      };
    }
    // Nothing else is kept in order from here on, so the script is told here; it must not end with the agent.
    const told = stoppedCallback(seen, true);
    const verdict =
      iAmLeader(seen) && seen.postgres.kind === 'stopped' && stoppedCleanly(seen.postgres.control)
        ? handOver(seen, seen.postgres.control, null)
        : iAmLeader(seen)
          ? ({
              actions: [{ kind: 'releaseLeaderKey', lsn: null }],
              because: [['postgres', seen.postgres.kind]],
            } satisfies Verdict)
          : leave(ask, 'PostgreSQL is down, nothing is held');
    return { ...verdict, actions: [...told.actions, ...verdict.actions], memory: { ...told.memory }, hold: true };
  },
};

/** Whoever may take over, as far as is known: the last words of this primary are waited for on their account. */
function successorsNow(seen: Observation): readonly string[] {
  const primary = runningPrimary(seen);
  return primary === null
    ? []
    : successors(seen, primary.timeline, later(seen.nowMs, -2 * seen.settings.cluster.loopWaitMs));
}

const leave = (ask: Ask, why: string): Verdict => ({
  actions: [{ kind: 'exit', code: 0, message: why }],
  because: [['why', why]],
  answers: answer(ask, 'done', why),
  hold: true,
});

const reload: Rule = {
  name: 'asked.reload',
  reason: 'the configuration file is read again',
  judge(seen) {
    const ask = first(seen, 'reload');
    if (ask === undefined) return undefined;
    return {
      actions: [{ kind: 'reloadFile' }],
      because: [],
      answers: answer(ask, 'done', 'reload scheduled'),
      wakeInMs: 0,
    };
  },
};

/** Asked for until the copy has begun: what comes before it is a step of the same work. */
const isOwnStep = (job: Job): boolean => 'why' in job && job.why === reinitializing;
const reinitializing = 'reinitialize';
/** Nothing was touched yet, and it does not pass by itself: mostly the leader's server does not answer. */
const isRefused = ({ job, ended, error }: FinishedJob): boolean =>
  job.kind === 'removeData' && ended === 'failed' && error !== stillRuns;

const reinitialize: Rule = {
  name: 'asked.reinitialize',
  reason: 'an operator asked for a fresh copy of the data',
  judge(seen) {
    const ask = first(seen, 'reinitialize');
    if (ask === undefined) return undefined;
    const refuse = (text: string): Verdict => ({
      actions: [],
      because: [['refused', text]],
      answers: answer(ask, 'refused', text),
      wakeInMs: 0,
    });
    const leader = otherLeader(seen);
    if (iAmLeader(seen)) return refuse('I am the leader, can not reinitialize');
    if (leader === null) return refuse('Cluster has no leader, can not reinitialize');
    if (seen.jobs.kind === 'busy') {
      if (isOwnStep(seen.jobs.job)) return { actions: [], because: [['job', seen.jobs.job.kind]], wakeInMs: 1_000 };
      if (!ask.force) return refuse(`${seen.jobs.job.kind} already in progress`);
      return {
        actions: seen.jobs.cancelling ? [] : [{ kind: 'cancelJob', why: 'a forced reinitialize was asked for' }],
        because: [['job', seen.jobs.job.kind]],
        wakeInMs: 200,
      };
    }
    const source = leaderAsSource(seen);
    // Who streams from nobody is copied from the leader.
    const from = answersForCommits(seen) ? source : (wantedUpstream(seen, slotNameOf) ?? source);
    if (from === null || source === null) return refuse(`the address of ${leader.name} is not known`);
    const initialize = clusterOf(seen)?.initialize;
    const systemId = initialize?.kind === 'done' ? initialize.systemId : null;
    if (up(seen)) {
      const job = {
        kind: 'stop',
        mode: 'immediate',
        why: reinitializing,
        checkpointFirst: false,
        budget: { immediateAtMs: seen.nowMs, killAtMs: later(seen.nowMs, seen.settings.cluster.retryTimeoutMs) },
      } as const;
      return { actions: [{ kind: 'startJob', job }], because: [['leader', leader.name]] };
    }
    const { last } = seen.jobs;
    // The data is whole: its server may be all that could take over from a leader that does not answer.
    if (last !== null && isOwnStep(last.job) && isRefused(last) && seen.postgres.kind === 'stopped')
      return refuse(`nothing was removed, and the server is started again: ${last.error}`);
    const pause = last !== null && isOwnStep(last.job) ? repairPause(seen) : null;
    if (pause !== null) return pause;
    const premise = { term: leader.term, leader: leader.name, systemId };
    const job =
      seen.postgres.kind === 'noData'
        ? ({ kind: 'clone', from, premise } as const)
        : ({ kind: 'removeData', why: reinitializing, premise, force: true, leader: source } as const);
    return {
      actions: [{ kind: 'startJob', job }],
      because: [['leader', leader.name]],
      ...(job.kind === 'clone' ? { answers: answer(ask, 'accepted', 'reinitialize started') } : {}),
    };
  },
};

export const stopRules: readonly Rule[] = [stopAsked];
export const askedRules: readonly Rule[] = [reload, reinitialize];
