import type { Memory, Observation, SlotProof } from '../../model/observation.ts';
import { slotNameOf } from '../../model/slotName.ts';
import { chainAbove } from '../cascade.ts';
import { clusterOf, iAmLeader, me, otherLeader, runningPrimary, runningStandby } from '../judge.ts';
import { permanentHere } from './wanted.ts';

/**
 * Which copies of logical slots could be used after a promotion. The primary vacuums catalog rows that no slot of its own needs;
 * what the copy here needs it is told by hot standby feedback, which it keeps as the catalog xmin of this standby's slot:
 * 1. Before it has one, it may have vacuumed as far as its own logical slot let it: that is the floor.
 * 2. From then on it vacuums nothing beyond that xmin.
 * So the copy is safe once it needs nothing older than both. As it is moved on, it gets there.
 */
export function slotProofs(seen: Observation): Memory['slotProofs'] {
  const before = seen.memory.slotProofs;
  const cluster = clusterOf(seen);
  const standby = runningStandby(seen);
  const leader = otherLeader(seen);
  if (runningPrimary(seen) !== null && iAmLeader(seen)) return {};
  if (cluster === null || standby === null || leader === null) return before; // what was known last counts
  const report = seen.peers.find(({ name }) => name === leader.name)?.said;
  const said = report?.timeline === standby.timeline ? report.catalogXmins : undefined;
  const head =
    chainAbove(cluster, leader.name, me(seen), seen.settings.local.tags.replicatefrom).at(-1)?.name ?? me(seen);
  const held = said?.[slotNameOf(head)] ?? null;
  const proofs = permanentHere(seen, cluster).flatMap(({ kind, name }): readonly (readonly [string, SlotProof])[] => {
    const slot = standby.slots.find((one) => one.name === name && one.kind === 'logical');
    if (kind !== 'logical' || slot === undefined || slot.synced) return [];
    const known = before[name];
    const leaderStarted = report?.startedText ?? known?.leaderStarted ?? null;
    const same =
      known?.term === leader.term &&
      known.startedWallMs === standby.startedWallMs &&
      known.leaderStarted === leaderStarted;
    const heard = held === null ? null : (said?.[name] ?? null);
    const floor = same && known.floor !== null ? known.floor : heard;
    const { catalogXmin } = slot;
    const safe =
      said === undefined
        ? same && known.safe
        : floor !== null &&
          held !== null &&
          catalogXmin !== null &&
          !precedes(catalogXmin, floor) &&
          !precedes(catalogXmin, held);
    return [[name, { term: leader.term, startedWallMs: standby.startedWallMs, leaderStarted, floor, safe }]];
  });
  return Object.fromEntries(proofs);
}

/** Transaction numbers go round: within half of all there are, the one behind is older. */
const precedes = (a: number, b: number): boolean => ((a - b) | 0) < 0;

/** Told once, as this node has become the leader. */
export const unproven = (seen: Observation): readonly string[] =>
  Object.entries(seen.memory.slotProofs)
    .filter(([, { safe }]) => !safe)
    .map(([name]) => name);
