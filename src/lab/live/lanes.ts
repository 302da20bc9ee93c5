import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Lane, LaneGap, LaneNow, LaneSample } from '../../model/live.ts';
import { parsed } from '../ask.ts';
import { isTrafficLine, type TrafficLine } from '../traffic.ts';

/** Reads what a traffic client tells in its log, as it grows. */
export interface LaneTail {
  /** What came since the last call; null: nothing. */
  more(): Lane | null;
  /** All of the last minutes. */
  all(): Lane;
}

export const lanesKeptMs = 6 * 60_000;
/** At the first look: six minutes of lines, and some to spare. */
const firstBytes = 400_000;

export function makeLaneTail(kind: Lane['kind'], path: string): LaneTail {
  let offset: number | null = null;
  let rest = '';
  let now: LaneNow | null = null;
  let samples: readonly LaneSample[] = [];
  let gaps: readonly LaneGap[] = [];

  function more(): Lane | null {
    const read = readFrom(path, offset);
    if (read === null || read.text === '') return null;
    offset = read.end;
    const lines = `${rest}${read.text}`.split('\n');
    rest = lines.pop() ?? '';
    const told = lines.map(parsed).filter(isTrafficLine);
    const last = told.at(-1);
    if (last === undefined) return null;
    now = nowOf(last);
    const fresh = told.map(({ wallMs, perSecond, host }) => ({ wallMs, perSecond, host }));
    const freshGaps = told.reduce<readonly LaneGap[]>((all, line) => mergeGaps(all, line.gaps), []);
    const sinceMs = last.wallMs - lanesKeptMs;
    samples = [...samples, ...fresh].filter(({ wallMs }) => wallMs >= sinceMs);
    gaps = mergeGaps(gaps, freshGaps).filter(({ toWallMs }) => toWallMs === null || toWallMs >= sinceMs);
    return { kind, now, samples: fresh, gaps: freshGaps };
  }
  return { more, all: () => ({ kind, now, samples, gaps }) };
}

/** A gap is known by its beginning; what is told of it later counts. One that stays open cannot be followed by another. */
export function mergeGaps(before: readonly LaneGap[], told: readonly LaneGap[]): readonly LaneGap[] {
  const all = new Map([...before, ...told].map((gap) => [gap.fromWallMs, gap]));
  return [...all.values()].sort((a, b) => a.fromWallMs - b.fromWallMs);
}

const nowOf = ({ host, role, perSecond, latencyMs, longestGapMs, failed, unknown }: TrafficLine): LaneNow => ({
  host,
  role,
  perSecond,
  latencyMs,
  longestGapMs,
  failed,
  unknown,
});

/** From `offset` on; null: the end of the file, less what a first look takes in. Null: there is no such file yet. */
function readFrom(path: string, offset: number | null): { readonly text: string; readonly end: number } | null {
  try {
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      const from = offset ?? Math.max(0, size - firstBytes);
      const buffer = Buffer.alloc(Math.max(0, size - from));
      const length = readSync(file, buffer, 0, buffer.length, from);
      return { text: buffer.toString('utf8', 0, length), end: from + length };
    } finally {
      closeSync(file);
    }
  } catch {
    return null;
  }
}
