import type { Served, TrafficStatus } from './meter.ts';

/** `10:22:31.042 node1:5432 primary wrote 118 (2 ms, gap 51 ms, longest 4012 ms)` */
export function servedLine(
  kind: 'write' | 'read',
  served: Served,
  gapMs: number | null,
  status: TrafficStatus,
  at: Date,
): string {
  const time = `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, '0')}`;
  const told = {
    acknowledged: kind === 'write' ? 'wrote' : 'read',
    failed: `failed (${served.error}) ${kind === 'write' ? 'to write' : 'to read'}`,
    unknown: `unknown (${served.error}) whether it wrote`,
  }[kind === 'read' && served.outcome === 'unknown' ? 'failed' : served.outcome];
  const gap = gapMs === null ? '' : `, gap ${ms(gapMs)}`;
  return `${time} ${served.host ?? '-'} ${served.role ?? '-'} ${told} ${served.value ?? 'nothing'} (${ms(served.tookMs)}${gap}, longest ${ms(status.longestGapMs)})`;
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
