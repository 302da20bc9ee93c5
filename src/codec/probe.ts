import type { ClientGap } from '../model/probe.ts';
import { isObject, parseJson } from './dcs/json.ts';

/** GET /gaps of a probe. */
export const writeGaps = (gaps: readonly ClientGap[]): string =>
  `${JSON.stringify({
    version: 1,
    gaps: gaps.map((gap) => ({
      ...gap,
      gapMs: Math.round(gap.gapMs),
      fromWallMs: Math.round(gap.fromWallMs),
      beganAgoMs: Math.round(gap.beganAgoMs),
      endedAgoMs: gap.endedAgoMs === null ? null : Math.round(gap.endedAgoMs),
    })),
  })}\n`;

/** So many of a probe, and so much text in each, are taken in: an incident is to stay small whoever answers. */
const gapsMax = 50;
const textMax = 200;

/** What a probe says; null: this is no probe. Gaps that are not as they should be are left out. */
export function readGaps(text: string): readonly ClientGap[] | null {
  const value = parseJson(text);
  if (!isObject(value) || value.version !== 1 || !Array.isArray(value.gaps)) return null;
  return value.gaps.slice(-gapsMax).flatMap((gap) => readGap(gap) ?? []);
}

function readGap(value: unknown): ClientGap | null {
  if (!isObject(value)) return null;
  const { kind, target, gapMs, fromWallMs, beganAgoMs, endedAgoMs, hostBefore, hostAfter } = value;
  if (kind !== 'write' && kind !== 'read') return null;
  if (!isText(target) || !isSpan(gapMs) || !isSpan(fromWallMs) || !isSpan(beganAgoMs)) return null;
  if (endedAgoMs !== null && !isSpan(endedAgoMs)) return null;
  if (!(hostBefore === null || isText(hostBefore)) || !(hostAfter === null || isText(hostAfter))) return null;
  return { kind, target, gapMs, fromWallMs, beganAgoMs, endedAgoMs, hostBefore, hostAfter };
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= textMax;
const isSpan = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 && value < 1e14;
