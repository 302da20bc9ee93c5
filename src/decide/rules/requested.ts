import type { FailoverRequest, Member } from '../../model/cluster.ts';
import type { Fact, Verdict } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import type { PeerReport } from '../../model/peers.ts';
import type { RunningPrimary } from '../../model/postgres.ts';
import type { InstantMs } from '../../model/units.ts';
import { clusterOf, failoverRequest, iAmLeader, me, runningPrimary } from '../judge.ts';
import type { Rule } from '../rule.ts';
import { isElectable } from '../synchronous/standing.ts';
import { orderlyStop } from '../timing.ts';
import { remoteFacts } from './standbyCluster.ts';

/** A switchover or failover that somebody asked for, as the leader answers it. */

/** An answer older than this is of the time before the request: it counts neither for a member nor against it. */
const recentMs = 1_000;

interface Takers {
  readonly able: readonly string[];
  /** Nothing new is known of them: asked before anything is refused because of them. */
  readonly unsure: readonly string[];
  readonly because: readonly Fact[];
}

/** Others that could take over now, by name; one candidate narrows them to itself. */
function takers(seen: Observation, request: FailoverRequest, primary: RunningPrimary): Takers {
  const considered = (clusterOf(seen)?.members ?? []).filter(
    (member) => member.name !== me(seen) && (request.candidate === null || member.name === request.candidate),
  );
  const judged = considered.map((member) => {
    const report = seen.peers.find((peer) => peer.name === member.name);
    const flaw =
      synchronyFlaw(seen, request, member.name) ??
      flawOf(member, report) ??
      distanceOf(member, report, primary, seen.settings.cluster.maximumLagBytesOnFailover);
    return { name: member.name, flaw, recent: isRecent(report, seen.nowMs) };
  });
  return {
    able: judged.filter(({ flaw, recent }) => flaw === null && recent).map(({ name }) => name),
    unsure: judged.filter(({ recent }) => !recent).map(({ name }) => name),
    because: judged.flatMap(({ name, flaw }): Fact[] => (flaw === null ? [] : [[name, flaw]])),
  };
}

/** A failover to a member by name takes the loss upon itself; a switchover never costs a commit. */
const synchronyFlaw = (seen: Observation, request: FailoverRequest, name: string): string | null =>
  (request.leader === null && request.candidate !== null) || isElectable(seen, name) ? null : 'not synchronous';

function flawOf(member: Member, report: PeerReport | undefined): string | null {
  if (member.tags.nofailover === true || report?.said?.nofailover === true) return 'nofailover';
  if (report?.said?.watchdogFailed === true) return 'watchdog failed';
  if (report?.last.kind === 'silent') return `silent: ${report.last.why}`;
  if (report?.said?.runsAsPrimary === true) return 'runs as a primary';
  if (report?.said?.etcdAwayMs !== undefined) return 'its etcd does not answer: it could not take the key';
  return report?.said != null && report.said.position === null ? 'PostgreSQL gives no position' : null;
}

/**
 * Too far from the primary to take over: its stop would be for nothing. Who streams from this server is known best by this
 * server: what an idle member says of itself may be a whole loop_wait old, and a busy primary is a long way on by then.
 */
function distanceOf(
  { name }: Member,
  report: PeerReport | undefined,
  primary: RunningPrimary,
  maximumLagBytes: number,
): string | null {
  const said = report?.said ?? null;
  const stream = primary.senders.find((one) => one.applicationName === name && one.state === 'streaming');
  const streamed = stream?.flushLsn ?? null;
  if (streamed === null && said?.timeline != null && said.timeline !== primary.timeline)
    return `timeline ${said.timeline}`;
  const known = [streamed, said?.position ?? null].filter((at) => at !== null);
  const [furthest] = known.toSorted((a, b) => (a > b ? -1 : 1));
  if (furthest === undefined) return null;
  const lagBytes = primary.flushLsn - furthest;
  return lagBytes > BigInt(maximumLagBytes) ? `lag ${lagBytes} bytes` : null;
}

function isRecent(report: PeerReport | undefined, nowMs: InstantMs): boolean {
  const { askedMs = null, last } = report ?? {};
  const silentMs = last?.kind === 'silent' ? last.atMs : null;
  return [askedMs, silentMs].some((atMs) => atMs !== null && nowMs - atMs < recentMs);
}

const refuseRequest = (request: FailoverRequest, because: readonly Fact[]): Verdict => ({
  actions: [{ kind: 'clearFailover', seenModRevision: request.modRevision }],
  because: [...because, ['outcome', 'refused, and cleared']],
  wakeInMs: 0,
});

export const handleRequest: Rule = {
  name: 'leading.requested',
  reason: 'a switchover or failover was asked for',
  judge(seen) {
    const request = failoverRequest(seen);
    const primary = runningPrimary(seen);
    if (request === null || primary === null || !iAmLeader(seen) || seen.held === null) return undefined;
    const because: Fact[] = [
      ['from', request.leader],
      ['to', request.candidate],
      ['scheduledAt', request.scheduledAt === null ? null : new Date(request.scheduledAt).toISOString()],
    ];
    if (request.problem !== null) return refuseRequest(request, [...because, ['problem', request.problem]]);
    if (request.scheduledAt !== null) {
      if (seen.settings.cluster.pause) return undefined;
      const inMs = request.scheduledAt - seen.wallMs;
      if (inMs > 0) return undefined;
      if (inMs < -1.5 * seen.settings.cluster.loopWaitMs)
        return refuseRequest(request, [...because, ['lateMs', Math.round(-inMs)]]);
    }
    if (request.leader !== null && request.leader !== me(seen))
      return refuseRequest(request, [...because, ['leader', me(seen)]]);
    const { standbyCluster } = seen.settings.cluster;
    if (standbyCluster !== null) return refuseRequest(request, [...because, ...remoteFacts(standbyCluster)]);
    if (request.candidate === me(seen)) return refuseRequest(request, [...because, ['leader', me(seen)]]);
    if (seen.settings.cluster.pause && request.candidate === null)
      return refuseRequest(request, [...because, ['paused', true]]);
    const { able, unsure, because: flaws } = takers(seen, request, primary);
    if (able.length === 0 && unsure.length > 0)
      return {
        actions: [{ kind: 'askPeers' }],
        because: [...because, ...flaws, ['waitsFor', `an answer of ${unsure.join(', ')}`]],
        wakeInMs: 100,
      };
    if (able.length === 0) return refuseRequest(request, [...because, ...flaws, ['candidates', null]]);
    return {
      actions: [
        { kind: 'renewLease' },
        { kind: 'askPeers' },
        {
          kind: 'startJob',
          job: {
            kind: 'stop',
            mode: 'fast',
            why: 'switchover',
            checkpointFirst: true,
            budget: orderlyStop(seen),
            successors: able,
          },
        },
      ],
      because: [...because, ...flaws, ['candidates', able.join(',')]],
      memory: {
        stepDown: {
          term: seen.held.term,
          candidate: request.candidate,
          sinceMs: seen.nowMs,
          shutdownLsn: null,
          givenUp: false,
        },
      },
    };
  },
};
