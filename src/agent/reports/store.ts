import { readReport } from '../../codec/report.ts';
import type { Fact } from '../../model/decision.ts';
import type { ControlOutcome } from '../../model/outcome.ts';
import type { RepairReport } from '../../model/report.ts';
import { later } from '../../model/units.ts';
import type { Cancel, World } from '../../model/world.ts';
import { makeRoomKeeper } from './room.ts';

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
  /** A repair is at work on what it tells: its WAL stays until that job is over. */
  begin(id: string): void;
  jobIsOver(): void;
  /** Reports whose WAL may go before its time, oldest first. */
  giveWay(): readonly RepairReport[];
  /** The WAL of these goes, and their reports say why. */
  removeWal(reports: readonly RepairReport[], why: string): Promise<void>;
  close(): void;
}

const keptMax = 100;
const sweepEveryMs = 3_600_000;

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
  /** Their files say less than is known. */
  const unsaid = new Set<string>();
  let underWay: string | null = null;
  let loaded: Promise<void> | null = null;
  let cancel: Cancel = () => {};
  let closed = false;
  let removals: Promise<void> = Promise.resolve();

  const pathOf = (id: string): string => `${folder}/${id}.json`;
  const folderOf = (id: string): string => `${folder}/${id}.wal`;
  const giveWay = (): readonly RepairReport[] => reports.filter(({ id, wal }) => wal.bytes > 0 && id !== underWay);
  const room = makeRoomKeeper({ files, clock }, folder, { giveWay, removeWal });

  function keep(report: RepairReport): void {
    const others = reports.filter(({ id }) => id !== report.id);
    reports = [...others, report].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  async function read(): Promise<void> {
    const listing = await files.list(folder);
    const names = listing.kind === 'entries' ? listing.names.filter((name) => name.endsWith('.json')).sort() : [];
    for (const name of names.slice(0, -keptMax)) await forget(name.slice(0, -'.json'.length));
    for (const name of names.slice(-keptMax)) {
      const file = await files.read(`${folder}/${name}`);
      const report = file.kind === 'text' ? readReport(file.text) : null;
      if (report === null || reports.some(({ id }) => id === report.id)) continue;
      keep(report);
      // An agent that ended as it copied leaves what no report tells of.
      if (report.wal.bytes === 0 && report.id !== underWay) await files.remove(folderOf(report.id));
    }
    await sweep();
    room.watch();
  }

  async function save(report: RepairReport): Promise<ControlOutcome> {
    const made = await files.makeDirectory(folder, 0o700);
    if (made.kind !== 'done') return made;
    const written = await files.write(pathOf(report.id), `${JSON.stringify(report)}\n`, 0o600);
    if (written.kind === 'done') {
      keep(report);
      unsaid.delete(report.id);
    }
    room.watch();
    return written;
  }

  async function sweep(): Promise<void> {
    cancel();
    if (closed) return;
    cancel = clock.at(later(clock.now(), sweepEveryMs), () => void sweep());
    const now = new Date(clock.wall()).toISOString();
    const over = reports.filter(({ wal }) => wal.until !== null && wal.until < now);
    await removeWal(over, 'its time was over');
    for (const { id } of reports.slice(0, -keptMax)) await forget(id);
    await sayLeft();
  }

  async function forget(id: string): Promise<void> {
    await files.remove(folderOf(id));
    await files.remove(pathOf(id));
    reports = reports.filter((report) => report.id !== id);
  }

  /** One after the other: two that want room may want the same to go. */
  function removeWal(gone: readonly RepairReport[], why: string): Promise<void> {
    removals = removals.then(() => removeNow(gone, why));
    return removals;
  }

  /** The report says so first: who reads of WAL that is kept must find it. A full disk may have no room for that. */
  async function removeNow(gone: readonly RepairReport[], why: string): Promise<void> {
    for (const { id } of gone) {
      const report = reports.find((one) => one.id === id);
      if (closed || report === undefined || report.wal.bytes === 0) continue;
      const wal = { ...report.wal, kept: 'removed', files: [], bytes: 0, until: null, why } as const;
      const without = { ...report, wal };
      const said = (await save(without)).kind === 'done';
      await files.remove(folderOf(id));
      if (!said) {
        keep(without);
        unsaid.add(id);
      }
      if (report.wal.until !== null && report.wal.until >= new Date(clock.wall()).toISOString())
        note('warning', 'WAL that was kept for people to look at was removed before its time', [
          ['report', id],
          ['bytes', report.wal.bytes],
          ['why', why],
        ]);
    }
    await sayLeft();
  }

  /** What there was no room to write. */
  async function sayLeft(): Promise<void> {
    for (const report of reports) if (unsaid.has(report.id)) await save(report);
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
    begin(id) {
      underWay = id;
    },
    jobIsOver() {
      underWay = null;
      room.watch();
    },
    giveWay,
    removeWal,
    close() {
      closed = true;
      cancel();
      room.close();
    },
  };
}
