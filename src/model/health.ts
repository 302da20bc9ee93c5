import type { InstantMs } from './units.ts';

/** What keeps a server from doing its work though its postmaster lives, told apart by its cause. */
export type Hindrance =
  /** Stopped by a signal: nobody new gets in, and nothing of it that dies is replaced. */
  | 'postmaster frozen'
  /** A commit waits for its WAL to reach the disk, and no other WAL gets there either. */
  | 'fsync stalled'
  /** Neither reads nor writes come back. */
  | 'disk hung'
  | 'disk full'
  | 'read only'
  | 'I/O error'
  | 'connection refused'
  | 'too many connections'
  | 'starting up'
  | 'shutting down'
  | 'no answer'
  /** The commit is not done yet, and nothing says that it is the disk that keeps it. */
  | 'slow'
  /** A standby that has WAL to replay, and does not. */
  | 'replay stands still'
  | 'refused otherwise';

/** Whether this server does what it is there for, as a fresh connection found it, and the look before. */
export interface Health {
  /** When WAL was last known to reach the disk of a primary, or a fresh connection of a standby was answered; null: not yet. */
  readonly provenMs: InstantMs | null;
  readonly hindrance: { readonly kind: Hindrance; readonly sinceMs: InstantMs; readonly why: string } | null;
}

const deadly: ReadonlySet<Hindrance> = new Set([
  'postmaster frozen',
  'fsync stalled',
  'disk hung',
  'disk full',
  'read only',
  'I/O error',
] as const);

/** The disk itself said no. What goes away by itself, as when a query ends that had filled it, does so within seconds. */
export const isRefusal = (kind: Hindrance): boolean =>
  kind === 'disk full' || kind === 'read only' || kind === 'I/O error';

/**
 * With these no commit becomes durable here, or nobody new can ask for one. All others pass, or are somebody's doing: who cannot
 * get in, or waits, knows nothing of the disk.
 */
export const endsCommits = (kind: Hindrance): boolean => deadly.has(kind);
