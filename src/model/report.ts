import type { Fact } from './decision.ts';

/**
 * What a repair threw away: written before a data directory is rewound or emptied that holds WAL beyond the point where its
 * history and the leader's part. A file of its own, with a copy of that WAL beside it.
 */
export interface RepairReport {
  readonly version: 1;
  /** When it was begun, as digits that sort: also the name of its file. */
  readonly id: string;
  readonly scope: string;
  readonly node: string;
  readonly systemId: string;
  /** prepared: written before the deed, and that one not known to be done. */
  readonly state: 'prepared' | 'done';
  readonly began: string; // ISO 8601
  readonly deed: 'rewind' | 'removal';
  /** What became of it; null: not known yet. */
  readonly outcome: string | null;
  /** The decision that began the job. */
  readonly why: { readonly rule: string; readonly because: readonly Fact[] };
  /** The leader whose history stays. */
  readonly leader: string;
  /** The last position that both histories have. */
  readonly fork: { readonly timeline: number; readonly lsn: string };
  /** Where this node's own history ended. */
  readonly end: { readonly timeline: number; readonly lsn: string };
  /** At most: with what recovery and shutdown added themselves. */
  readonly bytes: number;
  /** Commits in it, and the first and last by the clock of the server that made them. */
  readonly transactions: { readonly count: number; readonly first: string | null; readonly last: string | null };
  /** What those transactions changed, the catalogs last, else most rows first; of many the first. */
  readonly tables: readonly TouchedTable[];
  readonly tablesLeftOut: number;
  /** Why transactions and tables may be more than are told; null: that WAL was read to its end. */
  readonly cutShort: string | null;
  /** Why some tables are told by number; null: all names are known. */
  readonly namesUnknown: string | null;
  readonly wal: KeptWal;
}

/** Rows by what WAL says of them, of committed transactions. */
export interface TouchedTable {
  /** Tablespace, database and file number, as WAL has them. */
  readonly file: string;
  /** Null: the leader knows no such file; as of a table that was made, or written anew, beyond the fork. */
  readonly name: string | null;
  readonly database: string | null;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

export interface KeptWal {
  /** partly: from the fork on, as far as there was room. removed: its time was over, or room was short. */
  readonly kept: 'whole' | 'partly' | 'none' | 'removed';
  readonly folder: string;
  readonly files: readonly string[];
  readonly bytes: number;
  /** Why not all of it; null: it is whole. */
  readonly why: string | null;
  /** ISO 8601; when the agent removes it. */
  readonly until: string | null;
}
