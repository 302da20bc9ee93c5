import type { Fact } from '../model/decision.ts';
import type { Reached } from '../model/job.ts';
import type { Observation } from '../model/observation.ts';
import type { ControlData } from '../model/postgres.ts';
import { lsnText } from '../model/units.ts';
import { aheadOfLeader, me, otherLeader } from './judge.ts';

/** A primary whose disk was rolled back: what tells it before it goes on, and what is left to do where it went on. */

/** The standby that had replayed most of this very timeline, as far as they have said: a primary that stopped has as much, or its disk lost it. */
export function furthestReplayed(seen: Observation, { systemId, timeline }: ControlData): Reached | null {
  let furthest: Reached | null = null;
  for (const { name, said } of seen.peers) {
    if (said?.replayed === undefined || said.systemId !== systemId || said.timeline !== timeline) continue;
    if (furthest === null || said.replayed > furthest.lsn) furthest = { member: name, lsn: said.replayed };
  }
  return furthest;
}

/** The start in place that was just left since a standby has more; null: the last job was none. */
export function foundBehind({ jobs }: Observation): Reached | null {
  return (jobs.kind === 'idle' ? jobs.last?.behind : undefined) ?? null;
}

export function aheadBecause(seen: Observation): readonly Fact[] {
  const ahead = aheadOfLeader(seen);
  const leader = otherLeader(seen);
  if (ahead === null || leader === null) return [];
  return [
    ['cause', 'leaderRolledBack'],
    ['mine', lsnText(ahead.mine)],
    ['leaderWas', lsnText(ahead.leader)],
    [
      'needsOperator',
      `it has replayed ${lsnText(ahead.mine)}, and its leader ${leader.name} was at ${lsnText(ahead.leader)} of the same timeline: the disk of ${leader.name} was rolled back, and commits that were acknowledged may be here alone. It follows nobody, and nothing is removed. To keep what is here: failover --candidate ${me(seen)}, then reinit all others; to give it up: reinit ${me(seen)}`,
    ],
  ];
}
