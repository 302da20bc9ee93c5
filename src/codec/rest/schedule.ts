import type { WallMs } from '../../model/units.ts';
import { readSchedule } from '../dcs/schedule.ts';
import type { Refusal } from './refusal.ts';

/** `what` is planned for when? Needs a zone, and must lie ahead. */
export function readAppointment(
  given: unknown,
  { what, nowMs }: { readonly what: string; readonly nowMs: number },
): { readonly kind: 'ok'; readonly at: WallMs } | Refusal {
  const text = typeof given === 'string' ? given : '';
  const at = readSchedule(text);
  if (at !== null)
    return at > nowMs
      ? { kind: 'ok', at }
      : { kind: 'refused', status: 422, text: `Cannot schedule ${what} in the past` };
  return readSchedule(`${text}Z`) === null && readSchedule(`${text}T00:00Z`) === null
    ? {
        kind: 'refused',
        status: 422,
        text: 'Unable to parse scheduled timestamp. It should be in an unambiguous format, e.g. ISO 8601',
      }
    : { kind: 'refused', status: 400, text: `Timezone information is mandatory for the scheduled ${what}` };
}
