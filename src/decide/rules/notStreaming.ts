import type { Fact, Verdict } from '../../model/decision.ts';
import type { Job } from '../../model/job.ts';
import type { Observation } from '../../model/observation.ts';
import { type Timeline, timeline } from '../../model/units.ts';
import { clusterOf, dueRequest, leaderAsSource, me, memberOf, otherLeader, runningStandby } from '../judge.ts';
import { repairPause } from '../repair.ts';
import type { Rule } from '../rule.ts';
import { notStreamingBecause, repairedInVain, replayStandsAt } from '../stuck.ts';
import { cannotFollow, judged } from './rejoin.ts';

/** How long a standby may be without a stream from a living leader before its history is compared with the leader's. */
const notStreamingLimitMs = 3_000;
/** The same where the leader has gone on to a newer timeline: whoever is on the way to it follows at once. */
const leftBehindLimitMs = 700;

const walGoneRemedy =
  'the leader no longer has the WAL that comes next, and no setting allows a fresh copy: run reinit';

const fastStop = (why: string): Extract<Job, { kind: 'stop' }> => ({
  kind: 'stop',
  mode: 'fast',
  why,
  checkpointFirst: false,
  budget: { immediateAtMs: null, killAtMs: null },
});

export const notStreaming: Rule = {
  name: 'standby.notStreaming',
  reason: 'this standby does not stream from a leader that is there: is it on the same history?',
  judge(seen) {
    const standby = runningStandby(seen);
    const leader = otherLeader(seen);
    if (standby === null || leader === null || seen.settings.cluster.pause || seen.settings.local.tags.nostream)
      return undefined;
    const source = leaderAsSource(seen);
    const leaderMember = memberOf(clusterOf(seen), leader.name);
    const behindTimeline =
      leaderMember?.timeline != null && leaderMember.role === 'primary' && standby.timeline < leaderMember.timeline;
    const streams = standby.receiver?.status === 'streaming' && !behindTimeline && replayStandsAt(seen) === null;
    if (streams || source === null) return undefined;
    const sinceMs = seen.memory.notStreamingSinceMs ?? seen.nowMs;
    const forMs = seen.nowMs - sinceMs;
    const because: Fact[] = [
      ['leader', leader.name],
      ['forMs', Math.round(forMs)],
      ['receiver', standby.receiver?.status ?? null],
      ['timeline', standby.timeline],
      ['leaderTimeline', leaderMember?.timeline ?? null],
    ];
    const limitMs = behindTimeline ? leftBehindLimitMs : notStreamingLimitMs;
    const leftMs = limitMs - forMs;
    const wakeInMs = isHandedOver(seen) ? handOverLookMs : leftMs > 0 ? Math.min(500, Math.max(50, leftMs)) : 500;
    const wait: Verdict = { actions: [], because, memory: { notStreamingSinceMs: sinceMs }, wakeInMs };
    if (forMs < limitMs) return wait;
    const verdict = judged(seen);
    if (verdict === 'diverged') {
      const job = fastStop('diverged from the leader');
      return { actions: [{ kind: 'startJob', job }], because: [...because, ['divergence', verdict]] };
    }
    const last = seen.jobs.kind === 'idle' ? seen.jobs.last : null;
    const astray = last?.divergence?.kind === 'none' ? (last.divergence.astray ?? []) : [];
    if (astray.length > 0) because.push(['astray', astray.join(', ')]);
    // Once: an archive may tell of it again at each start.
    if (astray.some((id) => id > (seen.memory.forgottenTimeline ?? 0))) {
      const job = { ...fastStop('it waits for a timeline on which its leader never was'), forgets: astray };
      return { actions: [{ kind: 'startJob', job }], because };
    }
    const lost = cannotFollow(seen);
    const vain = lost === null ? null : repairedInVain(seen);
    if (lost?.mayCopy === true && vain === null) {
      const job = fastStop(`the leader no longer has ${lost.segment}`);
      return { actions: [{ kind: 'startJob', job }], because: [...because, ['walGone', lost.segment]] };
    }
    if (lost === null) because.push(...notStreamingBecause(seen, forMs));
    else because.push(['walGone', lost.segment], ...(vain ?? [['needsOperator', walGoneRemedy] as const]));
    const checkedMs = last?.job.kind === 'checkDivergence' ? seen.nowMs - last.endedMs : Number.POSITIVE_INFINITY;
    if (checkedMs < Math.max(5_000, seen.settings.cluster.loopWaitMs))
      return { ...wait, because: [...because, ['divergence', verdict], ['lastCheck', last?.error ?? null]] };
    const pause = repairPause(seen);
    if (pause !== null) return pause;
    return {
      actions: [
        {
          kind: 'startJob',
          job: { kind: 'checkDivergence', from: source, leaderTimeline: leaderMember?.timeline ?? null },
        },
      ],
      because,
      memory: { notStreamingSinceMs: sinceMs },
    };
  },
};

/** A history file keeps PostgreSQL from beginning that timeline again, and a Patroni tells of the one that it began by nothing else. */
export function forgottenMemory({ jobs, memory }: Observation): Timeline | null {
  const last = jobs.kind === 'idle' ? jobs.last : null;
  const forgets = last?.job.kind === 'stop' && last.ended === 'done' ? (last.job.forgets ?? []) : [];
  const all = memory.forgottenTimeline === null ? forgets : [memory.forgottenTimeline, ...forgets];
  return all.length === 0 ? null : timeline(Math.max(...all));
}

/** The leader stops for a switchover, and asks how far we are: the answer is what was seen last. */
export function isHandedOver(seen: Observation): boolean {
  const request = dueRequest(seen);
  if (request === null || (request.candidate !== null && request.candidate !== me(seen))) return false;
  return memberOf(clusterOf(seen), otherLeader(seen)?.name ?? '')?.state === 'stopping';
}
/** The end of the stream wakes us; this is for a stream whose end is not felt. */
export const handOverLookMs = 100;
