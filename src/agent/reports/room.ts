import type { RepairReport } from '../../model/report.ts';
import { type InstantMs, later } from '../../model/units.ts';
import type { Cancel, World } from '../../model/world.ts';

/**
 * What WAL that is kept leaves free on its disk, which is mostly the server's, too: some segments of WAL. Without them a server
 * ends, and what was kept for people to look at is not worth that.
 */
export const leftFreeBytes = 128 * 1_048_576;
/** Less than this: it is looked at more often. */
const scarceBytes = 1_024 * 1_048_576;
const everyMs = 5_000;
const everyScarceMs = 1_000;
/** A file system may show what was freed only later, or never, where a snapshot holds it; and others fill it meanwhile. */
const patienceMs = { growing: 10_000, standing: 60_000 } as const;

export interface RoomKeeper {
  /** Something may be kept by now. */
  watch(): void;
  close(): void;
}

/** As long as WAL is kept, the disk that it lies on is looked at. */
export function makeRoomKeeper(
  { files, clock }: Pick<World, 'files' | 'clock'>,
  folder: string,
  {
    giveWay,
    removeWal,
  }: {
    giveWay(): readonly RepairReport[];
    removeWal(reports: readonly RepairReport[], why: string): Promise<void>;
  },
): RoomKeeper {
  let cancel: Cancel | null = null;
  let closed = false;
  /** What was removed, and what had been free before, until that shows. */
  let removed: { readonly bytes: number; readonly freeBytes: number; readonly atMs: InstantMs } | null = null;

  function watch(afterMs = everyMs): void {
    if (closed || cancel !== null || giveWay().length === 0) return;
    cancel = clock.at(later(clock.now(), afterMs), () => void look());
  }

  /** `cancel` stands meanwhile: a disk that hangs is asked once. */
  async function look(): Promise<void> {
    const freeBytes = await files.freeBytes(folder);
    if (freeBytes !== null && !closed) await keepRoom(freeBytes);
    cancel = null;
    watch(freeBytes !== null && freeBytes < scarceBytes ? everyScarceMs : everyMs);
  }

  async function keepRoom(freeBytes: number): Promise<void> {
    if (freeBytes >= leftFreeBytes) removed = null;
    else if (removed === null || shows(removed, freeBytes)) {
      const oldest = untilFreed(giveWay(), leftFreeBytes - freeBytes);
      removed = { bytes: oldest.reduce((sum, { wal }) => sum + wal.bytes, 0), freeBytes, atMs: clock.now() };
      await removeWal(oldest, `the disk was nearly full: ${freeBytes} bytes were free`);
    }
  }

  const shows = (before: NonNullable<typeof removed>, freeBytes: number): boolean =>
    freeBytes >= before.freeBytes + before.bytes / 2 ||
    clock.now() - before.atMs >= (freeBytes > before.freeBytes ? patienceMs.growing : patienceMs.standing);

  return {
    watch: () => watch(),
    close() {
      closed = true;
      cancel?.();
    },
  };
}

/** So many of them, from the first on, that they hold these bytes; all where they do not. */
export function untilFreed(reports: readonly RepairReport[], bytes: number): readonly RepairReport[] {
  let left = bytes;
  return reports.filter(({ wal }) => {
    const goes = left > 0;
    left -= wal.bytes;
    return goes;
  });
}
