import { type Lsn, lsnOf } from '../../model/units.ts';

/** A segment of WAL by its name: timeline, and its number with segments of this size. Null: no segment. */
export function readWalFileName(name: string, segmentBytes: bigint): { timeline: number; number: bigint } | null {
  const match = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(?:\.partial)?$/.exec(name);
  if (match === null) return null;
  const [log, segment] = [BigInt(`0x${match[2]}`), BigInt(`0x${match[3]}`)];
  return { timeline: Number.parseInt(match[1] ?? '', 16), number: log * (0x1_0000_0000n / segmentBytes) + segment };
}

export const isWalFileName = (name: string): boolean => readWalFileName(name, 0x100_0000n) !== null;

export const segmentOf = (at: Lsn, segmentBytes: bigint): bigint => at / segmentBytes;
export const beginOfSegment = (number: bigint, segmentBytes: bigint): Lsn => lsnOf(number * segmentBytes);
