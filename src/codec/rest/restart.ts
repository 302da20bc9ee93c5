import type { Ask } from '../../model/ask.ts';
import type { WallMs } from '../../model/units.ts';
import { compactJson, type JsonObject } from '../dcs/json.ts';
import { type Refusal, refusal } from './refusal.ts';
import { readAppointment } from './schedule.ts';

export type RestartAsk = Omit<Extract<Ask, { kind: 'restart' }>, 'id'>;

/** The body of POST /restart; judged field by field, in the order given, as Patroni does. */
export function readRestart(
  body: JsonObject,
  { nowMs, postmasterStarted }: { readonly nowMs: number; readonly postmasterStarted: string | null },
): { readonly kind: 'ok'; readonly ask: RestartAsk } | Refusal {
  let role: string | null = null;
  let belowVersion: number | null = null;
  let timeoutMs: number | null = null;
  let schedule: WallMs | null = null;
  for (const [field, value] of Object.entries(body)) {
    switch (field) {
      case 'schedule': {
        const read = readAppointment(value, { what: 'restart', nowMs });
        if (read.kind === 'refused') return read;
        schedule = read.at;
        break;
      }
      case 'role':
        if (typeof value !== 'string' || !roles.has(value))
          return refusal(400, 'PostgreSQL role should be either primary, standby_leader, or replica');
        role = value;
        break;
      case 'postgres_version': {
        const read = readServerVersion(typeof value === 'string' ? value : compactJson(value));
        if (typeof read === 'string') return refusal(400, read);
        belowVersion = read;
        break;
      }
      case 'timeout':
        timeoutMs = readTimeoutMs(value);
        if (timeoutMs === null) return refusal(400, 'Timeout should be a positive number of seconds');
        break;
      case 'restart_pending':
        break;
      default:
        return refusal(400, `Unknown filter for the scheduled restart: ${field}`);
    }
  }
  const started = postmasterStarted === null ? {} : { postmaster_start_time: postmasterStarted };
  const raw = { ...body, ...(schedule === null ? {} : started) };
  const pendingOnly = 'restart_pending' in body; // its presence counts, whatever it says
  return { kind: 'ok', ask: { kind: 'restart', role, pendingOnly, belowVersion, timeoutMs, schedule, raw } };
}

/** `master` as Patroni 3 says it. */
const roles: ReadonlySet<string> = new Set(['primary', 'standby_leader', 'replica', 'master']);

/** `16.1` is 160001, `9.6.3` is 90603; a text says what is wrong. */
export function readServerVersion(text: string): number | string {
  const parts = text.split('.');
  if (!parts.every((part) => /^\d{1,4}$/.test(part))) return `Invalid PostgreSQL version: ${text}`;
  const [major = 0, second = 0, third = 0] = parts.map(Number);
  if (parts.length === 3) return major * 10_000 + second * 100 + third;
  if (parts.length === 2 && major >= 10) return major * 10_000 + second;
  return `Invalid PostgreSQL version format: X.Y or X.Y.Z is accepted: ${text}`;
}

const msPer: Readonly<Record<string, number>> = {
  '': 1_000,
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function readTimeoutMs(value: unknown): number | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const match = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|min|h|d|)\s*$/.exec(String(value));
  const ms = Number(match?.[1] ?? 0) * (msPer[match?.[2] ?? ''] ?? 0);
  return ms > 0 ? ms : null;
}
