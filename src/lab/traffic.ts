import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { TrafficStatus } from '../traffic/meter.ts';
import { psqlEnv } from './environment.ts';
import type { Machine } from './ground.ts';
import type { LabPlan } from './plan.ts';

/** What the client's writer (through the port for writes) and reader (through the one for reads) last said. */
export interface TrafficView {
  readonly writer: TrafficStatus | null;
  readonly reader: TrafficStatus | null;
}

export interface LabTraffic {
  look(): TrafficView;
}

export const noTraffic: LabTraffic = { look: () => ({ writer: null, reader: null }) };

/** One writer and one reader on the client, the way an application connects: `matriarch traffic … --json`, a line a second. */
export async function startTraffic(client: Machine, plan: LabPlan, logDir: string): Promise<LabTraffic> {
  const log = (name: string): string => join(logDir, `${client.plan.name}-${name}.log`);
  const start = (name: string, command: string, port: number): Promise<void> =>
    client.launch(['matriarch', 'traffic', command, String(port), '--json'], {
      user: 'postgres',
      logPath: log(name),
      env: psqlEnv(client.plan, plan.haproxy.writes),
    });
  await start('writer', 'write', plan.haproxy.writes);
  await start('reader', 'read', plan.haproxy.reads);
  return { look: () => ({ writer: lastStatus(log('writer')), reader: lastStatus(log('reader')) }) };
}

/** The last whole line that is a status. */
export function lastStatus(path: string): TrafficStatus | null {
  const lines = tail(path, 8192).split('\n').slice(0, -1);
  for (const line of lines.reverse()) {
    try {
      const value: unknown = JSON.parse(line);
      if (isTrafficLine(value)) return value;
    } catch {
      // a message for people, or a line that begins before the part that was read
    }
  }
  return null;
}

/** A line of `--json`. */
export interface TrafficLine extends TrafficStatus {
  readonly wallMs: number;
}

export function isTrafficLine(value: unknown): value is TrafficLine {
  return typeof value === 'object' && value !== null && 'longestGapMs' in value && 'wallMs' in value;
}

function tail(path: string, bytes: number): string {
  try {
    const file = openSync(path, 'r');
    const size = fstatSync(file).size;
    const buffer = Buffer.alloc(Math.min(bytes, size));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    closeSync(file);
    return buffer.toString('utf8');
  } catch {
    return '';
  }
}
