import type { ConnectionKind, Load } from './words.ts';

export const wrkCommand = (
  url: string,
  kind: ConnectionKind,
  connections: number,
  seconds: number,
): readonly string[] => [
  ...['wrk', '--threads', '1', '--connections', String(connections), '--duration', `${seconds}s`],
  ...['--timeout', '5s', '--latency', ...(kind === 'new' ? ['--header', 'Connection: close'] : []), url],
];

/** Null: it is not what wrk prints. */
export function readWrk(text: string): Load | null {
  const perSecond = numberAfter(/^Requests\/sec:\s+([\d.]+)/m, text);
  const p50Ms = latencyMs('50%', text);
  const p99Ms = latencyMs('99%', text);
  if (perSecond === null || p50Ms === null || p99Ms === null) return null;
  const sockets = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)?.slice(1) ?? [];
  const refused = numberAfter(/Non-2xx or 3xx responses: (\d+)/, text) ?? 0;
  const failed = sockets.map(Number).reduce((sum, one) => sum + one, refused);
  return { requestsPerSecond: perSecond, p50Ms, p99Ms, failed };
}

function numberAfter(pattern: RegExp, text: string): number | null {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? null : Number(found);
}

const unitsMs: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

function latencyMs(share: string, text: string): number | null {
  const [, value, unit = ''] = new RegExp(`^\\s+${share}\\s+([\\d.]+)(us|ms|s|m)\\s*$`, 'm').exec(text) ?? [];
  return value === undefined ? null : Number(value) * (unitsMs[unit] ?? 1);
}
