import type { Observation } from '../../model/observation.ts';
import type { RunningPrimary } from '../../model/postgres.ts';
import { slotNameOf } from '../../model/slotName.ts';
import type { Lsn } from '../../model/units.ts';
import { clusterOf, iAmLeader, me, runningPrimary } from '../judge.ts';
import type { Upkeep } from '../upkeep.ts';

/** /status: how far the leader is, where each slot stands, and which slots of members are kept. */
export function status(seen: Observation): Upkeep {
  const primary = runningPrimary(seen);
  const cluster = clusterOf(seen);
  if (primary === null || cluster === null || seen.held === null || !iAmLeader(seen)) return { actions: [] };
  const slots = slotPositions(seen, primary);
  const own = slotNameOf(me(seen));
  const { useSlots } = seen.settings.postgres;
  const retained = new Set(Object.keys(seen.memory.slotsSeen));
  const permanent = permanentNames(seen);
  const retainSlots = primary.slots
    .filter(({ kind, name }) => kind === 'physical' && retained.has(name) && !permanent.has(name))
    .map(({ name }) => name);
  if (useSlots) retainSlots.push(own); // whoever leads may be the one that is gone next
  const next = { optime: primary.flushLsn, slots, retainSlots: [...new Set(retainSlots)].sort() };
  const before = cluster.status;
  const same =
    before !== null &&
    before.optime === next.optime &&
    before.retainSlots.join() === next.retainSlots.join() &&
    Object.keys(slots).length === Object.keys(before.slots).length &&
    Object.entries(slots).every(([name, at]) => before.slots[name] === at);
  return { actions: same ? [] : [{ kind: 'writeStatus', status: next, term: seen.held.term }] };
}

const permanentNames = ({ settings }: Observation): ReadonlySet<string> =>
  new Set(settings.cluster.permanentSlots.map(({ name }) => name));

/**
 * Where each slot stands; the own name stands for what the others keep for this node. Without slots of absent members
 * (`member_slots_ttl: 0`) others keep the permanent ones only.
 */
export function slotPositions(seen: Observation, primary: RunningPrimary): Readonly<Record<string, Lsn>> {
  const slots: Record<string, Lsn> = {};
  for (const slot of primary.slots) {
    const at = slot.kind === 'logical' ? slot.confirmedFlushLsn : slot.restartLsn;
    if (at !== null && !slot.temporary) slots[slot.name] = at;
  }
  if (seen.settings.postgres.useSlots) slots[slotNameOf(me(seen))] = primary.flushLsn;
  if (seen.settings.cluster.memberSlotsTtlMs > 0) return slots;
  const permanent = permanentNames(seen);
  return Object.fromEntries(Object.entries(slots).filter(([name]) => permanent.has(name)));
}
