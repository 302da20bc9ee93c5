import { bar, type Scale } from '../../picture/lanes.ts';
import { clientRate } from '../clients.ts';
import type { Answered } from '../verdict/gaps.ts';
import { ms } from '../verdict/words.ts';

/** Of the picture: so many bars stand side by side in it. */
const barsMost = 320;
/** Few statements in a bar would make it jump. */
const barLeastMs = 200;
/** The full height. */
export const slowestMs = 500;

/**
 * A client's answers over time: how many a second, as bars that are as tall as the space at the rate that it asks at, and over them
 * the slowest answer of each bar's time, at full height from 500 ms on.
 */
export function drawRate(
  answers: readonly Answered[],
  scale: Scale,
  { y, tall }: { readonly y: number; readonly tall: number },
): string {
  const spanMs = Math.max(barLeastMs, (scale.untilMs - scale.fromMs) / barsMost);
  const bins = new Map<number, { count: number; latencyMs: number }>();
  for (const { sentMs, endedMs } of answers) {
    const at = Math.floor((endedMs - scale.fromMs) / spanMs);
    const bin = bins.get(at) ?? { count: 0, latencyMs: 0 };
    bin.count += 1;
    bin.latencyMs = Math.max(bin.latencyMs, endedMs - sentMs);
    bins.set(at, bin);
  }
  const heightOf = (part: number): number => Math.min(1, part) * tall;
  const slow: string[] = [];
  const bars = [...bins].map(([at, { count, latencyMs }]) => {
    const fromMs = scale.fromMs + at * spanMs;
    // The last one is cut short by the end of what was seen.
    const untilMs = Math.min(fromMs + spanMs, scale.untilMs);
    const perSecond = count / (Math.max(untilMs - fromMs, 1) / 1_000);
    const high = Math.max(heightOf(perSecond / clientRate), 0.5);
    const middle = (scale.x(fromMs) + scale.x(untilMs)) / 2;
    const slowY = y + tall - heightOf(latencyMs / slowestMs);
    slow.push(`${bins.has(at - 1) ? 'L' : 'M'}${middle.toFixed(1)} ${slowY.toFixed(1)}`);
    const words = `${Math.round(perSecond)} answers a second, the slowest after ${ms(latencyMs)}`;
    return bar(scale, { fromMs, untilMs, y: y + tall - high, tall: high, of: 'served' }, words);
  });
  return `${bars.join('')}<path class="slow" d="${slow.join('')}"/>`;
}
