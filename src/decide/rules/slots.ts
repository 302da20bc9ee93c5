import type { Cluster } from '../../model/cluster.ts';
import type { Fact } from '../../model/decision.ts';
import type { LogicalSlot } from '../../model/job.ts';
import type { Observation } from '../../model/observation.ts';
import type { RunningStandby } from '../../model/postgres.ts';
import { slotNameOf } from '../../model/slotName.ts';
import {
  clusterOf,
  dueRequest,
  leaderAsSource,
  me,
  memberOf,
  otherLeader,
  runningStandby,
  wantedUpstream,
} from '../judge.ts';
import type { Rule } from '../rule.ts';
import { decodes, permanentHere } from '../slots/wanted.ts';

/** From this version on PostgreSQL copies logical slots to its standbys itself. */
const syncsItself = 170_000;
/** Each copy stops this standby for a moment: one that came to nothing is not tried again at once. */
const againMs = 60_000;

const copy: Rule = {
  name: 'standby.copySlots',
  reason: 'the leader has logical slots that this standby lacks: it takes them over, and is down for a moment',
  judge(seen) {
    const standby = runningStandby(seen);
    const cluster = clusterOf(seen);
    const leader = otherLeader(seen);
    if (standby === null || cluster === null || leader === null || seen.settings.cluster.pause) return undefined;
    const missing = missingHere(seen, standby);
    const from = leaderAsSource(seen);
    const upstream = wantedUpstream(seen, slotNameOf);
    if (missing.length === 0 || from === null || upstream === null) return undefined;
    if (dueRequest(seen) !== null) return undefined; // who may be about to lead does not go down now
    // As long as it is not whole itself, it has more urgent business; and so has a leader that is only becoming one.
    if (standby.receiver?.status !== 'streaming' || memberOf(cluster, leader.name)?.role !== 'primary')
      return undefined;
    const last = seen.jobs.kind === 'idle' ? seen.jobs.last : null;
    if (last?.job.kind === 'copySlots' && seen.nowMs - last.endedMs < againMs) return undefined;
    if (!isMyTurn(seen, cluster, leader.name)) return undefined;
    const because: Fact[] = [
      ['leader', leader.name],
      ['slots', missing.map(({ name }) => name).join(' ')],
    ];
    const premise = { term: leader.term, leader: leader.name, systemId: standby.control.systemId };
    return {
      actions: [{ kind: 'startJob', job: { kind: 'copySlots', from, upstream, slots: missing, premise } }],
      because,
    };
  },
};

/**
 * Standbys take turns by the wall clock, one loop_wait each, so that commits that wait for one of them have another. Where clocks
 * do not agree two may be down at once, and nothing else happens.
 */
function isMyTurn(seen: Observation, cluster: Cluster, leader: string): boolean {
  const names = cluster.members.map(({ name }) => name).filter((name) => name !== leader);
  const turn = Math.floor(seen.wallMs / seen.settings.cluster.loopWaitMs) % Math.max(1, names.length);
  return names.length < 2 || names[turn] === me(seen);
}

/** Those that the leader tells of. A server refuses to start with more slots than it has room for, or that it cannot decode. */
function missingHere(seen: Observation, standby: RunningStandby): readonly LogicalSlot[] {
  const cluster = clusterOf(seen);
  if (cluster === null || !seen.settings.postgres.useSlots || standby.serverVersion >= syncsItself) return [];
  if (!decodes(seen, standby)) return [];
  const missing = permanentHere(seen, cluster).filter(
    (slot): slot is LogicalSlot =>
      slot.kind === 'logical' &&
      cluster.status?.slots[slot.name] !== undefined &&
      standby.slots.every(({ name }) => name !== slot.name),
  );
  const room = Number(seen.settings.postgres.parameters.max_replication_slots ?? 10) - standby.slots.length;
  return missing.slice(0, Math.max(0, room));
}

export const slotRules: readonly Rule[] = [copy];
