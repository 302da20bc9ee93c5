import { readReport } from '../../codec/report.ts';
import type { Fact } from '../../model/decision.ts';
import type { ControlOutcome } from '../../model/outcome.ts';
import type { RepairReport } from '../../model/report.ts';
import { later } from '../../model/units.ts';
import type { Cancel, World } from '../../model/world.ts';

export interface Reports {
  /** Oldest first. */
  recent(): readonly RepairReport[];
  /** Reads what earlier agents left, and removes what is out of date, now and then again. Does not hold up the start. */
  load(): Promise<void>;
  /** After what earlier agents left is known. */
  known(): Promise<readonly RepairReport[]>;
  /** Whole, on disk, before it settles. */
  save(report: RepairReport): Promise<ControlOutcome>;
  /** Where the WAL of this report is kept. */
  folderOf(id: string): string;
  /** The oldest WAL that is kept goes, and its report says why. False: there is none that may. */
  removeOldestWal(why: string): Promise<boolean>;
  close(): void;
}

const keptMax = 100;
const sweepEveryMs = 3_600_000;
const roomEveryMs = 5_000;

/**
 * What WAL that is kept leaves free on its disk, which is mostly the server's, too: some segments of WAL. Without them a server
 * ends, and what was kept for people to look at is not worth that.
 */
export const leftFreeBytes = 128 * 1_048_576;

/** Of a repair that is under way nothing goes. */
export const mayGo = ({ wal, outcome }: RepairReport): boolean => wal.bytes > 0 && outcome !== null;

/**
 * Each report is a file of its own in the state directory, and a folder beside it the WAL that was thrown away. The reports
 * stay, the last hundred of them; the WAL goes when its time is over, or when room is short: the oldest first.
 */
export function makeReports(
  { files, clock }: Pick<World, 'files' | 'clock'>,
  stateDir: string,
  note: (level: 'warning', text: string, because: readonly Fact[]) => void,
): Reports {
  const folder = `${stateDir}/reports`;
  let reports: readonly RepairReport[] = [];
  let loaded: Promise<void> | null = null;
  let cancel: Cancel = () => {};
  let cancelRoom: Cancel | null = null;
  let closed = false;

  const pathOf = (id: string): string => `${folder}/${id}.json`;
  const folderOf = (id: string): string => `${folder}/${id}.wal`;

  function keep(report: RepairReport): void {
    const others = reports.filter(({ id }) => id !== report.id);
    reports = [...others, report].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  async function read(): Promise<void> {
    const listing = await files.list(folder);
    const names = listing.kind === 'entries' ? listing.names.filter((name) => name.endsWith('.json')) : [];
    for (const name of names.sort().slice(-keptMax)) {
      const file = await files.read(`${folder}/${name}`);
      const report = file.kind === 'text' ? readReport(file.text) : null;
      if (report !== null && !reports.some(({ id }) => id === report.id)) keep(report);
    }
    await sweep();
    watchRoom();
  }

  async function save(report: RepairReport): Promise<ControlOutcome> {
    const made = await files.makeDirectory(folder, 0o700);
    if (made.kind !== 'done') return made;
    const written = await files.write(pathOf(report.id), `${JSON.stringify(report)}\n`, 0o600);
    if (written.kind === 'done') keep(report);
    watchRoom();
    return written;
  }

  async function sweep(): Promise<void> {
    cancel();
    cancel = clock.at(later(clock.now(), sweepEveryMs), () => void sweep());
    const now = new Date(clock.wall()).toISOString();
    for (const report of reports)
      if (report.wal.until !== null && report.wal.until < now) await removeWal(report, 'its time was over');
    for (const { id } of reports.slice(0, -keptMax)) {
      await files.remove(folderOf(id));
      await files.remove(pathOf(id));
    }
    reports = reports.slice(-keptMax);
  }

  /** The report says so first: who reads of WAL that is kept must find it. A full disk may have no room for that. */
  async function removeWal(report: RepairReport, why: string, evenUnsaid = false): Promise<void> {
    const wal = { ...report.wal, kept: 'removed', files: [], bytes: 0, until: null, why } as const;
    if ((await save({ ...report, wal })).kind === 'done') await files.remove(folderOf(report.id));
    else if (evenUnsaid) {
      await files.remove(folderOf(report.id));
      await save({ ...report, wal });
    }
  }

  const oldestWal = (): RepairReport | undefined => reports.find(mayGo);

  async function removeOldestWal(why: string): Promise<boolean> {
    const oldest = oldestWal();
    if (oldest === undefined) return false;
    note('warning', 'WAL that was kept for people to look at is removed before its time', [
      ['report', oldest.id],
      ['bytes', oldest.wal.bytes],
      ['why', why],
    ]);
    await removeWal(oldest, why, true);
    return oldestWal() !== oldest;
  }

  function watchRoom(): void {
    if (closed || cancelRoom !== null || oldestWal() === undefined) return;
    cancelRoom = clock.at(later(clock.now(), roomEveryMs), () => void makeRoom());
  }

  async function makeRoom(): Promise<void> {
    let freeBytes: number | null;
    do freeBytes = await files.freeBytes(folder);
    while (
      freeBytes !== null &&
      freeBytes < leftFreeBytes &&
      (await removeOldestWal(`the disk was nearly full: ${freeBytes} bytes were free`))
    );
    cancelRoom = null;
    watchRoom();
  }

  const load = (): Promise<void> => {
    loaded ??= read();
    return loaded;
  };
  return {
    recent: () => reports,
    load,
    async known() {
      await load();
      return reports;
    },
    save,
    folderOf,
    removeOldestWal,
    close() {
      closed = true;
      cancel();
      cancelRoom?.();
    },
  };
}
