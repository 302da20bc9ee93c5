/** The measures of this field. A brand keeps two of them from meeting by accident. */
declare const brand: unique symbol;

/** Milliseconds of CLOCK_BOOTTIME on this machine: runs on during suspend, never steps. Meaningless elsewhere and after a reboot. */
export type InstantMs = number & { readonly [brand]: 'InstantMs' };
/** Milliseconds since 1970 by the wall clock. For people and schedules only: it may step. */
export type WallMs = number & { readonly [brand]: 'WallMs' };
/** A position in the write-ahead log, in bytes. */
export type Lsn = bigint & { readonly [brand]: 'Lsn' };
/** Rises by one at each promotion (PostgreSQL's TimeLineID). */
export type Timeline = number & { readonly [brand]: 'Timeline' };
/** etcd's revision: one counter for the whole store. */
export type Revision = bigint & { readonly [brand]: 'Revision' };
/** etcd's lease id. Exceeds 2^53. */
export type LeaseId = bigint & { readonly [brand]: 'LeaseId' };
/** The leader key's create revision: unique and rising, so it numbers the reigns. Judged together with the key's value and lease. */
export type Term = bigint & { readonly [brand]: 'Term' };
export type Pid = number & { readonly [brand]: 'Pid' };

export const instantMs = (ms: number): InstantMs => ms as InstantMs;
export const wallMs = (ms: number): WallMs => ms as WallMs;
export const later = (instant: InstantMs, byMs: number): InstantMs => (instant + byMs) as InstantMs;
export const timeline = (n: number): Timeline => n as Timeline;
export const revision = (n: bigint): Revision => n as Revision;
export const leaseId = (n: bigint): LeaseId => n as LeaseId;
export const term = (n: bigint): Term => n as Term;
export const pid = (n: number): Pid => n as Pid;
export const lsnOf = (bytes: bigint): Lsn => bytes as Lsn;

/** Reads PostgreSQL's `0/3000060`. Throws on anything else. */
export function lsn(text: string): Lsn {
  const match = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text);
  if (match === null) throw new Error(`not a WAL position: ${JSON.stringify(text)}`);
  return ((BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`)) as Lsn;
}

/** `0/3061380`: as PostgreSQL writes it, the low half without padding. */
export const lsnText = (at: Lsn): string =>
  `${(at >> 32n).toString(16).toUpperCase()}/${(at & 0xffffffffn).toString(16).toUpperCase()}`;
