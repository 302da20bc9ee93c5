import type { Served, TrafficStatus } from './meter.ts';

/** Of an answer: `node1:5432 primary wrote 118 (2 ms, gap 51 ms, longest 4012 ms)` */
export function servedLine(
  kind: 'write' | 'read',
  served: Served,
  gapMs: number | null,
  status: TrafficStatus,
): string {
  const told = kind === 'write' ? 'wrote' : 'read';
  const gap = gapMs === null ? '' : `, gap ${ms(gapMs)}`;
  return `${served.host ?? '-'} ${served.role ?? '-'} ${told} ${served.value ?? 'nothing'} (${ms(served.tookMs)}${gap}, longest ${ms(status.longestGapMs)})`;
}

/** `10:22:31.042 …` */
export const timedLine = (text: string, at: Date): string =>
  `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, '0')} ${text}\n`;

/** What stands at the end: nobody waits for an answer any more. `ranMs`: as long as nobody answered, if nobody ever did. */
export function finalStatus(status: TrafficStatus, ranMs: number, givenUp: boolean): TrafficStatus {
  const longestGapMs = status.acknowledged === 0 ? ranMs : status.longestGapMs;
  if (!givenUp) return { ...status, longestGapMs };
  const outcome = status.kind === 'write' ? 'unknown' : 'failed';
  return { ...status, longestGapMs, [outcome]: status[outcome] + 1 };
}

export function statusLine(status: TrafficStatus): string {
  const errors = Object.entries(status.errors).map(([error, times]) => `${error} ${times}×`);
  return [
    `${status.acknowledged} ${status.kind === 'write' ? 'written' : 'read'}, ${status.failed} failed, ${status.unknown} unknown`,
    `longest gap ${ms(status.longestGapMs)}, slowest answer ${ms(status.latencyMaxMs)}, ${status.connections} connections`,
    ...(errors.length === 0 ? [] : [`errors: ${errors.join(', ')}`]),
  ].join('\n');
}

const ms = (value: number): string => `${Math.round(value)} ms`;
