import { type Lsn, lsn } from '../../model/units.ts';

/** Rows that transactions put into, changed in and took from one file. */
export interface RowCounts {
  inserted: number;
  updated: number;
  deleted: number;
}

/** What is known of a stretch of WAL once its records were read, one line of pg_waldump after the other. */
export interface WalTally {
  /** Where the last record that was read begins; null: none was. */
  lastLsn: Lsn | null;
  commits: number;
  /** By the clock of the server that committed, as pg_waldump writes it. */
  firstCommit: string | null;
  lastCommit: string | null;
  /** By `tablespace/database/file`: what committed transactions did. */
  readonly tables: Map<string, RowCounts>;
  /** By transaction: what becomes of it is not known yet. */
  readonly open: Map<string, Map<string, RowCounts>>;
}

export const makeWalTally = (): WalTally => ({
  lastLsn: null,
  commits: 0,
  firstCommit: null,
  lastCommit: null,
  tables: new Map(),
  open: new Map(),
});

const record = /^rmgr: (\S+)\s.*?, tx:\s*(\d+), lsn: ([0-9A-F]+\/[0-9A-F]+), prev \S+ desc: (.*)$/;
const row = /^(INSERT|MULTI_INSERT|UPDATE|HOT_UPDATE|DELETE)\b/;
const relation = /blkref #0: rel (\d+\/\d+\/\d+) (?!fork )/;
const prepared = /^(?:COMMIT|ABORT)_PREPARED (\d+): /;
const commit = /^COMMIT(?:_PREPARED \d+:)? ([^;]+?)(?:;|$)/;
const within = /; subxacts: ([\d ]+)/;

/** Takes a line in; what is no record is left out. */
export function tallyLine(tally: WalTally, line: string): void {
  const [, manager, tx, at, desc] = record.exec(line) ?? [];
  if (manager === undefined || tx === undefined || at === undefined || desc === undefined) return;
  tally.lastLsn = lsn(at);
  if (manager === 'Transaction') settle(tally, tx, desc);
  const file = manager === 'Heap' || manager === 'Heap2' ? relation.exec(desc)?.[1] : undefined;
  const kind = row.exec(desc)?.[1];
  if (file !== undefined && kind !== undefined) count(countsIn(filesOf(tally, tx), file), kind, desc);
}

function settle(tally: WalTally, tx: string, desc: string): void {
  if (!/^(COMMIT|ABORT)/.test(desc)) return;
  const owner = prepared.exec(desc)?.[1] ?? tx;
  const all = [owner, ...(within.exec(desc)?.[1]?.trim().split(' ') ?? [])];
  const done = commit.exec(desc);
  if (done !== null) {
    tally.commits += 1;
    tally.lastCommit = done[1] ?? null;
    tally.firstCommit ??= tally.lastCommit;
    for (const id of all)
      for (const [file, counts] of tally.open.get(id) ?? []) add(countsIn(tally.tables, file), counts);
  }
  for (const id of all) tally.open.delete(id);
}

function filesOf({ open }: WalTally, tx: string): Map<string, RowCounts> {
  const files = open.get(tx) ?? new Map<string, RowCounts>();
  open.set(tx, files);
  return files;
}

function countsIn(files: Map<string, RowCounts>, file: string): RowCounts {
  const counts = files.get(file) ?? { inserted: 0, updated: 0, deleted: 0 };
  files.set(file, counts);
  return counts;
}

function count(counts: RowCounts, kind: string, desc: string): void {
  if (kind === 'INSERT') counts.inserted += 1;
  // `5 tuples` up to PostgreSQL 15, `ntuples: 5` from 16 on.
  else if (kind === 'MULTI_INSERT')
    counts.inserted += Number(/(\d+) tuples|ntuples: (\d+)/.exec(desc)?.slice(1).find(Boolean) ?? 1);
  else if (kind === 'DELETE') counts.deleted += 1;
  else counts.updated += 1;
}

function add(to: RowCounts, more: RowCounts): void {
  to.inserted += more.inserted;
  to.updated += more.updated;
  to.deleted += more.deleted;
}
