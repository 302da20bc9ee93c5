import type { Observation } from '../../model/observation.ts';
import type { RunningPrimary } from '../../model/postgres.ts';
import { slotNameOf } from '../../model/slotName.ts';
import type { Lsn } from '../../model/units.ts';
import { clusterOf, iAmLeader, me, runningPrimary } from '../judge.ts';
import type { Upkeep } from '../upkeep.ts';

/** Where each slot stands; the own name stands for what the others keep for this node. */
export function slotPositions(seen: Observation, primary: RunningPrimary): Readonly<Record<string, Lsn>> {
  const slots: Record<string, Lsn> = {};
  for (const slot of primary.slots) {
    const at = slot.kind === 'logical' ? slot.confirmedFlushLsn : slot.restartLsn;
    if (at !== null && !slot.temporary) slots[slot.name] = at;
  }
  if (seen.settings.postgres.useSlots) slots[slotNameOf(me(seen))] = primary.flushLsn;
  return slots;
}

/** /status: how far the leader is, and where each slot stands. */
export function status(seen: Observation): Upkeep {
  const primary = runningPrimary(seen);
  const cluster = clusterOf(seen);
  if (primary === null || cluster === null || seen.held === null || !iAmLeader(seen)) return { actions: [] };
  const slots = slotPositions(seen, primary);
  const own = slotNameOf(me(seen));
  const retained = new Set(Object.keys(seen.memory.slotsSeen));
  const retainSlots = [
    ...primary.slots.filter((slot) => slot.kind === 'physical' && retained.has(slot.name)).map(({ name }) => name),
    ...(seen.settings.postgres.useSlots ? [own] : []),
  ].sort();
  const next = { optime: primary.flushLsn, slots, retainSlots: [...new Set(retainSlots)] };
  const before = cluster.status;
  const same =
    before !== null &&
    before.optime === next.optime &&
    before.retainSlots.join() === next.retainSlots.join() &&
    Object.keys(slots).length === Object.keys(before.slots).length &&
    Object.entries(slots).every(([name, at]) => before.slots[name] === at);
  return { actions: same ? [] : [{ kind: 'writeStatus', status: next, term: seen.held.term }] };
}
