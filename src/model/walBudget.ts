import type { Observation } from './observation.ts';
import type { RunningPrimary, Slot } from './postgres.ts';
import type { InstantMs } from './units.ts';

/** How much WAL each slot of a primary kept at some instant, in bytes. */
export interface SlotLook {
  readonly atMs: InstantMs;
  readonly retained: Readonly<Record<string, number>>;
}

/** What a slot costs, and where that ends. */
export interface SlotBudget {
  readonly name: string;
  readonly kind: Slot['kind'];
  readonly active: boolean;
  readonly retainedBytes: number;
  /** Null: not known yet. */
  readonly growthBytesPerS: number | null;
  /** Until what comes first; null: nothing limits it that is known. */
  readonly leftBytes: number | null;
  readonly limit: 'max_slot_wal_keep_size' | 'disk' | null;
  /** At this pace; null: it does not grow, or nothing limits it. */
  readonly endsInMs: number | null;
}

/** Two looks that are closer tell of a burst, and of no pace. */
const paceMs = 60_000;

/** Of a primary, by its successive looks; elsewhere none. */
export function walBudget({ postgres, memory, nowMs }: Observation): readonly SlotBudget[] {
  if (postgres.kind !== 'running' || postgres.role !== 'primary') return [];
  const retained = retainedBy(postgres);
  const most = Math.max(0, ...Object.values(retained));
  return postgres.slots.flatMap((slot): SlotBudget[] => {
    const retainedBytes = retained[slot.name];
    if (retainedBytes === undefined) return [];
    const growthBytesPerS = growthOf(slot.name, retainedBytes, memory.slotLooks, nowMs);
    const { leftBytes, limit } = limitOf(slot, postgres.walFreeBytes, most - retainedBytes);
    const ends = growthBytesPerS !== null && growthBytesPerS > 0 && leftBytes !== null;
    const endsInMs = ends ? Math.round((leftBytes / growthBytesPerS) * 1_000) : null;
    const { name, kind, active } = slot;
    return [{ name, kind, active, retainedBytes, growthBytesPerS, leftBytes, limit, endsInMs }];
  });
}

/** By slot, what lies between its oldest WAL and the end. */
export const retainedBy = ({ slots, flushLsn }: RunningPrimary): Readonly<Record<string, number>> =>
  Object.fromEntries(
    slots.flatMap(({ name, restartLsn, temporary }) =>
      restartLsn === null || temporary ? [] : [[name, Number(flushLsn > restartLsn ? flushLsn - restartLsn : 0n)]],
    ),
  );

function growthOf(name: string, retainedBytes: number, looks: readonly SlotLook[], nowMs: InstantMs): number | null {
  const first = looks.find(({ retained }) => retained[name] !== undefined);
  const before = first?.retained[name];
  if (first === undefined || before === undefined || nowMs - first.atMs < paceMs) return null;
  return ((retainedBytes - before) / (nowMs - first.atMs)) * 1_000;
}

/** WAL that another slot keeps in any case takes no more of the disk. */
function limitOf(
  { safeWalBytes }: Slot,
  freeBytes: number | null,
  sharedBytes: number,
): Pick<SlotBudget, 'leftBytes' | 'limit'> {
  const byDisk = freeBytes === null ? null : freeBytes + sharedBytes;
  if (safeWalBytes !== null && (byDisk === null || safeWalBytes <= byDisk))
    return { leftBytes: Math.max(0, safeWalBytes), limit: 'max_slot_wal_keep_size' };
  return byDisk === null ? { leftBytes: null, limit: null } : { leftBytes: byDisk, limit: 'disk' };
}
