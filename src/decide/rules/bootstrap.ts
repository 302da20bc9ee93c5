import type { Initialize } from '../../model/cluster.ts';
import type { Action, ClaimSeen, Fact, Verdict } from '../../model/decision.ts';
import type { FinishedJob } from '../../model/job.ts';
import type { Observation } from '../../model/observation.ts';
import type { ControlData } from '../../model/postgres.ts';
import { standbyClusterOf } from '../../model/standbyCluster.ts';
import { clusterOf, lastRanAsPrimary, me, nofailover, runningPrimary, runningStandby, writesUntil } from '../judge.ts';
import { claimant, claimStands, existedBefore, firstConfiguration, mayFinish } from '../newborn.ts';
import type { Rule } from '../rule.ts';
import { remoteFacts, standbyClusterRemedy } from './standbyCluster.ts';

/** A cluster is being born: claimed, made, told who it is; and, where that was interrupted, taken up again. */

const lastBootstrap = (seen: Observation): FinishedJob | null =>
  seen.jobs.kind === 'idle' && seen.jobs.last?.job.kind === 'bootstrap' ? seen.jobs.last : null;

const asSeen = (claim: Extract<Initialize, { kind: 'bootstrapping' }>): ClaimSeen => ({
  modRevision: claim.modRevision,
  ownerModRevision: claim.owner?.modRevision ?? null,
});

const failed: Rule = {
  name: 'bootstrap.failed',
  reason: 'the bootstrap failed; the initialize key is given back, and the agent ends so that a human looks',
  judge(seen) {
    const last = lastBootstrap(seen);
    if (last === null || last.ended === 'done' || runningPrimary(seen) !== null) return undefined;
    if (seen.dcs.kind === 'unreachable') return { actions: [], because: [['error', last.error]] };
    const { initialize } = seen.dcs.cluster;
    const owner = claimant(seen);
    const mine = initialize.kind === 'bootstrapping' && (owner === null || owner === me(seen));
    // Another was faster, and this one was called off: it has no data, and clones.
    if (last.ended === 'cancelled' && !mine && initialize.kind !== 'absent') return undefined;
    return {
      actions: [
        ...(mine ? [{ kind: 'dropInitialize' as const, seenModRevision: initialize.modRevision }] : []),
        { kind: 'exit', code: 1, message: `bootstrap failed: ${last.error ?? last.ended}` },
      ],
      because: [['error', last.error]],
      hold: true,
    };
  },
};

/** The claim hangs on a lease that may have ended while the work goes on: it is made again, or the work is called off. */
const keepClaim: Rule = {
  name: 'bootstrap.claim',
  reason: 'the new cluster is being made here, and etcd no longer says so',
  judge(seen) {
    if (seen.jobs.kind !== 'busy' || seen.jobs.job.kind !== 'bootstrap' || seen.jobs.cancelling) return undefined;
    const initialize = clusterOf(seen)?.initialize;
    if (initialize === undefined || initialize.kind === 'invalid') return undefined;
    const owner = claimant(seen);
    if (initialize.kind === 'bootstrapping' && owner === me(seen)) return undefined;
    const because: Fact[] = [
      ['initialize', initialize.kind],
      ['owner', owner],
    ];
    if (initialize.kind === 'done' || owner !== null)
      return { actions: [{ kind: 'cancelJob', why: 'another member makes the cluster' }], because };
    const over = initialize.kind === 'bootstrapping' ? asSeen(initialize) : null;
    return { actions: [{ kind: 'claimInitialize', over }], because, wakeInMs: 1_000 };
  },
};

const half: Rule = {
  name: 'bootstrap.half',
  reason: 'the bootstrap died before it was through, and its server runs still: it is stopped, and all is made anew',
  judge(seen) {
    if (seen.postgres.kind !== 'running' || seen.postgres.left !== 'initdb' || seen.jobs.kind === 'busy')
      return undefined;
    if (!mayFinish(seen)) return undefined;
    return {
      actions: [
        {
          kind: 'startJob',
          job: {
            kind: 'stop',
            mode: 'immediate',
            why: 'half a bootstrap',
            checkpointFirst: false,
            budget: { immediateAtMs: null, killAtMs: null },
          },
        },
      ],
      because: [['left', seen.postgres.left]],
    };
  },
};

/** Whole data that can be the new cluster's first. A standby only where the claim bears my name: it does not define a cluster. */
function firstborn(seen: Observation): ControlData | null {
  const { postgres } = seen;
  if (postgres.kind === 'stopped')
    return !postgres.standbySignal && !postgres.backupLabel && lastRanAsPrimary(postgres.control)
      ? postgres.control
      : null;
  const server = runningPrimary(seen) ?? (claimant(seen) === me(seen) ? runningStandby(seen) : null);
  return server === null || server.left !== undefined ? null : server.control;
}

const finish: Rule = {
  name: 'bootstrap.finish',
  reason: 'the new cluster is told its identity, its configuration and its leader',
  judge(seen) {
    const cluster = clusterOf(seen);
    const control = firstborn(seen);
    if (cluster === null || cluster.leader !== null || control === null || seen.jobs.kind === 'busy') return undefined;
    const { initialize } = cluster;
    const made = lastBootstrap(seen)?.ended === 'done';
    // Once etcd knows who the cluster is, that the last job made it tells nothing about who may lead it.
    const untold = initialize.kind === 'bootstrapping' ? mayFinish(seen) : made && initialize.kind !== 'done';
    if (!untold) return undefined;
    // Whole data that is there is what it is, however it was to be made; but a primary it is to have here.
    const elsewhere = primaryElsewhere(seen);
    if (elsewhere !== null) return { actions: [], because: elsewhere };
    const first = firstConfiguration(seen.settings.local.bootstrap);
    const actions: Action[] = [];
    actions.push({
      kind: 'writeInitialize',
      systemId: control.systemId,
      seenModRevision: initialize.kind === 'absent' ? null : initialize.modRevision,
    });
    if (cluster.config === null && first !== null)
      actions.push({ kind: 'writeConfig', text: first, seenModRevision: null });
    actions.push({ kind: 'acquireLeaderKey', seenRevision: cluster.revision, ...writesUntil(seen) });
    return {
      actions,
      because: [
        ['systemId', control.systemId],
        ['timeline', control.timeline],
        ['madeByThisAgent', made],
      ],
      wakeInMs: 200,
    };
  },
};

/** The new cluster's primary is to be elsewhere: as /config says, or as it would say. Null: it is not. */
function primaryElsewhere(seen: Observation): readonly Fact[] | null {
  const known = seen.settings.cluster.standbyCluster;
  const isTold = clusterOf(seen)?.config != null;
  const remote = isTold ? known : (standbyClusterOf(seen.settings.local.bootstrap?.dcs.standby_cluster) ?? known);
  if (remote === null) return null;
  const remedy =
    'this agent makes no standby cluster: take bootstrap.dcs.standby_cluster out of the file, or run Patroni';
  return [...remoteFacts(remote), ['needsOperator', isTold ? standbyClusterRemedy : remedy]];
}

/** How else it is to be made; null: by initdb. An empty cluster in place of a restored one, or of a copy, would be believed. */
function notByInitdb(seen: Observation): readonly Fact[] | null {
  const elsewhere = primaryElsewhere(seen);
  const method = seen.settings.local.bootstrap?.method;
  if (elsewhere !== null || method === undefined) return elsewhere;
  const remedy =
    'this agent knows initdb alone: put the data directory of a primary that was stopped cleanly there, and start; or take bootstrap.method away';
  return [
    ['method', method],
    ['needsOperator', remedy],
  ];
}

/** No data, no leader: who makes the cluster? Undefined: not this node, for what is known. */
export function beginCluster(seen: Observation): Verdict | undefined {
  const initialize = clusterOf(seen)?.initialize;
  const { bootstrap } = seen.settings.local;
  const otherWay = notByInitdb(seen);
  if (initialize?.kind === 'absent' && otherWay !== null)
    return { actions: [], because: [['initialize', 'absent'], ...otherWay] };
  const able = bootstrap !== null && otherWay === null && !nofailover(seen);
  // In this order: whoever has the claim bootstraps, and a refusal ends the plan.
  const begin = (over: ClaimSeen | null, because: readonly Fact[]): Verdict => ({
    actions: [
      { kind: 'claimInitialize', over },
      { kind: 'startJob', job: { kind: 'bootstrap' } },
    ],
    because,
  });
  if (initialize?.kind === 'absent' && able) {
    const before = existedBefore(seen);
    if (before === null) return begin(null, [['initialize', 'absent']]);
    return {
      actions: [{ kind: 'askPeers' }],
      because: [
        ['initialize', 'absent'],
        ['waitsFor', before],
      ],
      wakeInMs: 1_000,
    };
  }
  if (initialize?.kind !== 'bootstrapping') return undefined;
  const owner = claimant(seen);
  const because: Fact[] = [
    ['initialize', 'claimed, and not finished'],
    ['owner', owner],
  ];
  if (owner === me(seen) && !able)
    return { actions: [{ kind: 'dropInitialize', seenModRevision: initialize.modRevision }], because };
  // Whoever has whole data goes first.
  const stands = claimStands(seen, 2 * seen.settings.cluster.loopWaitMs);
  if (stands === null && able) return begin(asSeen(initialize), because);
  return {
    actions: owner === null ? [{ kind: 'askPeers' }] : [],
    because: [...because, ['waitsFor', stands ?? 'a member that may bootstrap']],
    ...(owner === null ? { wakeInMs: 1_000 } : {}),
  };
}

export const bootstrapRules: readonly Rule[] = [failed, keepClaim, half, finish];
