import type { Action } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import type { Slot } from '../../model/postgres.ts';
import { slotNameOf } from '../../model/slotName.ts';
import type { InstantMs } from '../../model/units.ts';
import { clusterOf, iAmLeader, me, nofailover, otherLeader } from '../judge.ts';
import type { Upkeep } from '../upkeep.ts';

/**
 * Physical slots of the members: on the leader, so that no standby loses its WAL; on whoever may become leader, so that
 * they are there after a failover, moved on to where the leader says they stand. A slot outlives its member's key by
 * `member_slots_ttl`: the former leader's key ends just when its slot is needed.
 */
export function slots(seen: Observation): Upkeep {
  const cluster = clusterOf(seen);
  const { postgres } = seen;
  if (cluster === null || postgres.kind !== 'running' || !seen.settings.postgres.useSlots || cluster.config === null)
    return { actions: [] };
  if (seen.jobs.kind === 'busy') return { actions: [] };
  const leads = iAmLeader(seen);
  if (postgres.role === 'primary' && !leads) return { actions: [] };
  const own = slotNameOf(me(seen));
  const present = cluster.members
    .filter((member) => member.name !== me(seen) && member.tags.nostream !== true)
    .map((member) => slotNameOf(member.name));
  const seenAt: Record<string, InstantMs> = { ...seen.memory.slotsSeen };
  for (const name of present) seenAt[name] = seen.nowMs;
  // What the last leader retained is retained from now on; a promotion starts all clocks anew.
  for (const name of cluster.status?.retainSlots ?? []) if (name !== own) seenAt[name] ??= seen.nowMs;
  const ttlMs = seen.settings.cluster.memberSlotsTtlMs;
  const wanted = new Set<string>();
  for (const [name, atMs] of Object.entries(seenAt)) {
    if (present.includes(name) || seen.nowMs - atMs < ttlMs) wanted.add(name);
    else delete seenAt[name];
  }
  if (nofailover(seen) && !leads) return { actions: [], memory: { slotsSeen: seenAt } };
  const actions: Action[] = [];
  const follows =
    postgres.role === 'standby' && postgres.receiver?.status === 'streaming' && otherLeader(seen) !== null;
  for (const name of wanted) {
    const slot = postgres.slots.find((one) => one.name === name);
    if (slot === undefined) actions.push({ kind: 'createSlot', name });
    else if (keepsNothing(slot) || (follows && holdsVacuum(slot))) actions.push({ kind: 'dropSlot', name });
    else if (!leads && slot.kind === 'physical' && !slot.active) {
      const to = cluster.status?.slots[name];
      const reach = postgres.role === 'standby' ? postgres.replayedLsn : postgres.flushLsn;
      if (to !== undefined && slot.restartLsn !== null && to > slot.restartLsn && to <= reach)
        actions.push({ kind: 'advanceSlot', name, to });
    }
  }
  if (!seen.settings.cluster.pause) {
    for (const slot of postgres.slots) {
      const expired = seen.memory.slotsSeen[slot.name] !== undefined && !wanted.has(slot.name);
      const ownCopy = slot.name === own;
      if (slot.kind === 'physical' && !slot.active && !slot.temporary && (expired || ownCopy))
        actions.push({ kind: 'dropSlot', name: slot.name });
    }
  }
  return { actions, memory: { slotsSeen: seenAt } };
}

const isIdle = ({ kind, active, temporary }: Slot): boolean => kind === 'physical' && !active && !temporary;
/** Made without WAL in reserve, or its WAL is gone: it is dropped, and made anew. */
const keepsNothing = (slot: Slot): boolean => isIdle(slot) && (slot.restartLsn === null || slot.walStatus === 'lost');
/** Of a former primary, from its time as one: with hot_standby_feedback it would hold up vacuum on the leader for ever. */
const holdsVacuum = (slot: Slot): boolean => isIdle(slot) && slot.xmin;
