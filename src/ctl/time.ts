import { readSchedule } from '../codec/dcs/schedule.ts';
import { refuse } from './problem.ts';

/** When something shall happen, in the zone in which it was said. */
export interface Appointment {
  /** `2036-01-01T05:00:00+02:00` */
  readonly iso: string;
}

/** Empty and `now` mean at once: null. A time without a zone is local. */
export function readAppointment(text: string): Appointment | null {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.toLowerCase() === 'now') return null;
  const match = form.exec(trimmed);
  const [, day = '', minutes = '', seconds = ':00', fraction = '', zone] = match ?? [];
  const iso = `${day}T${minutes}${seconds}${fraction === '' ? '' : `.${fraction.padEnd(6, '0').slice(0, 6)}`}`;
  const full = `${iso}${zone === undefined ? localOffset(new Date(iso)) : readOffset(zone)}`;
  if (match === null || readSchedule(full) === null)
    return refuse(
      `Unable to parse scheduled timestamp (${text}). It should be in an unambiguous format (e.g. ISO 8601)`,
    );
  return { iso: full };
}

const form = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d{1,9}))?\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$/i;

function readOffset(zone: string): string {
  const match = /^([+-]\d\d):?(\d\d)?$/.exec(zone);
  return match === null ? '+00:00' : `${match[1]}:${match[2] ?? '00'}`;
}

function localOffset(at: Date): string {
  const minutes = -at.getTimezoneOffset();
  const two = (n: number): string => String(Math.floor(n)).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
}

/**
 * A moment in the past, as people say it: a date and a time, a time of day, or `5m` for five minutes ago. Without a zone it
 * is UTC, as the journal is printed. Null: it is none of these.
 */
export function readMoment(text: string, nowMs: number): number | null {
  const trimmed = text.trim();
  const ago = /^(\d{1,6})\s*(s|m|h|d)(\s+ago)?$/.exec(trimmed);
  if (ago !== null) return nowMs - Number(ago[1]) * (unitMs[ago[2] ?? ''] ?? 0);
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const isTimeOfDay = /^\d\d:\d\d/.test(trimmed);
  const match = form.exec(isTimeOfDay ? `${today} ${trimmed}` : trimmed);
  if (match === null) return null;
  const [, day = '', minutes = '', seconds = ':00', fraction = '', zone = 'Z'] = match;
  const at = Date.parse(`${day}T${minutes}${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}${readOffset(zone)}`);
  if (Number.isNaN(at)) return null;
  return isTimeOfDay && at > nowMs ? at - (unitMs.d ?? 0) : at;
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const two = (n: number): string => String(n).padStart(2, '0');

/** `2026-11-23 01:45:34`, local. */
export const localSecond = (wallMs: number): string => {
  const at = new Date(wallMs);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
};

/** With five digits of a second, as Patroni stamps results. */
export const stamp = (wallMs: number): string =>
  `${localSecond(wallMs)}.${String(Math.floor(wallMs) % 1000).padStart(3, '0')}00`;

/** An example for a question: one hour from now, `2026-11-23T02:47`. */
export const inAnHour = (wallMs: number): string =>
  localSecond(wallMs + 3_600_000)
    .slice(0, 16)
    .replace(' ', 'T');
