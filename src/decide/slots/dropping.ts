import type { Slot } from '../../model/postgres.ts';
import type { ClusterSettings, SlotPattern } from '../../model/settings.ts';
import type { WantedSlot } from './wanted.ts';

/** What a slot is dropped for. A slot in use never is, nor the temporary one of a base backup. */

export const isIdle = ({ active, temporary }: Slot): boolean => !active && !temporary;

/** Of one that is wanted, and is made anew: why; null: it is as it should be. `calm`: somebody leads, and it is known who. */
export function whyAnew(slot: Slot, wanted: WantedSlot, calm: boolean): string | null {
  if (!isIdle(slot)) return null;
  if (slot.kind !== wanted.kind) return `it is ${slot.kind}, and shall be ${wanted.kind}`;
  if (slot.kind === 'logical') {
    if (slot.database !== wanted.database)
      return `it is of database ${slot.database}, and shall be of ${wanted.database}`;
    if (slot.plugin !== wanted.plugin) return `its plugin is ${slot.plugin}, and shall be ${wanted.plugin}`;
    return slot.walStatus === 'lost'
      ? 'it is invalidated: its consumer has missed what came since, and starts anew'
      : null;
  }
  if (slot.walStatus === 'lost') return 'its WAL is gone';
  // Made by somebody who did not reserve any: it can not be moved on either.
  if (slot.restartLsn === null) return 'it keeps no WAL';
  const holdsVacuum = slot.xmin || slot.catalogXmin !== null;
  return calm && !wanted.inUse && holdsVacuum ? 'nobody uses it here, and it would hold up vacuum for ever' : null;
}

/** PostgreSQL keeps failover slots itself (17 and newer), but not over one that a former primary has of its own. */
export const blocksSync = (slot: Slot): boolean =>
  slot.kind === 'logical' && slot.failover && !slot.synced && isIdle(slot);

/** All that is given must fit. */
export const isIgnored = (slot: Slot, { ignoreSlots }: Pick<ClusterSettings, 'ignoreSlots'>): boolean =>
  ignoreSlots.some((pattern) => fits(slot, pattern));

const fits = (slot: Slot, { name, kind, database, plugin }: SlotPattern): boolean =>
  (name === undefined || name === slot.name) &&
  (kind === undefined || kind === slot.kind) &&
  (database === undefined || database === slot.database) &&
  (plugin === undefined || plugin === slot.plugin);
