import { guardArmed } from '../decide/judge.ts';
import { stopBudgetMs, underLease } from '../decide/timing.ts';
import type { GuardView } from '../model/guard.ts';
import type { Premise } from '../model/job.ts';
import type { Settings } from '../model/settings.ts';
import type { Clock } from '../model/world.ts';
import type { Dcs } from './dcs/dcs.ts';

const readLimitMs = 1_400;

/**
 * Asked right before each irreversible step: does the world that the job was decided on still stand? Answers null, or why
 * not. My own reign is proven by the lease I hold; another's by asking etcd anew.
 */
export function makePremise(parts: {
  readonly clock: Clock;
  readonly dcs: Dcs;
  readonly settings: () => Settings;
  readonly guard: () => GuardView;
}) {
  return async (premise: Premise): Promise<string | null> => {
    if (premise.term === null) return null;
    const { cluster, local } = parts.settings();
    if (premise.leader === local.name) {
      const held = parts.dcs.held();
      if (held === null || held.term !== premise.term) return 'the lease of this term is not held any more';
      if (held.releaseInDoubt === true) return 'a release of the leader key that was lost sight of may still arrive';
      const nowMs = parts.clock.now();
      const leftMs = held.deadlineMs - nowMs;
      if (leftMs < stopBudgetMs(underLease(cluster, held)))
        return `only ${Math.round(leftMs)} ms of the lease are left: not enough for a stop that may have to follow`;
      return cluster.pause || guardArmed({ guard: parts.guard(), nowMs }) ? null : 'the guard is not armed';
    }
    const view = await parts.dcs.read(readLimitMs);
    if (view.kind === 'unreachable') return `etcd does not answer: ${view.why}`;
    const { leader, initialize } = view.cluster;
    if (leader === null) return 'nobody leads any more';
    if (leader.name !== premise.leader || leader.term !== premise.term)
      return `${leader.name} leads in term ${leader.term}, not ${premise.leader} in term ${premise.term}`;
    if (premise.systemId !== null && (initialize.kind !== 'done' || initialize.systemId !== premise.systemId))
      return "the cluster's system identifier is another one";
    return null;
  };
}
