import type { Fact } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import { later, lsnText } from '../../model/units.ts';
import { successors } from '../handover.ts';
import { aheadOfLeader, clusterOf, leaderAsSource, memberOf, otherLeader, runningStandby } from '../judge.ts';
import { repairPause } from '../repair.ts';
import { aheadBecause, foundBehind } from '../rolledBack.ts';
import type { Rule } from '../rule.ts';
import { mayAnswerYet, stoppedLeader } from './giveWay.ts';

/** A disk lost WAL that standbys have, and PostgreSQL does not see it. */

/** A standby that said so within this time counts as able to take over. */
const recentMs = 5_000;
/** How long the others are asked whether they are there still, and how far. */
const askAgainWithinMs = 1_000;

export const givesWay: Rule = {
  name: 'primary.rolledBack',
  reason: 'a standby has more of this timeline than its primary, whose disk was rolled back: that standby takes over',
  judge(seen) {
    const stopped = stoppedLeader(seen);
    const reached = foundBehind(seen);
    if (stopped === null || reached === null || seen.settings.cluster.pause) return undefined;
    const isAhead = (name: string): boolean =>
      (seen.peers.find((peer) => peer.name === name)?.said?.replayed ?? 0n) >= reached.lsn;
    const sinceMs = later(seen.nowMs, -recentMs);
    const near = successors(seen, stopped.control.timeline, sinceMs);
    const able = near.filter(isAhead);
    const because: Fact[] = [
      ['ahead', reached.member],
      ['itsReplayed', lsnText(reached.lsn)],
      ['successors', able.join(',') || null],
    ];
    // To read a long log takes longer than an answer counts; and whoever may lead may have looked before whoever may not.
    const foundMs = seen.jobs.last?.endedMs ?? seen.nowMs;
    const mayAnswer = near.length > 0 || seen.peers.some((peer) => mayAnswerYet(peer, sinceMs));
    if (able.length === 0 && mayAnswer && seen.nowMs - foundMs < askAgainWithinMs)
      return { actions: [{ kind: 'askPeers' }], because, wakeInMs: 50 };
    if (able.length === 0) return undefined;
    return {
      actions: [{ kind: 'releaseLeaderKey', lsn: null }],
      because,
      memory: { noRaceBeforeMs: later(seen.nowMs, seen.settings.cluster.ttlMs) },
    };
  },
};

/** How often at most a leader is asked where it is since its stream looks as if it were behind; and a change of upstream is told again. */
const askAgainMs = 5_000;
const tellAgainMs = 1_000;

/**
 * Also in pause: to follow would write over what may be the last trace of commits, and nothing is stopped or removed. Once it is
 * found it counts for the whole reign: the leader goes on, and then no position tells it any more.
 */
export const aheadStandby: Rule = {
  name: 'standby.aheadOfLeader',
  reason:
    'this standby has more of the timeline than its leader, whose disk was rolled back: it follows nobody, and people decide',
  judge(seen) {
    const standby = runningStandby(seen);
    const source = leaderAsSource(seen);
    if (standby === null || otherLeader(seen) === null) return undefined;
    const last = seen.jobs.kind === 'idle' ? seen.jobs.last : null;
    if (aheadOfLeader(seen) === null) {
      if (source === null || !looksAhead(seen)) return undefined;
      if (last?.job.kind === 'checkDivergence' && seen.nowMs - last.endedMs < askAgainMs) return undefined;
      const job = { kind: 'checkDivergence', from: source, leaderTimeline: standby.timeline } as const;
      return (
        repairPause(seen) ?? {
          actions: [{ kind: 'startJob', job }],
          because: [
            ['replayed', lsnText(standby.replayedLsn)],
            [
              'leaderSaysToBeAt',
              standby.receiver?.latestEndLsn == null ? null : lsnText(standby.receiver.latestEndLsn),
            ],
          ],
        }
      );
    }
    const because = aheadBecause(seen);
    if (standby.upstream === null && standby.receiver === null) return { actions: [], because };
    const isTold = last?.job.kind === 'follow' && last.job.upstream === null && seen.nowMs - last.endedMs < tellAgainMs;
    if (isTold) return { actions: [], because, wakeInMs: 100 };
    return { actions: [{ kind: 'startJob', job: { kind: 'follow', upstream: null, endReceiver: true } }], because };
  },
};

/** By what the leader says as it sends, read after what is replayed here. Another upstream may well be behind; and this is no proof yet. */
function looksAhead(seen: Observation): boolean {
  const standby = runningStandby(seen);
  const { receiver = null } = standby ?? {};
  if (standby === null || receiver === null || receiver.latestEndLsn === null) return false;
  const leader = memberOf(clusterOf(seen), otherLeader(seen)?.name ?? '');
  const isLeaders = leader?.host === standby.upstream?.host && leader?.port === standby.upstream?.port;
  return isLeaders && receiver.timeline === standby.timeline && receiver.latestEndLsn < standby.replayedLsn;
}
