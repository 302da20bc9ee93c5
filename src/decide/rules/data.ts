import type { Fact } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import { later } from '../../model/units.ts';
import { freshAnswers, leaderlessSince } from '../contest.ts';
import {
  clusterOf,
  controlOf,
  iAmLeader,
  lastRanAsPrimary,
  leaderAsSource,
  me,
  otherLeader,
  restsPaused,
  runningPrimary,
} from '../judge.ts';
import { repairPause } from '../repair.ts';
import type { Rule } from '../rule.ts';
import { unreadableBecause } from '../stuck.ts';
import { beginCluster } from './bootstrap.ts';
import { cloneSource, copyWithoutLeader, howToCopy, keepsData } from './cloning.ts';

/** No usable data here, or a cluster that does not know itself yet. */

const partial: Rule = {
  name: 'data.partial',
  reason: 'a job died here and left half a data directory',
  judge(seen) {
    if (seen.postgres.kind !== 'partialData') return undefined;
    const { left, mayBeWhole = false, inPlace = false } = seen.postgres;
    if (iAmLeader(seen) && left !== 'initdb')
      return {
        actions: [{ kind: 'releaseLeaderKey', lsn: null }],
        because: [
          ['left', left],
          ['leader', 'me, without whole data'],
        ],
      };
    const pause = repairPause(seen);
    if (pause !== null) return pause;
    const leader = otherLeader(seen);
    const cluster = clusterOf(seen);
    const systemId = cluster?.initialize.kind === 'done' ? cluster.initialize.systemId : null;
    // Half a copy is never the only one, but the leader that has the whole must be known before anything goes.
    const source = leaderAsSource(seen);
    if (cluster === null || (leader === null && left !== 'initdb') || (source === null && left === 'removal'))
      return {
        actions: [],
        because: [
          ['left', left],
          ['leader', leader?.name ?? null],
        ],
      };
    const premise = { term: leader?.term ?? null, leader: leader?.name ?? null, systemId };
    const copyFrom = cloneSource(seen);
    // Given up before it was touched, with all that was asked then; what a tool has begun there it goes on with.
    if (inPlace && !mayBeWhole && keepsData(seen)) {
      if (source === null || copyFrom === null || restsPaused(seen))
        return {
          actions: [],
          because: [
            ['left', left],
            ['leader', leader?.name ?? null],
            ['paused', seen.settings.cluster.pause],
          ],
        };
      const job = { kind: 'clone', from: copyFrom, premise, over: source } as const;
      return {
        actions: [{ kind: 'startJob', job }],
        because: [
          ['left', left],
          ['from', copyFrom.member],
        ],
      };
    }
    return {
      actions: [
        {
          kind: 'startJob',
          job: {
            kind: 'removeData',
            why: `an interrupted ${left}`,
            premise,
            force: left !== 'rewind' && !mayBeWhole,
            // It may have died before anything was gone.
            leader: left === 'removal' ? source : null,
            ...(left === 'removal' ? { copyFrom } : {}),
          },
        },
      ],
      because: mayBeWhole
        ? [
            ['left', left],
            ['setAside', 'it may be whole data that people put there'],
          ]
        : [['left', left]],
    };
  },
};

const missing: Rule = {
  name: 'data.missing',
  reason: 'this node has no data',
  judge(seen) {
    if (seen.postgres.kind !== 'noData') return undefined;
    const cluster = clusterOf(seen);
    if (cluster === null) return { actions: [], because: [['etcd', 'unreachable']] };
    if (iAmLeader(seen))
      return { actions: [{ kind: 'releaseLeaderKey', lsn: null }], because: [['leader', 'me, without data']] };
    if (restsPaused(seen)) return { actions: [], because: [['paused', true]] };
    const leader = otherLeader(seen);
    const { initialize } = cluster;
    const systemId = initialize.kind === 'done' ? initialize.systemId : null;
    if (leader !== null) {
      const from = cloneSource(seen);
      const because: Fact[] = [
        ['leader', leader.name],
        ['from', from?.member ?? null],
      ];
      const pause = repairPause(seen);
      if (pause !== null) return pause;
      if (from === null) return { actions: [], because: [...because, ['address', 'not known yet']], wakeInMs: 1_000 };
      return {
        actions: [
          {
            kind: 'startJob',
            job: {
              kind: 'clone',
              from,
              premise: { term: leader.term, leader: leader.name, systemId },
              ...howToCopy(seen),
            },
          },
        ],
        because,
      };
    }
    const begin = beginCluster(seen);
    if (begin !== undefined) return begin;
    const alone = copyWithoutLeader(seen);
    if (alone !== null) return alone;
    return {
      actions: [],
      because: [
        ['initialize', initialize.kind],
        ['leader', null],
        ['bootstrapSection', seen.settings.local.bootstrap !== null],
      ],
    };
  },
};

/** A server that ends takes the file away a moment before it is gone itself. */
const homelessMs = 1_000;
const killAfterMs = 300;

const gone: Rule = {
  name: 'data.gone',
  reason:
    'the data directory went from under the running server: that is stopped before the key or a fresh copy is thought of',
  judge(seen) {
    const { postgres } = seen;
    if (postgres.kind !== 'stopping' || postgres.homeless !== true || seen.settings.cluster.pause) return undefined;
    const forMs = seen.nowMs - postgres.sinceMs;
    const because: Fact[] = [
      ['pid', postgres.pid],
      ['forMs', Math.round(forMs)],
    ];
    if (forMs < homelessMs) return { actions: [], because, wakeInMs: homelessMs - forMs };
    const budget = { immediateAtMs: seen.nowMs, killAtMs: later(seen.nowMs, killAfterMs) };
    const job = { kind: 'stop', mode: 'immediate', why: 'its data is gone', checkpointFirst: false, budget } as const;
    return { actions: [{ kind: 'startJob', job }], because };
  },
};

const unreadable: Rule = {
  name: 'data.unreadable',
  reason: 'the data directory cannot be read; nothing is touched',
  judge(seen) {
    if (seen.postgres.kind !== 'unreadable') return undefined;
    return {
      actions: iAmLeader(seen) ? [{ kind: 'releaseLeaderKey', lsn: null }] : [],
      because: [['why', seen.postgres.why], ...unreadableBecause(seen, seen.postgres.why)],
      wakeInMs: 2_000,
    };
  },
};

/**
 * The key was deleted, and no primary is left to write it again: then a standby may, after the time in which one would have
 * come, where etcd told its agent this very identity before, or all the other members have it. Null: it may.
 */
function whyNotRestore(seen: Observation, systemId: string): string | null {
  const sinceMs = leaderlessSince(seen);
  // Without it nobody could tell who is too far behind to lead.
  if (clusterOf(seen)?.status == null)
    return `etcd has lost where the primary was, too: start that one, or put the key initialize again: ${systemId}`;
  if (seen.nowMs - sinceMs <= seen.settings.cluster.ttlMs) return 'its primary may still come';
  if (seen.memory.systemId !== null)
    return seen.memory.systemId === systemId ? null : `it was ${seen.memory.systemId}, and this is ${systemId}`;
  // Who has no data has nothing to say.
  const others = (clusterOf(seen)?.members ?? []).filter(
    ({ name, role }) => name !== me(seen) && role !== 'uninitialized',
  );
  if (others.length === 0) return 'nobody else says who it was';
  const fresh = freshAnswers(seen, sinceMs);
  const agrees = (name: string): boolean =>
    fresh.includes(name) && seen.peers.find((peer) => peer.name === name)?.said?.systemId === systemId;
  const unsure = others.filter(({ name }) => !agrees(name)).map(({ name }) => name);
  return unsure.length === 0 ? null : `${unsure.join(', ')} did not say to be the same`;
}

const identity: Rule = {
  name: 'cluster.identity',
  reason: 'the store does not know this cluster: whoever is sure says who it is',
  judge(seen) {
    const cluster = clusterOf(seen);
    const control = controlOf(seen.postgres);
    if (cluster === null || control === null || seen.settings.cluster.pause) return undefined;
    const { initialize } = cluster;
    if (initialize.kind !== 'absent' && initialize.kind !== 'invalid') return undefined;
    const write = (): ReturnType<Rule['judge']> => ({
      actions: [
        {
          kind: 'writeInitialize',
          systemId: control.systemId,
          seenModRevision: initialize.kind === 'invalid' ? initialize.modRevision : null,
        },
      ],
      because: [
        ['initialize', initialize.kind],
        ['systemId', control.systemId],
      ],
      wakeInMs: 0,
    });
    if (iAmLeader(seen)) return write();
    if (cluster.leader !== null) return undefined;
    // A standby must not define the cluster: a wiped store would then follow whoever looks first.
    const primary =
      runningPrimary(seen) !== null ||
      (seen.postgres.kind === 'stopped' && !seen.postgres.standbySignal && lastRanAsPrimary(control));
    if (primary) return write();
    const doubt = whyNotRestore(seen, control.systemId);
    if (doubt === null) return write();
    return {
      actions: [{ kind: 'askPeers' }],
      because: [
        ['initialize', initialize.kind],
        ['postgres', `a standby does not define the cluster: ${doubt}`],
      ],
      wakeInMs: 1_000,
    };
  },
};

export const dataRules: readonly Rule[] = [gone, unreadable, partial, missing, identity];
