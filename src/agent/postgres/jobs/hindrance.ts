import type { Hindrance } from '../../../model/job.ts';
import type { RunningStandby, Upstream } from '../../../model/postgres.ts';
import type { SqlResult } from '../../../model/world.ts';
import type { PostgresParts } from '../parts.ts';
import { peerTarget, runOnce } from '../sessions.ts';
import { slotStatus } from '../statements.ts';

const limitMs = 3_000;
/** A WAL receiver needs a new segment now and then. */
const segmentsBytes = 2 * 16 * 1_048_576;

/** What keeps this standby from streaming, of what can be seen from here; null: nothing that has a name. */
export async function hindranceOf(
  parts: PostgresParts,
  from: Upstream,
  local: RunningStandby,
): Promise<Hindrance | null> {
  if (local.receiver?.status === 'streaming') return null;
  const freeBytes = await parts.world.files.freeBytes(`${parts.places().dataDir}/pg_wal`);
  if (freeBytes !== null && freeBytes < segmentsBytes) return { kind: 'diskFull', freeBytes };
  const slot = local.upstream?.slot ?? null;
  if (slot === null || !streamsFrom(local, from)) return null;
  const settings = parts.settings();
  const target = peerTarget(settings, from.host, from.port, settings.local.postgres.superuser, false);
  const asked = await runOnce(parts.world.sql, target, [slotStatus(slot)], limitMs);
  if (asked.kind !== 'rows') return null;
  const [row] = asked.rows;
  if (row === undefined) return { kind: 'slotLost', slot, status: 'absent' };
  return row.wal_status === 'lost' ? { kind: 'slotLost', slot, status: 'lost' } : null;
}

/** Whether that is its upstream, be there a stream or none. */
export const streamsFrom = ({ upstream }: RunningStandby, from: Upstream): boolean =>
  upstream?.host === from.host && upstream.port === from.port;

/** Invalid authorization, by SQLSTATE (class 28): the server is there, and says no. */
export const isRefusal = (result: SqlResult): boolean => result.kind === 'error' && result.sqlState.startsWith('28');
