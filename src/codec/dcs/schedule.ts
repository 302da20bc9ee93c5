import { type WallMs, wallMs } from '../../model/units.ts';

const iso =
  /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(?:(Z|UTC)|([+-])(\d\d)(?::?(\d\d))?)$/i;

/** Nobody reads a year of five digits. */
const endOfYears = Date.UTC(10_000, 0);

/** An instant with its offset from UTC, as ISO 8601. Null when it is none: a local time is nobody's instant. */
export function readSchedule(text: string): WallMs | null {
  const match = iso.exec(text.trim());
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const fractionMs = Math.floor(Number(`0.${match[7] ?? '0'}`) * 1_000);
  const offsetMinutes = (Number(match[10] ?? 0) * 60 + Number(match[11] ?? 0)) * (match[9] === '-' ? -1 : 1);
  const local = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const exists =
    local.getUTCMonth() === month - 1 && local.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  const at = local.getTime() + fractionMs - offsetMinutes * 60_000;
  return exists && Math.abs(offsetMinutes) < 24 * 60 && at < endOfYears ? wallMs(at) : null;
}

/** `2036-01-01T00:00:00+00:00`, with microseconds only when there are any: as Patroni writes it. */
export function writeSchedule(at: WallMs): string {
  const text = new Date(at).toISOString();
  return `${text.slice(0, 19)}${at % 1_000 === 0 ? '' : `${text.slice(19, 23)}000`}+00:00`;
}
