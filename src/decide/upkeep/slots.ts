import type { Cluster } from '../../model/cluster.ts';
import type { Action } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import type { RunningPrimary, RunningStandby, Slot } from '../../model/postgres.ts';
import { slotNameOf } from '../../model/slotName.ts';
import type { InstantMs, Lsn } from '../../model/units.ts';
import { clusterOf, iAmLeader, isGarbage, leaderOf, me, otherLeader } from '../judge.ts';
import { blocksSync, isIdle, isIgnored, whyAnew } from '../slots/dropping.ts';
import { slotProofs, unproven } from '../slots/proof.ts';
import { retainedSlots } from '../slots/retention.ts';
import { decodes, type WantedSlot, wantedSlots } from '../slots/wanted.ts';
import { asPromised } from '../slots/withoutEtcd.ts';
import type { Upkeep } from '../upkeep.ts';

/**
 * Slots of the members and the permanent ones: on the leader, so that no consumer loses its WAL; on whoever may become
 * leader, so that they are there after a failover, moved on to where the leader says they stand. In pause none is dropped.
 */
export function slots(seen: Observation): Upkeep {
  if (seen.dcs.kind === 'reachable') return slotsOf(seen);
  // In failsafe mode they go on with their consumers; what is made or dropped waits for etcd.
  const told = asPromised(seen);
  return { actions: told === null ? [] : slotsOf(told).actions.filter(({ kind }) => kind === 'advanceSlot') };
}

function slotsOf(seen: Observation): Upkeep {
  const cluster = clusterOf(seen);
  const { postgres } = seen;
  if (cluster === null || postgres.kind !== 'running' || !seen.settings.postgres.useSlots || cluster.config === null)
    return { actions: [] };
  if (seen.jobs.kind === 'busy') return { actions: [] };
  const leads = iAmLeader(seen);
  if (postgres.role === 'primary' && !leads) return { actions: [] };
  const retained = retainedSlots(seen, cluster);
  const wanted = wantedSlots(seen, cluster, postgres, retained);
  const unknown = unknownSlots(seen, cluster, postgres, wanted);
  const doubtful = postgres.role === 'primary' ? unproven(seen) : [];
  return {
    actions: [
      ...doubtful.map((name): Action => ({ kind: 'tell', level: 'error', text: doubtText(name) })),
      ...[...wanted.values()].flatMap((slot) => kept(seen, postgres, slot)),
      ...(seen.settings.cluster.pause ? [] : dropped(seen, postgres, wanted, unknown)),
    ],
    memory: { slotsSeen: retained, unknownSlots: unknown, slotProofs: slotProofs(seen) },
  };
}

const doubtText = (name: string): string =>
  `logical slot ${name} was not proven to be safe when this node was promoted: catalog rows that it needs may be gone. Stop its consumer, drop the slot, and have the consumer begin anew`;

/** One that is wanted: made, made anew, or moved on. */
function kept(seen: Observation, postgres: RunningPrimary | RunningStandby, wanted: WantedSlot): readonly Action[] {
  const { name } = wanted;
  const slot = postgres.slots.find((one) => one.name === name);
  if (slot === undefined) return made(seen, postgres, wanted);
  const why = whyAnew(slot, wanted, isCalm(seen, postgres));
  if (why !== null) return seen.settings.cluster.pause ? [] : [{ kind: 'dropSlot', name, why }];
  if (wanted.inUse || wanted.to === null || !isIdle(slot)) return [];
  const reach = postgres.role === 'standby' ? postgres.replayedLsn : postgres.flushLsn;
  if (slot.kind === 'logical') {
    // Where it was confirmed is where its consumer goes on: it stays behind rather than leave anything out.
    const to = earlier(wanted.to, reach);
    const behind = !slot.failover && slot.confirmedFlushLsn !== null && slot.confirmedFlushLsn < to;
    return behind && slot.database !== null ? [{ kind: 'advanceSlot', name, to, database: slot.database }] : [];
  }
  const moves = slot.restartLsn !== null && wanted.to > slot.restartLsn && wanted.to <= reach;
  return moves ? [{ kind: 'advanceSlot', name, to: wanted.to }] : [];
}

function earlier(a: Lsn, b: Lsn): Lsn {
  if (a < b) return a;
  return b;
}

/** Logical ones are made where they are consumed, and copied from there. */
function made(
  seen: Observation,
  postgres: RunningPrimary | RunningStandby,
  { name, kind, database, plugin }: WantedSlot,
): readonly Action[] {
  if (kind === 'physical') return [{ kind: 'createSlot', name }];
  if (database === null || plugin === null || postgres.role !== 'primary' || !decodes(seen, postgres)) return [];
  return [{ kind: 'createSlot', name, logical: { database, plugin, failover: postgres.serverVersion >= 170_000 } }];
}

/** Not in a failover: then slots that nobody seems to need may be just those that will be needed. */
function isCalm(seen: Observation, postgres: RunningPrimary | RunningStandby): boolean {
  if (postgres.role === 'primary') return iAmLeader(seen);
  return postgres.receiver?.status === 'streaming' && otherLeader(seen) !== null;
}

/**
 * Since when slots that nobody asked for are seen here, and idle. Patroni drops them at its next look; here they have one ttl: a
 * consumer that comes back in a moment finds its slot, and a configuration that was wrong for a moment costs nobody anything.
 */
function unknownSlots(
  seen: Observation,
  cluster: Cluster,
  postgres: RunningPrimary | RunningStandby,
  wanted: ReadonlyMap<string, WantedSlot>,
): Readonly<Record<string, InstantMs>> {
  const sure =
    leaderOf(seen) !== null &&
    cluster.status !== null &&
    !seen.settings.cluster.pause &&
    !seen.settings.cluster.slotsInDoubt &&
    !isGarbage(cluster, 'config') &&
    !isGarbage(cluster, 'status');
  if (!sure) return {};
  const found = postgres.slots.filter((slot) => !wanted.has(slot.name) && isOurs(seen, slot));
  return Object.fromEntries(found.map(({ name }) => [name, seen.memory.unknownSlots[name] ?? seen.nowMs]));
}

/** Neither its owner's business, nor PostgreSQL's own. */
const isOurs = (seen: Observation, slot: Slot): boolean =>
  isIdle(slot) && !slot.failover && !slot.synced && !isIgnored(slot, seen.settings.cluster);

function dropped(
  seen: Observation,
  { slots: found }: RunningPrimary | RunningStandby,
  wanted: ReadonlyMap<string, WantedSlot>,
  unknown: Readonly<Record<string, InstantMs>>,
): readonly Action[] {
  const why = (slot: Slot): string | null => {
    if (otherLeader(seen) !== null && blocksSync(slot))
      return 'the leader has it, and PostgreSQL keeps a copy of it here';
    if (wanted.has(slot.name) || !isOurs(seen, slot)) return null;
    if (slot.kind === 'physical' && slot.name === slotNameOf(me(seen))) return 'it is of this member itself';
    if (slot.kind === 'physical' && seen.memory.slotsSeen[slot.name] !== undefined)
      return 'its member is gone for longer than member_slots_ttl, or needs none here';
    const sinceMs = unknown[slot.name];
    return sinceMs !== undefined && seen.nowMs - sinceMs >= seen.settings.cluster.ttlMs
      ? 'it is of no member, and neither in slots nor in ignore_slots'
      : null;
  };
  return found.flatMap((slot): Action[] => {
    const reason = why(slot);
    return reason === null ? [] : [{ kind: 'dropSlot', name: slot.name, why: reason }];
  });
}
