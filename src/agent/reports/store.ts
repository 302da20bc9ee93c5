import { readReport } from '../../codec/report.ts';
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
  close(): void;
}

const keptMax = 100;
const sweepEveryMs = 3_600_000;

/**
 * Each report is a file of its own in the state directory, and a folder beside it the WAL that was thrown away. The reports
 * stay, the last hundred of them; the WAL goes when its time is over.
 */
export function makeReports({ files, clock }: Pick<World, 'files' | 'clock'>, stateDir: string): Reports {
  const folder = `${stateDir}/reports`;
  let reports: readonly RepairReport[] = [];
  let loaded: Promise<void> | null = null;
  let cancel: Cancel = () => {};

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
  }

  async function save(report: RepairReport): Promise<ControlOutcome> {
    const made = await files.makeDirectory(folder, 0o700);
    if (made.kind !== 'done') return made;
    const written = await files.write(pathOf(report.id), `${JSON.stringify(report)}\n`, 0o600);
    if (written.kind === 'done') keep(report);
    return written;
  }

  async function sweep(): Promise<void> {
    cancel();
    cancel = clock.at(later(clock.now(), sweepEveryMs), () => void sweep());
    const now = new Date(clock.wall()).toISOString();
    for (const report of reports) if (report.wal.until !== null && report.wal.until < now) await removeWal(report);
    for (const { id } of reports.slice(0, -keptMax)) {
      await files.remove(folderOf(id));
      await files.remove(pathOf(id));
    }
    reports = reports.slice(-keptMax);
  }

  /** The report says so first: who reads of WAL that is kept must find it. */
  async function removeWal(report: RepairReport): Promise<void> {
    const wal = { ...report.wal, kept: 'removed', files: [], bytes: 0, until: null, why: 'its time was over' } as const;
    if ((await save({ ...report, wal })).kind === 'done') await files.remove(folderOf(report.id));
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
    close: () => cancel(),
  };
}
