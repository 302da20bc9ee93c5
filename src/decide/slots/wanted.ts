import type { Cluster, Member } from '../../model/cluster.ts';
import type { Observation } from '../../model/observation.ts';
import type { RunningPrimary, RunningStandby } from '../../model/postgres.ts';
import type { PermanentSlot } from '../../model/settings.ts';
import { slotNameOf } from '../../model/slotName.ts';
import type { InstantMs, Lsn } from '../../model/units.ts';
import { chainAbove, upstreamOf } from '../cascade.ts';
import { iAmLeader, leaderOf, me, nofailover, otherLeader } from '../judge.ts';

/** Which slots this node shall have: those of members, and the permanent ones. */

export interface WantedSlot {
  readonly name: string;
  readonly kind: 'physical' | 'logical';
  readonly database: string | null;
  readonly plugin: string | null;
  /** Who consumes it does so here. */
  readonly inUse: boolean;
  /** Where it stands elsewhere: nobody but the agent moves it here. Null: not known. */
  readonly to: Lsn | null;
}

export function wantedSlots(
  seen: Observation,
  cluster: Cluster,
  postgres: RunningPrimary | RunningStandby,
  retained: Readonly<Record<string, InstantMs>>,
): ReadonlyMap<string, WantedSlot> {
  const wanted = new Map<string, WantedSlot>();
  const others = cluster.members.filter(({ name, tags }) => name !== me(seen) && tags.nostream !== true);
  const consumers = new Set(others.filter((member) => streamsFromMe(seen, cluster, member)).map(({ name }) => name));
  const byConsumersOnly = seen.settings.cluster.memberSlotsTtlMs === 0 || !mayLead(seen);
  for (const member of others) {
    if (byConsumersOnly && !consumers.has(member.name)) continue;
    const name = slotNameOf(member.name);
    const inUse = consumers.has(member.name);
    wanted.set(name, { ...physical(name), inUse, to: inUse ? null : placeOf(seen, cluster, postgres, member) });
  }
  if (!byConsumersOnly)
    for (const name of Object.keys(retained))
      if (!wanted.has(name)) wanted.set(name, { ...physical(name), inUse: false, to: published(seen, cluster, name) });
  for (const slot of permanentHere(seen, cluster)) {
    if (slot.kind === 'logical')
      wanted.set(slot.name, { ...slot, inUse: iAmLeader(seen), to: published(seen, cluster, slot.name) });
    else if (!wanted.has(slot.name))
      wanted.set(slot.name, {
        ...physical(slot.name),
        inUse: iAmLeader(seen),
        to: published(seen, cluster, slot.name),
      });
  }
  return wanted;
}

const physical = (name: string) => ({ name, kind: 'physical', database: null, plugin: null }) as const;

const mayLead = (seen: Observation): boolean => iAmLeader(seen) || !nofailover(seen);

function streamsFromMe(seen: Observation, cluster: Cluster, member: Member): boolean {
  const leader = leaderOf(seen)?.name;
  if (leader === undefined || member.name === leader) return false;
  return upstreamOf(cluster, leader, member.name) === me(seen);
}

/** As the leader tells it. It is the one who is asked, and by itself never answers. */
const published = (seen: Observation, cluster: Cluster, name: string): Lsn | null =>
  iAmLeader(seen) ? null : (cluster.status?.slots[name] ?? null);

/**
 * Of a member that streams from elsewhere also its own word counts: the leader does not see it. What it has replayed it has
 * on disk, which is not sure of what it has received.
 */
function placeOf(
  seen: Observation,
  cluster: Cluster,
  { timeline }: RunningPrimary | RunningStandby,
  member: Member,
): Lsn | null {
  const told = published(seen, cluster, slotNameOf(member.name));
  const leader = leaderOf(seen)?.name;
  const cascades =
    leader !== undefined && member.name !== leader && upstreamOf(cluster, leader, member.name) !== leader;
  const own = cascades && member.timeline === timeline ? (member.replayLsn ?? member.xlogLocation) : null;
  return own !== null && (told === null || own > told) ? own : told;
}

/** Those of the configuration that this node shall have. */
export function permanentHere(seen: Observation, cluster: Cluster): readonly PermanentSlot[] {
  if (!mayLead(seen)) return [];
  const { permanentSlots, standbyCluster } = seen.settings.cluster;
  const clusterType = standbyCluster === null ? 'primary' : 'standby';
  const ofMembers = new Set(cluster.members.map(({ name }) => slotNameOf(name)));
  return permanentSlots.filter((slot) => {
    if (slot.name === slotNameOf(me(seen))) return false;
    if (slot.kind === 'physical') return slot.clusterType === null || slot.clusterType === clusterType;
    return standbyCluster === null && !ofMembers.has(slot.name) && streams(seen, cluster);
  });
}

/** It runs so that logical slots can be: a setting that waits for its start does not count yet. */
export const decodes = (seen: Observation, { pendingRestart }: RunningPrimary | RunningStandby): boolean =>
  seen.settings.postgres.parameters.wal_level === 'logical' && pendingRestart.wal_level === undefined;

/** A logical slot needs catalog rows, and what keeps them on the primary is told up the stream. */
function streams(seen: Observation, cluster: Cluster): boolean {
  const { nostream, replicatefrom } = seen.settings.local.tags;
  const leader = otherLeader(seen);
  if (leader === null) return true;
  return (
    !nostream && chainAbove(cluster, leader.name, me(seen), replicatefrom).every(({ tags }) => tags.nostream !== true)
  );
}
