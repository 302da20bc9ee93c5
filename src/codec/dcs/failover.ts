import type { FailoverRequest } from '../../model/cluster.ts';
import type { WallMs } from '../../model/units.ts';
import { compactJson, isObject, parseJson, textOrNull } from './json.ts';
import { readSchedule, writeSchedule } from './schedule.ts';

export type ReadFailover = Omit<FailoverRequest, 'modRevision'>;

/** Null: nobody asks for anything. What cannot be understood is a request with a `problem`: cleared, never acted on. */
export function readFailover(text: string): ReadFailover | null {
  const value = parseJson(text);
  if (value === undefined) return readColons(text);
  if (!isObject(value)) return null;
  const leader = nameOrNull(value.leader);
  const candidate = nameOrNull(value.member);
  const given = value.scheduled_at ?? null;
  const scheduledAt = typeof given === 'string' ? readSchedule(given) : null;
  const problem = given !== null && scheduledAt === null ? `scheduled_at cannot be read: ${compactJson(given)}` : null;
  if (leader === null && candidate === null && problem === null) return null;
  return { leader, candidate, scheduledAt, problem };
}

/** Each field only if set; nothing set is the empty request `{}`. */
export const writeFailover = (request: {
  readonly leader: string | null;
  readonly candidate: string | null;
  readonly scheduledAt: WallMs | null;
}): string =>
  compactJson({
    leader: request.leader ?? undefined,
    member: request.candidate ?? undefined,
    scheduled_at: request.scheduledAt === null ? undefined : writeSchedule(request.scheduledAt),
  });

/** Patroni empties the key, it never deletes it. */
export const noFailover = '{}';

/** The form before JSON: `leader:member`, either may be empty. */
function readColons(text: string): ReadFailover | null {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  const parts = trimmed.split(':').map((part) => part.trim());
  if (parts.length !== 2 || parts.join('') === '')
    return { leader: null, candidate: null, scheduledAt: null, problem: 'neither JSON nor leader:member' };
  return { leader: nameOrNull(parts[0]), candidate: nameOrNull(parts[1]), scheduledAt: null, problem: null };
}

const nameOrNull = (value: unknown): string | null => textOrNull(value) || null;
