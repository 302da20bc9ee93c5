import type { WallMs } from '../../model/units.ts';
import { type JsonObject, textOrNull } from '../dcs/json.ts';
import { type Refusal, refusal } from './refusal.ts';
import { readAppointment } from './schedule.ts';

export interface HandoverRequest {
  readonly action: 'switchover' | 'failover';
  readonly leader: string | null;
  readonly candidate: string | null;
  readonly at: WallMs | null;
}

/** The body of POST /switchover and /failover: what can be judged without looking at the cluster, in Patroni's order. */
export function readHandover(
  path: HandoverRequest['action'],
  body: JsonObject,
  { nowMs, paused }: { readonly nowMs: number; readonly paused: boolean },
): { readonly kind: 'ok'; readonly request: HandoverRequest } | Refusal {
  // A name that is none must not be taken for no name: anybody might be promoted then.
  for (const field of ['candidate', 'member'])
    if (typeof (body[field] ?? '') !== 'string') return refusal(400, `${field} should be the name of a member, a text`);
  const leader = textOrNull(body.leader) || null;
  const candidate = textOrNull(body.candidate) || textOrNull(body.member) || null;
  const given = body.scheduled_at || null; // an empty text means now, as it does to Patroni
  if (path === 'failover' && candidate === null)
    return refusal(400, 'Failover could be performed only to a specific candidate');
  if (path === 'switchover' && leader === null)
    return refusal(400, 'Switchover could be performed only from a specific leader');
  let at: WallMs | null = null;
  if (given !== null) {
    if (path === 'failover') return refusal(400, "Failover can't be scheduled");
    if (paused) return refusal(400, "Can't schedule switchover in the paused state");
    const read = readAppointment(given, { what: 'switchover', nowMs });
    if (read.kind === 'refused') return read;
    at = read.at;
  }
  if (paused && candidate === null)
    return refusal(400, 'Switchover is possible only to a specific candidate in a paused state');
  if (leader !== null && leader === candidate) return refusal(400, 'Switchover target and source are the same');
  return { kind: 'ok', request: { action: leader === null ? 'failover' : 'switchover', leader, candidate, at } };
}
