import type { Ask, AskAnswer, RestartTerms } from '../../model/ask.ts';
import type { Verdict } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import { slotNameOf } from '../../model/slotName.ts';
import {
  clusterOf,
  clusterTimeline,
  controlOf,
  iAmLeader,
  lastRanAsPrimary,
  me,
  otherLeader,
  wantedUpstream,
} from '../judge.ts';
import type { Rule } from '../rule.ts';
import { namesAtStart } from '../synchronous/standing.ts';
import { settled } from '../synchronous/view.ts';

type RestartAsk = Extract<Ask, { kind: 'restart' }>;

/** Why the conditions of a restart are not met; null when they are. */
function unmet(seen: Observation, ask: RestartTerms): string | null {
  const { postgres } = seen;
  if (postgres.kind !== 'running') return null;
  const role = postgres.role === 'primary' ? 'primary' : 'replica';
  if (ask.role !== null && ask.role !== role && !(ask.role === 'master' && role === 'primary'))
    return `role is ${role}`;
  if (ask.pendingOnly && Object.keys(postgres.pendingRestart).length === 0) return 'no restart is pending';
  if (ask.belowVersion !== null && postgres.serverVersion >= ask.belowVersion)
    return `server version is ${postgres.serverVersion}`;
  return null;
}

/** It is, or was until it went down, the primary of the newest timeline: with the key it comes back as one. */
function isPrimary(seen: Observation): boolean {
  const { postgres } = seen;
  const known = clusterTimeline(seen);
  switch (postgres.kind) {
    case 'running':
      return postgres.role === 'primary';
    case 'unresponsive':
      return postgres.believed === 'primary';
    case 'stopped':
      return (
        lastRanAsPrimary(postgres.control) &&
        !postgres.standbySignal &&
        !postgres.backupLabel &&
        (known === null || postgres.control.timeline >= known)
      );
    default:
      return false;
  }
}

/** Why it is not restarted now; null: it may be. Without the key no primary is started, and none is made a standby by the way. */
function notNow(seen: Observation): string | null {
  if (!isPrimary(seen) || iAmLeader(seen)) return null;
  if (seen.dcs.kind === 'unreachable') return 'etcd does not answer';
  if (seen.postgres.kind !== 'stopped') return 'this primary does not hold the leader key';
  const leader = otherLeader(seen);
  return leader === null ? null : `it last ran as primary, and ${leader.name} leads: it is compared with it first`;
}

/**
 * Paused, people stopped the primary, and its key was given back: it is taken again before the primary is started, and then
 * as what it was. Nobody is promoted meanwhile without being named.
 */
function keyFirst(seen: Observation): Verdict | null {
  const cluster = clusterOf(seen);
  if (!seen.settings.cluster.pause || seen.postgres.kind !== 'stopped' || !isPrimary(seen)) return null;
  if (cluster === null || cluster.leader !== null || seen.held !== null || cluster.initialize.kind !== 'done')
    return null;
  return {
    actions: [{ kind: 'acquireLeaderKey', seenRevision: cluster.revision }],
    because: [['waitsFor', 'the leader key']],
    wakeInMs: 500,
  };
}

function begin(seen: Observation, timeoutMs: number | null): Verdict['actions'] {
  const leads = iAmLeader(seen);
  const as = isPrimary(seen) && leads ? 'primary' : 'standby';
  const systemId = controlOf(seen.postgres)?.systemId ?? null;
  const premise =
    as === 'primary'
      ? { term: seen.held?.term ?? null, leader: me(seen), systemId }
      : { term: null, leader: null, systemId };
  const { primaryStartTimeoutMs } = seen.settings.cluster;
  const limitMs = timeoutMs ?? Math.max(primaryStartTimeoutMs, seen.settings.postgres.startTimeoutMs);
  return [
    ...(leads ? [{ kind: 'renewLease' as const }, ...settled(seen)] : []),
    {
      kind: 'startJob',
      job: {
        kind: 'restart',
        as,
        upstream: as === 'standby' ? wantedUpstream(seen, slotNameOf) : null,
        premise,
        limitMs,
        synchronousNames: namesAtStart(seen),
      },
    },
  ];
}

const asked: Rule = {
  name: 'asked.restart',
  reason: 'an operator asked for a restart of PostgreSQL',
  judge(seen) {
    const ask = seen.asks.find((each): each is RestartAsk => each.kind === 'restart');
    if (ask === undefined) return undefined;
    const answers = (kind: AskAnswer['kind'], text: string): readonly AskAnswer[] => [{ id: ask.id, kind, text }];
    if (ask.schedule !== null) {
      if (seen.settings.cluster.pause)
        return {
          actions: [],
          because: [],
          answers: answers('refused', "Can't schedule restart in the paused state"),
          wakeInMs: 0,
        };
      if (seen.memory.scheduledRestart !== null)
        return {
          actions: [],
          because: [],
          answers: answers('refused', 'Another restart is already scheduled'),
          wakeInMs: 0,
        };
      const started = seen.postgres.kind === 'running' ? seen.postgres.startedWallMs : null;
      return {
        actions: [],
        because: [['schedule', new Date(ask.schedule).toISOString()]],
        answers: answers('accepted', 'Restart scheduled'),
        memory: { scheduledRestart: { at: ask.schedule, postmasterStartedWallMs: started, terms: ask, raw: ask.raw } },
        wakeInMs: 0,
      };
    }
    if (seen.jobs.kind === 'busy') {
      return {
        actions: [],
        because: [['job', seen.jobs.job.kind]],
        answers: answers('refused', `${seen.jobs.job.kind} already in progress`),
        wakeInMs: 0,
      };
    }
    if (!['running', 'stopped', 'unresponsive'].includes(seen.postgres.kind)) {
      return {
        actions: [],
        because: [['postgres', seen.postgres.kind]],
        answers: answers('refused', 'postgres is still starting'),
        wakeInMs: 0,
      };
    }
    const flaw = unmet(seen, ask);
    if (flaw !== null)
      return {
        actions: [],
        because: [['unmet', flaw]],
        answers: answers('refused', 'restart conditions are not satisfied'),
        wakeInMs: 0,
      };
    const refusal = notNow(seen);
    if (refusal !== null)
      return { actions: [], because: [['refused', refusal]], answers: answers('refused', refusal), wakeInMs: 0 };
    const first = keyFirst(seen);
    if (first !== null) return first;
    return {
      actions: begin(seen, ask.timeoutMs),
      because: [
        ['role', ask.role],
        ['pendingOnly', ask.pendingOnly],
      ],
      answers: answers('accepted', 'restart'),
    };
  },
};

const cancelAsked: Rule = {
  name: 'asked.cancelRestart',
  reason: 'an operator took a scheduled restart back',
  judge(seen) {
    const ask = seen.asks.find((each) => each.kind === 'cancelScheduledRestart');
    if (ask === undefined) return undefined;
    const none = seen.memory.scheduledRestart === null;
    const answer: AskAnswer = none
      ? { id: ask.id, kind: 'refused', text: 'no restarts are scheduled' }
      : { id: ask.id, kind: 'done', text: 'scheduled restart deleted' };
    return { actions: [], because: [], answers: [answer], memory: { scheduledRestart: null }, wakeInMs: 0 };
  },
};

const due: Rule = {
  name: 'restart.due',
  reason: 'the scheduled restart is due',
  judge(seen) {
    const { scheduledRestart } = seen.memory;
    if (
      scheduledRestart === null ||
      seen.settings.cluster.pause ||
      seen.jobs.kind === 'busy' ||
      seen.wallMs < scheduledRestart.at
    )
      return undefined;
    const lateMs = seen.wallMs - scheduledRestart.at;
    const started = seen.postgres.kind === 'running' ? seen.postgres.startedWallMs : null;
    const stale =
      lateMs > 1.5 * seen.settings.cluster.loopWaitMs ||
      (started !== null &&
        scheduledRestart.postmasterStartedWallMs !== null &&
        started !== scheduledRestart.postmasterStartedWallMs);
    const { terms } = scheduledRestart;
    const dropped = (stale ? 'stale' : unmet(seen, terms)) ?? notNow(seen);
    if (dropped !== null || seen.postgres.kind !== 'running') {
      return {
        actions: [],
        because: [['dropped', dropped ?? seen.postgres.kind]],
        memory: { scheduledRestart: null },
        wakeInMs: 0,
      };
    }
    return {
      actions: begin(seen, terms.timeoutMs),
      because: [['lateMs', Math.round(lateMs)]],
      memory: { scheduledRestart: null },
    };
  },
};

export const restartRules: readonly Rule[] = [asked, cancelAsked, due];
