import { lsnOf, lsnText } from '../../model/units.ts';
import type { Keeps } from '../unsynced.ts';

/** What a record does. Only `write` is visible to clients. */
export type WalChange =
  | { readonly kind: 'write'; readonly key: string; readonly value: string }
  | { readonly kind: 'checkpoint' | 'shutdown' | 'endOfRecovery' | 'other' };

export interface WalRecord {
  readonly start: bigint;
  readonly end: bigint;
  readonly timeline: number;
  readonly change: WalChange;
}

export interface TimelineBranch {
  readonly timeline: number;
  /** Where the next timeline branched off. */
  readonly end: bigint;
}

/** The write-ahead log of one data directory: all of it, on the timelines that lead to the one it ends on. */
export interface Wal {
  timeline: number;
  history: readonly TimelineBranch[];
  records: WalRecord[];
  end: bigint;
  /** What a power cut can not take away. */
  flushed: bigint;
}

export const walBegin = 0x1741570n;

export const newWal = (): Wal => ({ timeline: 1, history: [], records: [], end: walBegin, flushed: walBegin });

export const copyWal = (wal: Wal): Wal => ({ ...wal, records: [...wal.records] });

export function append(wal: Wal, change: WalChange, bytes: number): WalRecord {
  const record = { start: wal.end, end: wal.end + BigInt(bytes), timeline: wal.timeline, change };
  wal.records.push(record);
  wal.end = record.end;
  return record;
}

/** Forgets everything behind a position: a crash took it, or a rewind. */
export function truncate(wal: Wal, to: bigint): void {
  while ((wal.records.at(-1)?.end ?? 0n) > to) wal.records.pop();
  wal.end = to;
  for (let last = wal.history.at(-1); last !== undefined && last.end > to; last = wal.history.at(-1)) {
    wal.timeline = last.timeline;
    wal.history = wal.history.slice(0, -1);
  }
  if (wal.flushed > to) wal.flushed = to;
}

/** The power was cut: what was not flushed may be gone, the latest first. */
export function loseTail(wal: Wal, keeps: Keeps): void {
  const unsafe = wal.records.filter(({ end }) => end > wal.flushed);
  truncate(wal, unsafe[keeps(unsafe.length) - 1]?.end ?? wal.flushed);
}

/** Begins a new timeline here. */
export function branch(wal: Wal, timeline: number): void {
  wal.history = [...wal.history, { timeline: wal.timeline, end: wal.end }];
  wal.timeline = timeline;
}

/** Where that timeline ends in this log's history: endless for the one it is on, null for one it never was on. */
export function endOf(wal: Wal, timeline: number): bigint | 'open' | null {
  if (timeline === wal.timeline) return 'open';
  return wal.history.find((one) => one.timeline === timeline)?.end ?? null;
}

/** The last checkpoint that ends by there. */
export const lastCheckpoint = (wal: Wal, upTo: bigint): WalRecord | null =>
  wal.records.findLast(
    ({ end, change }) => end <= upTo && (change.kind === 'checkpoint' || change.kind === 'shutdown'),
  ) ?? null;

/** On which timeline a log that ends there is. */
export const timelineOf = (wal: Wal, end: bigint): number =>
  wal.history.find((one) => end <= one.end)?.timeline ?? wal.timeline;

/** The last position that two logs share, and on which timeline. */
export function forkOf(a: Wal, b: Wal): { readonly timeline: number; readonly at: bigint } {
  const branchesOf = (wal: Wal): readonly (readonly [timeline: number, end: bigint | 'open'])[] => [
    ...wal.history.map((one) => [one.timeline, one.end] as const),
    [wal.timeline, 'open'],
  ];
  let fork = { timeline: 1, at: walBegin };
  const [left, right] = [branchesOf(a), branchesOf(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [l, r] = [left[i], right[i]];
    if (l === undefined || r === undefined || l[0] !== r[0]) break;
    const ends = [l[1] === 'open' ? a.end : l[1], r[1] === 'open' ? b.end : r[1]] as const;
    fork = { timeline: l[0], at: lower(...ends) };
    if (l[1] !== r[1]) break;
  }
  return fork;
}

const lower = (a: bigint, b: bigint): bigint => {
  if (a < b) return a;
  return b;
};

export const historyName = (timeline: number): string => `${hex8(timeline)}.history`;
export const historyText = (history: readonly TimelineBranch[]): string =>
  history.map((one) => `${one.timeline}\t${lsnText(lsnOf(one.end))}\tno recovery target specified\n`).join('');

const hex8 = (n: number): string => n.toString(16).toUpperCase().padStart(8, '0');
const segmentBytes = 16_777_216n;
export const walFileName = (timeline: number, at: bigint): string =>
  `${hex8(timeline)}${hex8(Number(at >> 32n))}${hex8(Number((at & 0xffffffffn) / segmentBytes))}`;

/** Key to value in the order written, as a client reads it. */
export const rowsOf = (wal: Wal, upTo: bigint): readonly (readonly [string, string])[] =>
  wal.records.flatMap((record) =>
    record.end <= upTo && record.change.kind === 'write' ? [[record.change.key, record.change.value] as const] : [],
  );
