import type { Cluster } from '../../model/cluster.ts';
import type { Observation } from '../../model/observation.ts';
import { slotNameOf } from '../../model/slotName.ts';
import type { InstantMs } from '../../model/units.ts';
import { iAmLeader, me } from '../judge.ts';

/**
 * Slots of members, by when their member was last seen. A slot outlives its member's key by `member_slots_ttl`: the former
 * leader's key ends just when its slot is needed.
 */
export function retainedSlots(seen: Observation, cluster: Cluster): Readonly<Record<string, InstantMs>> {
  const leads = iAmLeader(seen);
  const own = slotNameOf(me(seen));
  const members = cluster.members.filter(({ name }) => name !== me(seen));
  const present = members.filter(({ tags }) => tags.nostream !== true).map(({ name }) => slotNameOf(name));
  const never = new Set([
    own,
    ...members.filter(({ tags }) => tags.nostream === true).map(({ name }) => slotNameOf(name)),
    ...seen.settings.cluster.permanentSlots.map(({ name }) => name),
  ]);
  const seenAt: Record<string, InstantMs> = { ...seen.memory.slotsSeen };
  for (const name of present) seenAt[name] = seen.nowMs;
  // What the last leader retained is retained from now on, as a promotion starts all clocks anew; who follows goes by the leader's.
  for (const name of cluster.status?.retainSlots ?? [])
    if (!leads || seenAt[name] === undefined) seenAt[name] = seen.nowMs;
  const ttlMs = seen.settings.cluster.memberSlotsTtlMs;
  return Object.fromEntries(
    Object.entries(seenAt).filter(
      ([name, atMs]) => !never.has(name) && (present.includes(name) || seen.nowMs - atMs < ttlMs),
    ),
  );
}

/** Whose slots the last leader kept, itself included: a member key can be gone while its member may still write. */
export function rememberedBySlot(
  { settings }: Observation,
  { status }: Cluster,
  known: readonly string[],
): readonly string[] {
  if (status === null) return ['nobody knows who'];
  const permanent = new Set(settings.cluster.permanentSlots.map(({ name }) => name));
  const slots = new Set([...Object.keys(status.slots).filter((name) => !permanent.has(name)), ...status.retainSlots]);
  for (const name of known) slots.delete(slotNameOf(name));
  return [...slots];
}
